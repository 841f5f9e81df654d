import { createHash } from 'node:crypto'
import type { Database } from '../database.ts'
import { accountImages } from '../images.ts'

/** What the bind fixed for good: a resumed run computes nothing anew. */
export interface Bound {
  readonly [key: string]: string | number
  readonly applicationId: number
  readonly run: number
  readonly entitlementBase: number
  readonly accountBase: number
  readonly identityBase: number
}

export interface Applied {
  readonly position: number
  readonly changed: number
  readonly digest: string
}

/** First write of a run: id ranges are reserved, so that what row n of the stage becomes is known everywhere. */
export function bindStage(db: Database, applicationId: number, run: number): Bound {
  const top = Number(db.statement('select coalesce(max(id), 0) from st.s').pluck().get())
  const entitlementBase = reserve(
    db,
    'entitlement',
    Number(db.statement('select coalesce(max(l), 0) from st.m').pluck().get()),
  )
  numberStage(db, entitlementBase)
  return {
    applicationId,
    run,
    entitlementBase,
    accountBase: reserve(db, 'account', top),
    identityBase: reserve(db, 'identity', top),
  }
}

/**
 * Writes the reserved numbers into the stage. Store and stage are two files: a kill in the commit can keep the one and lose the
 * other, so a resume does it again; doing it twice changes nothing.
 */
export function numberStage(db: Database, entitlementBase: number): void {
  db.exec(
    `update st.m set g = ${entitlementBase} + l where neu; update st.gd set e = ${entitlementBase} - e where e < 0`,
  )
}

function reserve(db: Database, table: string, count: number): number {
  const base = Number(
    db
      .statement(
        `select max(coalesce((select seq from sqlite_sequence where name = ?), 0), (select coalesce(max(id), 0) from ${table}))`,
      )
      .pluck()
      .get(table),
  )
  db.statement('delete from sqlite_sequence where name = ?').run(table)
  db.statement('insert into sqlite_sequence(name, seq) values (?, ?)').run(table, base + count)
  return base
}

type Step = (db: Database, bound: Bound, after: number, size: number) => Applied | undefined

/** In this order; each chunk runs in one transaction of the caller, with its checkpoint. */
export const applySteps: readonly { readonly name: string; readonly chunk: Step }[] = [
  { name: 'catalogue', chunk: ranged('select max(l) from st.m', catalogue) },
  { name: 'create', chunk: ranged('select max(id) from st.s', create) },
  {
    name: 'change',
    chunk: ranged(`select max(sid) from st.act where kind in ('changed','returned','renamed','seen')`, change),
  },
  { name: 'link', chunk: ranged('select max(sid) from st.link', link) },
  { name: 'missing', chunk: ranged('select max(account_id) from st.lost', lost) },
]

/** A chunk covers `size` ids, whatever lies in them. */
function ranged(
  top: string,
  work: (db: Database, b: Bound, lo: number, hi: number) => { changed: number; digest: string },
): Step {
  return (db, bound, after, size) => {
    const max = Number(db.statement(top).pluck().get() ?? 0)
    if (after >= max) return undefined
    const hi = Math.min(max, after + size)
    return { position: hi, ...work(db, bound, after, hi) }
  }
}

const digestOf = (rows: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(rows)).digest('hex')

function catalogue(db: Database, b: Bound, lo: number, hi: number) {
  const done = db
    .statement(`insert into entitlement(id, application_id, attribute, value, shown, created_run)
    select m.g, @app, e.attribute, e.value, e.shown, @run from st.m m cross join st.e e on e.id = m.l
    where m.neu and m.l > @lo and m.l <= @hi and exists (select 1 from st.g g cross join st.act x on x.sid = g.a where g.e = m.l and x.kind not in ('reject', 'same', 'seen'))`)
    .run({ app: b.applicationId, run: b.run, lo, hi })
  const values = db
    .statement('select attribute, value from st.e where id > ? and id <= ? order by id')
    .raw()
    .all(lo, hi)
  return { changed: done.changes, digest: digestOf(values) }
}

function create(db: Database, b: Bound, lo: number, hi: number) {
  const p = { app: b.applicationId, run: b.run, abase: b.accountBase, ibase: b.identityBase, lo, hi }
  const rows = (sql: string) => db.statement(sql).run(p).changes
  rows(`insert into identity(id, name, status, application_id, attrs, sources, created_run, changed_run)
    select @ibase + s.id, s.iname, s.istatus, @app, s.iattrs, s.isources, @run, @run from st.link l cross join st.s s on s.id = l.sid
    where l.maker = l.sid and l.sid > @lo and l.sid <= @hi order by s.id`)
  const replaced = `select account_id from st.act where kind = 'replaced' and sid > @lo and sid <= @hi`
  rows(accountImages(replaced))
  rows(`update access set until = @run where until is null and account_id in (${replaced})`)
  rows(
    `update account set retired = id, state = 'gone', state_run = iif(state = 'gone', state_run, @run), changed_run = @run where id in (${replaced})`,
  )
  const made =
    rows(`insert into account(id, application_id, native, shown, uuid, display, use, flags, times, owner, state_run, link_run, keys, attrs, hash, created_run, changed_run)
    select @abase + s.id, @app, s.native, s.shown, s.uuid, s.display, s.use, s.flags, s.times, s.owner, @run, @run, s.keys_digest, s.attrs, s.hash, @run, @run
    from st.act x cross join st.s s on s.id = x.sid where x.kind in ('create', 'replaced') and x.sid > @lo and x.sid <= @hi order by s.id`)
  rows(`insert into access(account_id, entitlement_id, since) select @abase + g.a, m.g, @run from st.g g cross join st.m m on m.l = g.e
    where g.a > @lo and g.a <= @hi and exists (select 1 from st.act x where x.sid = g.a and x.kind in ('create', 'replaced')) order by 1, 2`)
  const hashes = db
    .statement(
      `select hex(s.hash) from st.act x cross join st.s s on s.id = x.sid where x.kind in ('create', 'replaced') and x.sid > ? and x.sid <= ? order by x.sid`,
    )
    .pluck()
    .all(lo, hi)
  return { changed: made, digest: digestOf(hashes) }
}

function change(db: Database, b: Bound, lo: number, hi: number) {
  const p = { run: b.run, lo, hi }
  const touched = `select x.account_id from st.act x where x.kind in ('changed','returned','renamed','seen') and x.sid > @lo and x.sid <= @hi`
  db.statement(accountImages(touched)).run(p)
  const done = db
    .statement(`update account set native = s.native, shown = s.shown, uuid = s.uuid, display = s.display, use = s.use, flags = s.flags, times = s.times, owner = s.owner,
      state_run = iif(account.state = 'active', account.state_run, @run), state = 'active', keys = s.keys_digest, attrs = s.attrs, hash = s.hash, changed_run = @run
    from (select x.account_id aid, t.* from st.act x cross join st.s t on t.id = x.sid where x.kind in ('changed','returned','renamed','seen') and x.sid > @lo and x.sid <= @hi limit -1) s
    where account.id = s.aid`)
    .run(p)
  db.statement(
    `update access set until = @run where until is null and (account_id, entitlement_id) in (select account_id, e from st.gd where op = 'end' and account_id in (${touched}))`,
  ).run(p)
  db.statement(
    `insert into access(account_id, entitlement_id, since) select account_id, e, @run from st.gd where op = 'add' and account_id in (${touched})`,
  ).run(p)
  db.statement(
    `update identity set marked = 1 where marked = 0 and id in (select identity_id from account where id in (${touched}))`,
  ).run(p)
  return {
    changed: done.changes,
    digest: digestOf(
      db
        .statement(
          `select before from change where run = ? and object = 'account' and object_id in (select account_id from st.act where sid > ? and sid <= ?) order by object_id`,
        )
        .pluck()
        .all(b.run, lo, hi),
    ),
  }
}

function link(db: Database, b: Bound, lo: number, hi: number) {
  const p = { run: b.run, abase: b.accountBase, ibase: b.identityBase, lo, hi }
  const target = 'coalesce(l.account_id, @abase + l.sid)'
  // a replaced account is a new one: the link is that of the new row
  const fresh = `iif((select kind from st.act x where x.sid = l.sid) = 'replaced', @abase + l.sid, ${target})`
  const owner = 'iif(l.maker is null, l.identity_id, @ibase + l.maker)'
  // who it belonged to before, for accounts that were there already; an account changed in this run has its image
  db.statement(
    accountImages(
      `select l.account_id from st.link l where l.account_id is not null and l.kind in ('rule', 'created', 'moved', 'unconfirmed') and l.sid > @lo and l.sid <= @hi
        and (select kind from st.act x where x.sid = l.sid) <> 'replaced'`,
    ),
  ).run({ run: b.run, lo, hi })
  const done = db
    .statement(`update account set identity_id = n.owner, link_by = n.kind, link_rule = n.rule, unconfirmed = 0,
      link_run = iif(account.identity_id is n.owner, account.link_run, @run), changed_run = @run
    from (select ${fresh} id, ${owner} owner, iif(l.kind = 'moved', 'rule', l.kind) kind, l.rule from st.link l
      where l.kind in ('rule', 'created', 'moved') and l.sid > @lo and l.sid <= @hi limit -1) n
    where account.id = n.id and (account.identity_id is not n.owner or account.unconfirmed = 1)`)
    .run(p)
  const unsure = db
    .statement(
      `update account set unconfirmed = 1, changed_run = @run where unconfirmed = 0 and id in
        (select account_id from st.link where kind = 'unconfirmed' and sid > @lo and sid <= @hi)`,
    )
    .run({ run: b.run, lo, hi })
  db.statement(
    `update identity set marked = 1 where marked = 0 and id in (select ${owner} from st.link l where l.kind in ('rule', 'moved') and l.sid > @lo and l.sid <= @hi)`,
  ).run(p)
  db.statement(`delete from question where account_id in (select ${fresh} from st.link l where l.sid > @lo and l.sid <= @hi) and account_id not in
    (select ${fresh} from st.link l where l.code is not null and l.kind <> 'error' and l.sid > @lo and l.sid <= @hi)`).run(
    p,
  )
  db.statement(`insert into question(account_id, kind, code, rule, value, candidates, since)
    select ${fresh}, iif(l.kind = 'movedAsk', 'moved', l.kind), l.code, l.rule, l.value, coalesce(l.candidates, '[]'), @run from st.link l
    where l.kind in ('ambiguous', 'decisive', 'inactive', 'sameAs', 'movedAsk') and l.sid > @lo and l.sid <= @hi
    on conflict do update set kind = excluded.kind, code = excluded.code, rule = excluded.rule, value = excluded.value, candidates = excluded.candidates`).run(
    p,
  )
  const changed = done.changes + unsure.changes
  const links = db
    .statement(
      `select s.native, l.kind, l.rule, coalesce(i.name, m.iname) from st.link l cross join st.s s on s.id = l.sid
        left join identity i on i.id = l.identity_id left join st.s m on m.id = l.maker where l.sid > ? and l.sid <= ? order by l.sid`,
    )
    .raw()
    .all(lo, hi)
  return { changed, digest: digestOf(links) }
}

function lost(db: Database, b: Bound, lo: number, hi: number) {
  const p = { run: b.run, lo, hi }
  const touched = `select account_id from st.lost where kind in ('gone', 'missing') and account_id > @lo and account_id <= @hi`
  db.statement(accountImages(touched)).run(p)
  const done = db
    .statement(
      `update account set state = (select kind from st.lost where account_id = account.id), state_run = @run, changed_run = @run where id in (${touched})`,
    )
    .run(p)
  db.statement(
    `update access set until = @run where until is null and account_id in (select account_id from st.lost where kind = 'gone' and account_id > @lo and account_id <= @hi)`,
  ).run(p)
  db.statement(
    `update identity set marked = 1 where marked = 0 and id in (select identity_id from account where id in (${touched}))`,
  ).run(p)
  const images = db
    .statement(
      `select before from change where run = @run and object = 'account' and object_id in (${touched}) order by object_id`,
    )
    .pluck()
    .all(p)
  return { changed: done.changes, digest: digestOf(images) }
}
