import type { Database } from '../database.ts'
import { usedValues } from './bind.ts'
import { isOwn, isPlain, plainRows } from './plain.ts'
import { slicesOf } from './steps.ts'

/**
 * The counts of domain §4 that the attached plan gives, were it applied. `correlated` and `uncorrelated` are the state after it; `alive`: accounts
 * that are there before it.
 */
export function planCounts(db: Database, applicationId: number, alive: number): Record<string, number> {
  const number = (sql: string): number => Number(db.statement(sql).pluck().get() ?? 0)
  const plain = isPlain(db)
  const [kinds, lost, links] = [byKind(db, 'act'), byKind(db, 'lost'), byKind(db, 'link')]
  const asked = ['ambiguous', 'decisive', 'inactive', 'sameAs', 'movedAsk']
  const questions = asked.reduce((sum, kind) => sum + (links[kind] ?? 0), 0)
  const created = (kinds.create ?? 0) + (kinds.replaced ?? 0)
  const gone = lost.gone ?? 0
  const ends = `(select account_id from st.lost where kind = 'gone' union select account_id from st.act where kind = 'replaced')`
  const standing =
    alive -
    number(
      `select count(*) from account where application_id = ${applicationId} and identity_id is null and retired = 0 and state <> 'gone'`,
    ) -
    number(
      `select count(*) from account where id in ${ends} and retired = 0 and state <> 'gone' and identity_id is not null`,
    )
  const returnedLinked = number(
    `select count(*) from st.act x cross join account a on a.id = x.account_id where x.kind = 'returned' and a.identity_id is not null`,
  )
  const correlated = standing + returnedLinked + newlyLinked(db, links)
  const population =
    alive +
    created +
    (kinds.returned ?? 0) -
    gone -
    number(
      `select count(*) from st.act x cross join account a on a.id = x.account_id where x.kind = 'replaced' and a.state <> 'gone'`,
    )
  return {
    created,
    changed: (kinds.changed ?? 0) + (kinds.seen ?? 0),
    unchanged: (kinds.same ?? 0) + number('select max(seen) from st.sealed'),
    returned: kinds.returned ?? 0,
    renamed: kinds.renamed ?? 0,
    missing: gone + (lost.missing ?? 0) + (lost.still ?? 0),
    gone,
    protected: lost.protected ?? 0,
    grantsAdded:
      number(
        plain
          ? 'select max(grants) - coalesce((select max(grants) from st.left_out), 0) from st.sealed'
          : `select count(*) from st.act x cross join st.g g on g.a = x.sid where x.kind in ('create', 'replaced')`,
      ) + number(`select count(*) from st.gd where op = 'add'`),
    grantsRejected: number('select max(grants) from st.left_out'),
    grantsEnded:
      number(`select count(*) from st.gd where op = 'end'`) +
      number(
        `select count(*) from st.lost l cross join access c on c.account_id = l.account_id and c.until is null where l.kind = 'gone'`,
      ),
    entitlementsCreated: number(`select count(*) from st.m where neu ${plain ? '' : `and l in (${usedValues})`}`),
    correlated,
    uncorrelated: population - correlated,
    ambiguous: links.ambiguous ?? 0,
    questions,
    moved: (links.moved ?? 0) + (links.movedAsk ?? 0),
    identitiesCreated: isOwn(db)
      ? plainRows(db)
      : number('select count(distinct maker) from st.link where maker is not null'),
  }
}

/** Accounts without an owner until now. */
function newlyLinked(db: Database, { rule = 0, created = 0 }: Numbers): number {
  if (isPlain(db)) return rule + created
  const sql = `select count(*) from st.link l cross join st.cand c on c.sid = l.sid where l.kind in ('rule', 'created') and c.owner is null`
  return Number(db.statement(sql).pluck().get())
}

type Numbers = Readonly<Partial<Record<string, number>>>

/** What nearly all rows of a plan are: these are counted without a look at them. */
const usual = { act: 'same', link: 'rule', lost: 'gone' } as const

function byKind(db: Database, table: keyof typeof usual): Numbers {
  if (table === 'act' && isPlain(db)) return { create: plainRows(db) }
  if (table === 'link' && isOwn(db)) return { created: plainRows(db) }
  const all = Number(db.statement(`select count(*) from st.${table}`).pluck().get())
  const others = db
    .statement(`select kind, count(*) from st.${table} where kind <> '${usual[table]}' group by kind`)
    .raw()
    .all() as [string, number][]
  const rest = others.reduce((sum, [, count]) => sum + count, 0)
  return { ...Object.fromEntries(others), [usual[table]]: all - rest }
}

/** SHA-256 input of the plan: one line per planned change, in the order of the read, without numbers of rows; in pieces of many lines. */
export function* planLines(db: Database): Generator<Buffer<ArrayBuffer>> {
  const read = db.statement(isPlain(db) ? newLines : changeLines).pluck()
  for (const slice of slicesOf(db, lineSlice)) yield read.get(slice) as Buffer<ArrayBuffer>
  yield db
    .statement(
      `select ${joined('line')} from (select l.kind || ' ' || a.native || ' ' || hex(a.hash) || a.state line
        from st.lost l cross join account a on a.id = l.account_id where l.kind in ('gone', 'missing') order by a.native)`,
    )
    .pluck()
    .get() as Buffer<ArrayBuffer>
}

/** Lines of a piece: some megabytes at most. */
const lineSlice = 20_000

const joined = (line: string): string => `cast(coalesce(group_concat(${line}, char(10)), '') as blob)`
const owner = `coalesce(l.kind, '') || ' ' || coalesce(i.name, p.name, s.iname, '')`
const owners = `left join st.link l on l.sid = s.id left join identity i on i.id = l.identity_id left join st.planned p on p.id = l.identity_id`

const changeLines = `select ${joined(`x.kind || ' ' || s.native || ' ' || hex(s.hash) || ' ' || coalesce(hex(b.hash) || b.state || ' ' || coalesce(o.name, ''), '')
    || ' ' || ${owner}`)}
  from st.act x cross join st.s s on s.id = x.sid ${owners} left join account b on b.id = x.account_id left join identity o on o.id = b.identity_id
  where x.sid > @lo and x.sid <= @hi and (x.kind not in ('same', 'reject') or l.kind in ('rule', 'created', 'moved', 'unconfirmed'))`

/** The same lines where every row is a new account. */
const newLines = `select ${joined(`'create ' || s.native || ' ' || hex(s.hash) || '  ' || ${owner}`)} from st.s s ${owners} where s.id > @lo and s.id <= @hi`
