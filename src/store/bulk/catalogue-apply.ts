import { createHash } from 'node:crypto'
import type { Database } from '../database.ts'
import { entitlementImages } from '../images.ts'

/** What the bind fixed: a resumed run goes on with these. */
export interface CatalogueBound {
  readonly [key: string]: number
  readonly applicationId: number
  readonly run: number
}

interface Chunk {
  readonly position: number
  readonly changed: number
  readonly digest: string
}
interface Step {
  readonly name: string
  chunk(db: Database, bound: CatalogueBound, after: number, size: number): Chunk | undefined
}
type Parameters = { readonly app: number; readonly run: number; readonly lo: number; readonly hi: number }

/** Entries first, then what they give, then what is absent; each chunk in one transaction of the caller, with its checkpoint. */
export const catalogueSteps: readonly Step[] = [
  ranged('describe', 'select max(id) from st.c', describe),
  ranged('hierarchy', 'select max(id) from st.c', hierarchy),
  ranged('absent', 'select max(entitlement_id) from st.lost', absent),
]

function ranged(name: string, top: string, work: (db: Database, p: Parameters) => unknown[]): Step {
  return {
    name,
    chunk(db, bound, after, size) {
      const max = Number(db.statement(top).pluck().get() ?? 0)
      if (after >= max) return undefined
      const position = Math.min(max, after + size)
      const done = work(db, { app: bound.applicationId, run: bound.run, lo: after, hi: position })
      const digest = createHash('sha256').update(JSON.stringify(done)).digest('hex')
      return { position, changed: done.length, digest }
    },
  }
}

/** SQLite refuses a value that no statement asks for. */
function run(db: Database, sql: string, p: Parameters): void {
  db.statement(sql).run(Object.fromEntries(Object.entries(p).filter(([name]) => sql.includes(`@${name}`))))
}
const rows = (db: Database, sql: string, { lo, hi }: Parameters): unknown[] => db.statement(sql).raw().all({ lo, hi })

const chosen = (kinds: string): string =>
  `st.act x cross join st.c c on c.id = x.cid where x.kind in (${kinds}) and c.id > @lo and c.id <= @hi`

function describe(db: Database, p: Parameters): unknown[] {
  run(db, entitlementImages(`select x.entitlement_id from ${chosen(`'changed', 'returned'`)}`), p)
  run(
    db,
    `update entitlement set display = c.display, description = c.description, owner = c.owner, state = 'active',
       catalogue_run = coalesce(catalogue_run, @run), absent_run = null, changed_run = @run
     from (select x.entitlement_id id, c.display, c.description, c.owner from ${chosen(`'changed', 'returned'`)} limit -1) c
     where entitlement.id = c.id`,
    p,
  )
  run(
    db,
    `insert into entitlement(application_id, attribute, value, shown, display, description, owner, created_run, catalogue_run, changed_run)
     select @app, c.attribute, c.value, c.shown, c.display, c.description, c.owner, @run, @run, @run from ${chosen(`'create'`)} order by c.id`,
    p,
  )
  return rows(
    db,
    `select x.kind, c.attribute, c.value, c.display, c.description, c.owner from ${chosen(`'create', 'changed', 'returned'`)} order by c.id`,
    p,
  )
}

/** An id of the stage as the store's: entries that the run made are found by their value. */
const stored = (id: string): string => `iif(${id} > 0, ${id}, (select e.id from st.c n cross join entitlement e
  on e.application_id = @app and e.attribute = n.attribute and e.value = n.value where n.id = -${id}))`
const edgesOf = (op: string): string =>
  `st.act x cross join st.ge g on g.a = x.entitlement_id where g.op = '${op}' and x.cid > @lo and x.cid <= @hi`

function hierarchy(db: Database, p: Parameters): unknown[] {
  run(
    db,
    `delete from entitlement_gives where (entitlement_id, given_id) in (select g.a, g.b from ${edgesOf('end')})`,
    p,
  )
  run(
    db,
    `insert into entitlement_gives select ${stored('g.a')}, ${stored('g.b')} from ${edgesOf('add')} on conflict do nothing`,
    p,
  )
  return [
    ...rows(
      db,
      `select c.value, g.op from ${edgesOf('add').replace('where', 'cross join st.c c on c.id = x.cid where')}`,
      p,
    ),
    ...rows(
      db,
      `select c.value, g.op from ${edgesOf('end').replace('where', 'cross join st.c c on c.id = x.cid where')}`,
      p,
    ),
  ]
}

function absent(db: Database, p: Parameters): unknown[] {
  const gone = `select entitlement_id from st.lost where kind = 'gone' and entitlement_id > @lo and entitlement_id <= @hi`
  const touched = `select entitlement_id from st.lost where kind in ('gone', 'missing') and entitlement_id > @lo and entitlement_id <= @hi`
  run(db, entitlementImages(touched), p)
  run(
    db,
    `update entitlement set state = 'gone', absent_run = coalesce(absent_run, @run), changed_run = @run where id in (${gone})`,
    p,
  )
  run(db, `delete from entitlement_gives where entitlement_id in (${gone})`, p)
  run(
    db,
    `update entitlement set absent_run = @run, changed_run = @run where absent_run is null and id in (${touched})`,
    p,
  )
  return rows(
    db,
    `select e.value, l.kind from st.lost l cross join entitlement e on e.id = l.entitlement_id
    where l.kind in ('gone', 'missing') and e.id > @lo and e.id <= @hi order by e.id`,
    p,
  )
}
