import type { Json } from '../../base/json.ts'
import type { PlanChange } from '../../model/plan-change.ts'
import type { Database } from '../database.ts'

/** Every change of the attached plan, identities first, then accounts in the order of the read, then what ends. */
export function* planChanges(db: Database, application: string): Generator<PlanChange> {
  yield* newIdentities(db)
  yield* accounts(db, application)
  yield* grants(db, application)
  yield* owners(db, application)
  yield* absent(db, application)
}

type Row = Readonly<Record<string, string | number | null>>

/** One after the other: a first plan has millions. Whoever looks at them writes nothing to the store meanwhile. */
function rows(db: Database, sql: string): IterableIterator<Row> {
  return db.statement(sql).iterate() as IterableIterator<Row>
}

const parsed = (text: string | number | null | undefined): Json =>
  text == null ? null : (JSON.parse(String(text)) as Json)
const text = (value: string | number | null | undefined): string | null => (value == null ? null : String(value))

function* newIdentities(db: Database): Generator<PlanChange> {
  for (const row of rows(
    db,
    `select s.iname name, s.istatus status, s.iattrs attrs from st.link l cross join st.s s on s.id = l.sid where l.maker = l.sid order by s.id`,
  ))
    yield {
      kind: 'create',
      object: 'identity',
      key: String(row.name),
      field: null,
      before: null,
      after: { status: text(row.status), attributes: parsed(row.attrs) },
    }
}

function* accounts(db: Database, application: string): Generator<PlanChange> {
  const all = rows(
    db,
    `select x.kind, coalesce(s.shown, s.native) shown, s.display, s.flags, s.attrs, s.uuid, s.use, s.owner, s.times,
       coalesce(a.shown, a.native) before_shown, a.display before_display, a.flags before_flags, a.attrs before_attrs, a.uuid before_uuid,
       a.use before_use, a.owner before_owner, a.times before_times, a.state before_state
     from st.act x cross join st.s s on s.id = x.sid left join account a on a.id = x.account_id
     where x.kind not in ('same', 'reject') order by x.sid`,
  )
  for (const row of all) {
    const key = `${application}:${row.shown}`
    if (row.kind === 'create' || row.kind === 'replaced')
      yield { kind: 'create', object: 'account', key, field: null, before: null, after: imageOf(row, '') }
    else yield* differences(key, row)
  }
}

const fields = ['nativeIdentity', 'displayName', 'uuid', 'use', 'owner', 'locked', 'times'] as const

function imageOf(row: Row, prefix: string): Record<string, Json> {
  const flags = Number(row[`${prefix}flags`])
  return {
    nativeIdentity: text(row[`${prefix}shown`]),
    displayName: text(row[`${prefix}display`]),
    uuid: text(row[`${prefix}uuid`]),
    use: text(row[`${prefix}use`]),
    owner: text(row[`${prefix}owner`]),
    disabled: (flags & 1) !== 0,
    locked: (flags & 2) !== 0,
    times: parsed(row[`${prefix}times`]),
    attributes: parsed(row[`${prefix}attrs`]),
  }
}

function* differences(key: string, row: Row): Generator<PlanChange> {
  const [before, after] = [imageOf(row, 'before_'), imageOf(row, '')]
  const object = 'account'
  if (row.before_state !== 'active')
    yield { kind: 'change', object, key, field: 'state', before: text(row.before_state), after: 'active' }
  if (before.disabled !== after.disabled)
    yield {
      kind: after.disabled === true ? 'disable' : 'enable',
      object,
      key,
      field: 'disabled',
      before: before.disabled ?? null,
      after: after.disabled ?? null,
    }
  const changed = (field: string, from: Json | undefined, to: Json | undefined): PlanChange[] =>
    JSON.stringify(from ?? null) === JSON.stringify(to ?? null)
      ? []
      : [{ kind: 'change', object, key, field, before: from ?? null, after: to ?? null }]
  for (const field of fields) yield* changed(field, before[field], after[field])
  const [old, now] = [before.attributes as Record<string, Json>, after.attributes as Record<string, Json>]
  for (const name of [...new Set([...Object.keys(old), ...Object.keys(now)])].sort())
    yield* changed(`attributes.${name}`, old[name], now[name])
}

function* grants(db: Database, application: string): Generator<PlanChange> {
  const added = rows(
    db,
    `select coalesce(s.shown, s.native) shown, 'add' op, e.attribute, coalesce(e.shown, e.value) value from st.g g cross join st.act x on x.sid = g.a
       cross join st.s s on s.id = g.a cross join st.e e on e.id = g.e where x.kind in ('create', 'replaced') order by g.a, e.attribute, e.value`,
  )
  for (const row of added) yield grantChange(application, row)
  const differing = rows(
    db,
    `select coalesce(s.shown, s.native) shown, d.op, coalesce(n.attribute, e.attribute) attribute, coalesce(n.shown, n.value, e.shown, e.value) value
       from st.gd d cross join st.act x on x.account_id = d.account_id cross join st.s s on s.id = x.sid
       left join entitlement e on e.id = d.e left join st.e n on n.id = -d.e order by s.native, attribute, value`,
  )
  for (const row of differing) yield grantChange(application, row)
}

function grantChange(application: string, row: Row): PlanChange {
  const adds = row.op === 'add'
  return {
    kind: adds ? 'add' : 'remove',
    object: 'grant',
    key: `${application}:${row.shown}`,
    field: text(row.attribute),
    before: adds ? null : text(row.value),
    after: adds ? text(row.value) : null,
  }
}

function* owners(db: Database, application: string): Generator<PlanChange> {
  for (const row of rows(
    db,
    `select coalesce(s.shown, s.native) shown, o.name before, coalesce(m.iname, i.name, p.name) after
       from st.link l cross join st.s s on s.id = l.sid left join st.cand c on c.sid = l.sid left join identity o on o.id = c.owner
       left join identity i on i.id = l.identity_id left join st.planned p on p.id = l.identity_id left join st.s m on m.id = l.maker
       where l.kind in ('rule', 'created', 'moved') and (l.maker is not null or c.owner is not l.identity_id) order by l.sid`,
  ))
    yield {
      kind: 'link',
      object: 'account',
      key: `${application}:${row.shown}`,
      field: 'identity',
      before: text(row.before),
      after: text(row.after),
    }
}

function* absent(db: Database, application: string): Generator<PlanChange> {
  for (const row of rows(
    db,
    `select coalesce(a.shown, a.native) shown, a.state before, l.kind after from st.lost l cross join account a on a.id = l.account_id
       where l.kind in ('gone', 'missing') order by a.native`,
  ))
    yield {
      kind: row.after === 'gone' ? 'end' : 'change',
      object: 'account',
      key: `${application}:${row.shown}`,
      field: 'state',
      before: text(row.before),
      after: text(row.after),
    }
}
