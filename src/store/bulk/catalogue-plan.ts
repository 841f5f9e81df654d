import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Json } from '../../base/json.ts'
import type { PlanChange } from '../../model/plan-change.ts'
import type { Database } from '../database.ts'
import { stagePath } from '../stage-path.ts'
import { type CatalogueBound, catalogueSteps } from './catalogue-apply.ts'
import { type CatalogueDiff, diffCatalogue } from './catalogue-diff.ts'
import { createCatalogueStage, type StagedEntitlement } from './catalogue-stage.ts'
import { attachStage, sealedRun } from './stage-file.ts'

/** What a read of one application's catalogue would change: staged, compared, then applied in chunks. */
export interface CataloguePlan {
  add(entry: StagedEntitlement): void
  addRejected(attribute: string, value: string): void
  /** No more entries: makes them durable and compares them with the store. */
  compare(diff: CatalogueDiff): void
  /** Entries that occur more than once, with the places of the others (joined by ", "). */
  repeated(): readonly { readonly place: number; readonly value: string; readonly places: string }[]
  /** Edges that are left out: to a value that is not there, or on a circle, whose path is given in values. */
  refused(): readonly {
    readonly place: number
    readonly value: string
    readonly given: string
    readonly path?: string[]
  }[]
  counts(): Record<string, number>
  /** Entries that go while accounts hold them, the most held first, at most ten. */
  stillHeld(): readonly { readonly value: string; readonly holders: number }[]
  /** The first ten that go. */
  going(): readonly string[]
  changes(application: string): Iterable<PlanChange>
  /** Takes these changes out, each with its whole entry. */
  leaveOut(application: string, unwanted: (change: PlanChange) => boolean): void
  /** SHA-256 (hex) over the planned changes. */
  hash(): string
  phases(bound: CatalogueBound): readonly {
    name: string
    chunk(after: number, size: number): ReturnType<(typeof catalogueSteps)[number]['chunk']>
  }[]
  close(kept: boolean): void
}

export interface CataloguePlans {
  create(resultId: string, run: number, section: string): CataloguePlan
  /** The plan that a dead run left; undefined when it is lost or not that run's. */
  reopen(resultId: string, run: number, section: string): Pick<CataloguePlan, 'phases' | 'close'> | undefined
}

export function createCataloguePlans(db: Database): CataloguePlans {
  const phases: CataloguePlan['phases'] = (bound) =>
    catalogueSteps.map((step) => ({ name: step.name, chunk: (after, size) => step.chunk(db, bound, after, size) }))
  return {
    create(resultId, run, section) {
      const stage = createCatalogueStage(stagePath(db.path, resultId, section))
      return {
        add: stage.add,
        addRejected: stage.addRejected,
        compare(diff) {
          stage.seal(db, run)
          diffCatalogue(db, diff)
        },
        ...figuresOf(db),
        phases,
        close: (kept) => stage.close(db, kept),
      }
    },
    reopen(resultId, run, section) {
      const path = stagePath(db.path, resultId, section)
      if (!existsSync(path)) return undefined
      const file = attachStage(db, path)
      if (sealedRun(db) === run) return { phases, close: (kept) => file.close(db, kept) }
      file.close(db, true)
      return undefined
    },
  }
}

const nameOf = (id: string): string => `coalesce((select coalesce(n.shown, n.value) from st.c n where n.id = -${id}),
  (select coalesce(e.shown, e.value) from entitlement e where e.id = ${id}))`
const holders = '(select count(*) from access h where h.entitlement_id = e.id and h.until is null)'
const goneRows = `from st.lost l cross join entitlement e on e.id = l.entitlement_id where l.kind = 'gone'`

function figuresOf(db: Database): Omit<CataloguePlan, 'add' | 'addRejected' | 'compare' | 'phases' | 'close'> {
  const all = <Row>(sql: string): Row[] => db.statement(sql).all() as Row[]
  const number = (sql: string): number => Number(db.statement(sql).pluck().get() ?? 0)
  const kinds = (sql: string): Record<string, number> =>
    Object.fromEntries(db.statement(sql).raw().all() as [string, number][])
  return {
    repeated: () =>
      all(`select c.place, coalesce(c.shown, c.value) value, (select group_concat(o.place, ', ') from st.c o
          where o.attribute = c.attribute and o.value = c.value and o.id <> c.id) places
        from st.act x cross join st.c c on c.id = x.cid where x.kind = 'reject' and places is not null order by c.id`),
    refused() {
      const dangling = all<{ place: number; value: string; given: string }>(
        `select c.place, coalesce(c.shown, c.value) value, d.value given from st.dangling d cross join st.c c on c.id = d.cid order by c.id, d.value`,
      )
      const circles = all<{ place: number; value: string; path: string }>(
        `select c.place, coalesce(c.shown, c.value) value, g.path from st.ge g cross join st.act x on x.entitlement_id = g.a
           cross join st.c c on c.id = x.cid where g.op = 'refused' order by c.id, g.b`,
      ).map(({ place, value, path }) => {
        const name = db.statement(`select ${nameOf('@id')}`).pluck()
        const names = (JSON.parse(path) as number[]).map((id) => String(name.get({ id })))
        return { place, value, given: names[1] ?? '', path: names }
      })
      return [...dangling, ...circles]
    },
    counts() {
      const act = kinds('select kind, count(*) from st.act group by kind')
      const lost = kinds('select kind, count(*) from st.lost group by kind')
      const edge = kinds('select op, count(*) from st.ge group by op')
      const ended = number(
        `select count(*) from st.lost l cross join entitlement_gives h on h.entitlement_id = l.entitlement_id where l.kind = 'gone'`,
      )
      return {
        created: act.create ?? 0,
        changed: act.changed ?? 0,
        unchanged: act.same ?? 0,
        returned: act.returned ?? 0,
        missing: (lost.gone ?? 0) + (lost.missing ?? 0) + (lost.still ?? 0),
        gone: lost.gone ?? 0,
        givesAdded: edge.add ?? 0,
        givesEnded: (edge.end ?? 0) + ended,
        givesRejected: (edge.refused ?? 0) + number('select count(*) from st.dangling'),
        stillHeld: number(`select count(*) ${goneRows} and ${holders} > 0`),
      }
    },
    stillHeld: () =>
      all(
        `select coalesce(e.shown, e.value) value, ${holders} holders ${goneRows} and ${holders} > 0 order by 2 desc, 1 limit 10`,
      ),
    going: () =>
      db.statement(`select coalesce(e.shown, e.value) ${goneRows} order by e.value limit 10`).pluck().all() as string[],
    changes: (application) => changesOf(db, application),
    leaveOut(application, unwanted) {
      const keys = new Set<string>()
      for (const change of changesOf(db, application)) if (unwanted(change)) keys.add(change.key)
      leaveOut(db, JSON.stringify([...keys].map((key) => key.slice(application.length + 1))))
    },
    hash() {
      const hash = createHash('sha256')
      for (const change of changesOf(db, '')) hash.update(JSON.stringify(change)).update('\n')
      return hash.digest('hex')
    },
  }
}

/** An entry that is left out is as if its row had been rejected: it stays as it is, and what would lead to a new one goes with it. */
function leaveOut(db: Database, keys: string): void {
  const among = (row: string): string =>
    `${row}.attribute || ':' || coalesce(${row}.shown, ${row}.value) in (select value from json_each(@keys))`
  const run = (sql: string): void => void db.statement(sql).run({ keys })
  run(`update st.act set kind = 'reject' where cid in (select c.id from st.c c where ${among('c')})`)
  run(`update st.lost set kind = 'still' where entitlement_id in (select e.id from entitlement e where ${among('e')})`)
  db.exec(`update st.ge set op = 'left' where a in (select entitlement_id from st.act where kind = 'reject')
    or b in (select entitlement_id from st.act where kind = 'reject' and entitlement_id < 0)`)
}

type Row = Readonly<Record<string, string | number | null>>
const fields = ['display', 'description', 'owner'] as const
const fieldNames = { display: 'displayName', description: 'description', owner: 'owner' } as const

function* changesOf(db: Database, application: string): Generator<PlanChange> {
  const change = (kind: PlanChange['kind'], row: Row, field: string | null, before: Json, after: Json): PlanChange => ({
    kind,
    object: 'entitlement',
    key: `${application}:${row.attribute}:${row.name}`,
    field,
    before,
    after,
  })
  const entries = db
    .statement(`select x.kind, c.attribute, coalesce(c.shown, c.value) name, c.display, c.description, c.owner, e.display old_display,
        e.description old_description, e.owner old_owner, e.state old_state
      from st.act x cross join st.c c on c.id = x.cid left join entitlement e on e.id = x.entitlement_id
      where x.kind in ('create', 'changed', 'returned') order by c.attribute, c.value`)
    .iterate() as IterableIterator<Row>
  for (const row of entries) {
    if (row.kind === 'create')
      yield change('create', row, null, null, {
        displayName: row.display ?? null,
        description: row.description ?? null,
        owner: row.owner ?? null,
      })
    else {
      if (row.kind === 'returned') yield change('change', row, 'state', 'gone', 'active')
      for (const field of fields)
        if (row[field] !== row[`old_${field}`])
          yield change('change', row, fieldNames[field], row[`old_${field}`] ?? null, row[field] ?? null)
    }
  }
  const edges = db
    .statement(`select coalesce(c.attribute, '') attribute, ${nameOf('g.a')} name, ${nameOf('g.b')} given, g.op from st.ge g
      cross join st.act x on x.entitlement_id = g.a cross join st.c c on c.id = x.cid where g.op in ('add', 'end') order by 1, 2, 3`)
    .iterate() as IterableIterator<Row>
  for (const row of edges)
    yield row.op === 'add'
      ? change('add', row, 'gives', null, row.given ?? null)
      : change('remove', row, 'gives', row.given ?? null, null)
  const lost = db
    .statement(`select e.attribute, coalesce(e.shown, e.value) name ${goneRows} order by e.attribute, e.value`)
    .iterate() as IterableIterator<Row>
  for (const row of lost) yield change('end', row, 'state', 'active', 'gone')
}
