import type { ChangeFigures, PlanFigures, SourceFigures } from '../../model/plan-figures.ts'
import type { Database } from '../database.ts'
import { type GuardHistory, guardHistory } from '../guard-history.ts'
import { isOwn, isPlain, plainRows } from './plain.ts'
import { type Pause, slicesOf } from './steps.ts'

export interface FiguresOptions {
  readonly section: string
  /** 0: the application has no row yet. */
  readonly applicationId: number
  readonly privileged: boolean
  /** Rows that belong to the application; undefined where the read was to see a part only: the source is not judged then. */
  readonly rows: number | undefined
  /** The source's columns, and those that the definition names. */
  readonly columns: readonly string[]
  readonly columnsUsed: readonly string[]
  /** Attributes that the definition leaves out: that they go empty is no fault of the source. */
  readonly ignored: readonly string[]
  /** One text over filter, query and path; the section keeps it with the columns as `facts.source`. */
  readonly scope: string
  /** SHA-256 (hex) of what was read. */
  readonly digest: string | undefined
  readonly now: Date
}

/** What the guards look at: the attached plan (compared and correlated) of an application of so many accounts, next to what earlier runs left. Reads only. */
export async function planFigures(
  db: Database,
  options: FiguresOptions,
  population: number,
  pause: Pause,
): Promise<PlanFigures> {
  const app = options.applicationId
  const history = guardHistory(db, app, options.now, options.digest)
  const changes: Record<string, ChangeFigures> = {}
  for (const [kind, change] of Object.entries(changed)) {
    changes[kind] = { ...touched(db, kind, change), ...history.of(kind) }
    await pause()
  }
  // grants of accounts that end are no loss of their own
  const staying = population - (changes.deletes?.count ?? 0)
  for (const kind of ['grantsRemoved', 'grantsAdded']) changes[kind] = { ...nothing, ...changes[kind], of: staying }
  const { section, privileged, rows } = options
  const read =
    rows === undefined ? undefined : await sourceFigures(db, { ...options, rows }, population, history, pause)
  return { section, privileged, population, baseline: history.baseline, changes, read }
}

/** Another filter, query or path than the last read had: nothing may be taken for missing, unless that is allowed by name. */
export function scopeChanged(db: Database, applicationId: number, scope: string, now: Date): boolean {
  const before = guardHistory(db, applicationId, now).source?.scope
  return before !== undefined && before !== scope
}

const nothing: ChangeFigures = { count: 0, first: [] }
const account = `coalesce(a.shown, a.native) || coalesce(' ' || a.display, '')`
const staged = 'from st.act x cross join st.s s on s.id = x.sid'
const compared = `${staged} cross join account a on a.id = x.account_id`
const stayed = (op: string): Change => {
  const from = `from (select distinct d.account_id id from st.gd d cross join st.act x on x.account_id = d.account_id
    where d.op = '${op}' and x.kind <> 'returned' order by 1) d`
  return [account, `${from} cross join account a on a.id = d.id`, from]
}

/** How it is said, where it stands in the plan, and what is to be counted where that is less. */
type Change = readonly [label: string, from: string, counted?: string]

/** By kind of change. */
const changed: Readonly<Record<string, Change>> = {
  // an account whose place another one takes is lost too
  deletes: [
    account,
    `from account a where a.state <> 'gone' and a.id in
      (select account_id from st.lost where kind = 'gone' union select account_id from st.act where kind = 'replaced')`,
  ],
  disables: [account, `${compared} where x.kind in ('changed', 'renamed') and a.flags & 1 = 0 and s.flags & 1 = 1`],
  accountsEnabled: [
    account,
    `${compared} where x.kind in ('changed', 'renamed', 'returned') and a.flags & 1 = 1 and s.flags & 1 = 0`,
  ],
  ownersChanged: [
    account,
    `from st.link l cross join st.act x on x.sid = l.sid cross join account a on a.id = l.account_id
      where l.kind in ('rule', 'created', 'moved') and x.kind <> 'replaced' and a.identity_id is not null
        and (l.maker is not null or l.identity_id <> a.identity_id)`,
  ],
  grantsRemoved: stayed('end'),
  grantsAdded: stayed('add'),
  identitiesCreated: ['(select s.iname from st.s s where s.id = l.sid)', 'from st.link l where l.maker = l.sid'],
  creates: [
    `(select coalesce(s.shown, s.native) || coalesce(' ' || s.display, '') from st.s s where s.id = x.sid)`,
    `from st.act x where x.kind = 'create' or x.kind = 'replaced'`,
  ],
}

const numberOf = (db: Database, sql: string, ...values: unknown[]): number =>
  Number(
    db
      .statement(sql)
      .pluck()
      .get(...values) ?? 0,
  )

function touched(db: Database, kind: string, [label, from, counted = from]: Change): ChangeFigures {
  const plain = isPlain(db)
  // a first read changes nothing that is there
  if (plain && kind !== 'creates' && kind !== 'identitiesCreated') return nothing
  const ofAll = kind === 'creates' ? plain : kind === 'identitiesCreated' && isOwn(db)
  const count = ofAll ? plainRows(db) : numberOf(db, `select count(*) ${counted}`)
  if (count === 0) return nothing
  return { count, first: db.statement(`select ${label} ${from} limit 10`).pluck().all() as string[] }
}

async function sourceFigures(
  db: Database,
  options: FiguresOptions & { readonly rows: number },
  population: number,
  history: GuardHistory,
  pause: Pause,
): Promise<SourceFigures> {
  const before = history.source
  const now = new Set(options.columns)
  const columnsGone = before?.columns.filter((column) => !now.has(column)) ?? []
  const used = new Set(options.columnsUsed)
  const common = numberOf(
    db,
    `select count(*) + (select max(seen) from st.sealed) from st.act where kind in ('same', 'changed', 'seen', 'renamed')`,
  )
  return {
    rows: options.rows,
    earlier: history.rows,
    keysInCommon: population === 0 ? undefined : (common + seenAside(db, options.applicationId)) / population,
    common,
    emptied: without(await emptied(db, pause), options.ignored),
    columnsBefore: before?.columns.length ?? 0,
    columnsGone,
    columnsUsedGone: columnsGone.filter((column) => used.has(column)),
    scopeChanged: before !== undefined && before.scope !== options.scope,
    unchangedForMs: history.unchangedForMs,
    usualIntervalMs: history.usualIntervalMs,
  }
}

/** Known accounts whose rows were rejected, or whose place another account takes: their keys were seen. */
function seenAside(db: Database, app: number): number {
  return numberOf(
    db,
    `select count(*) from account a where a.application_id = ? and a.retired = 0 and a.state <> 'gone' and a.native in
      (select native from st.rejected union select s.native from st.act x cross join st.s s on s.id = x.sid where x.kind in ('reject', 'replaced'))`,
    app,
  )
}

/** Only accounts that changed can have lost a value, so that an unchanged million costs nothing. */
const without = (counts: Record<string, number>, names: readonly string[]): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => !names.includes(name)))

async function emptied(db: Database, pause: Pause): Promise<Record<string, number>> {
  const filled = async (rows: string, attrs: string): Promise<Map<string, number>> => {
    const counts = new Map<string, number>()
    const slice = db
      .statement(`select k.key, count(*) ${rows}, json_each(${attrs}) k where x.sid > @lo and x.sid <= @hi
        and x.kind in ('changed', 'renamed') and k.type <> 'null' group by k.key`)
      .raw()
    for (const ids of slicesOf(db)) {
      for (const [key, count] of slice.all(ids) as [string, number][]) counts.set(key, (counts.get(key) ?? 0) + count)
      await pause()
    }
    return counts
  }
  const now = await filled(staged, 's.attrs')
  const lost = [...(await filled(compared, 'a.attrs'))].map(
    ([name, count]) => [name, count - (now.get(name) ?? 0)] as const,
  )
  return Object.fromEntries(lost.filter(([, count]) => count > 0))
}
