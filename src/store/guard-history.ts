import type { ChangeFigures } from '../model/plan-figures.ts'
import type { Database } from './database.ts'

/**
 * What earlier runs tell the guards about one application. A read counts as whole unless its evidence says `partial`: most
 * files only ever prove that they were stable, and a history of `complete` ones alone would never begin. Only sections that
 * were bound carry the application's number, so that dry runs and stopped plans are not part of it.
 */
export interface GuardHistory {
  /** No whole read was applied yet. */
  readonly baseline: boolean
  /** Rows of the last whole reads, latest first, at most thirty; an allowed read begins it anew. */
  readonly rows: readonly number[]
  /** What the last read stood on; undefined where it was not kept. */
  readonly source: { readonly columns: readonly string[]; readonly scope: string } | undefined
  readonly unchangedForMs: number | undefined
  readonly usualIntervalMs: number | undefined
  /** The same kind of change in earlier runs and in the last seven days. */
  of(kind: string): Pick<ChangeFigures, 'earlier' | 'week'>
}

const weekMs = 7 * 86_400_000
const whole = `s.application_id = @app and s.status in ('success', 'warning') and s.evidence ->> 'level' <> 'partial' and s.counts ->> 'read' is not null`
const last = `(select * from task_section s where ${whole} order by run desc limit 30)`

/** `digest`: of the content read now. */
export function guardHistory(
  db: Database,
  app: number,
  now: Date,
  digest: string | undefined = undefined,
): GuardHistory {
  const rows = db
    .statement(`select s.counts ->> 'read' - coalesce(s.counts ->> 'filtered', 0) from ${last} s
      where s.run >= coalesce((select max(o.run) from ${last} o cross join guard_verdict v on v.run = o.run and v.application = o.name
        where v.verdict = 'allowed' and v.guard in ('emptySource', 'shrunkenSource')), 0) order by s.run desc`)
    .pluck()
    .all({ app }) as number[]
  const source = db
    .statement(
      `select facts ->> 'source' from task_section where application_id = ? and facts ->> 'source' is not null order by run desc limit 1`,
    )
    .pluck()
    .get(app) as string | undefined
  const week = weekOf(db, app, new Date(now.getTime() - weekMs).toISOString())
  const earlier = countsOf(db, app)
  return {
    baseline: rows.length === 0,
    rows,
    source: source === undefined ? undefined : (JSON.parse(source) as GuardHistory['source']),
    ...contentAge(db, app, now, digest),
    of: (kind) => ({ earlier: earlier(kind), week: week(kind) }),
  }
}

/** By kind, what the last whole reads changed; what was allowed by name was an exception and tells nothing about the usual. */
function countsOf(db: Database, app: number): (kind: string) => readonly number[] {
  const reads = db.statement(`select run from ${last} s order by run desc`).pluck().all({ app }) as number[]
  const verdicts = db
    .statement(`select s.run, v.guard, v.value, v.verdict = 'allowed' allowed from ${last} s
      cross join guard_verdict v on v.run = s.run and v.application = s.name`)
    .all({ app }) as { run: number; guard: string; value: number; allowed: number }[]
  const known = new Map(verdicts.map((verdict) => [`${verdict.run} ${verdict.guard}`, verdict]))
  return (kind) =>
    reads.flatMap((run) => {
      const verdict = known.get(`${run} ${kind}`)
      return verdict?.allowed === 1 ? [] : [verdict?.value ?? 0]
    })
}

/**
 * Plans that died half-way count as if they had come to their end. The window begins seven days ago, at an allowed run of the
 * same kind, or at the application's first run, whichever is latest.
 */
function weekOf(db: Database, app: number, since: string): (kind: string) => ChangeFigures['week'] {
  const counted = db
    .statement(`with r as (select run, name from task_section where application_id = @app and read_at >= @since),
      v as (select v.run, v.guard, v.value, v.verdict from r cross join guard_verdict v on v.run = r.run and v.application = r.name),
      a as (select guard, max(run) run from v where verdict = 'allowed' group by guard)
      select v.guard, coalesce(a.run, 0) allowed, coalesce(sum(iif(v.run > coalesce(a.run, 0), v.value, 0)), 0) count
      from v left join a on a.guard = v.guard group by v.guard`)
    .all({ app, since }) as { guard: string; allowed: number; count: number }[]
  const known = new Map(counted.map((row) => [row.guard, row]))
  const population = (order: string, where: string, allowed: number): number | undefined =>
    db
      .statement(
        `select counts ->> 'correlated' + counts ->> 'uncorrelated' from task_section
        where application_id = @app and status in ('success', 'warning') and counts ->> 'correlated' is not null and ${where} order by run ${order} limit 1`,
      )
      .pluck()
      .get({ app, since, allowed }) as number | undefined
  return (kind) => {
    const { allowed = 0, count = 0 } = known.get(kind) ?? {}
    const at =
      population('desc', '(read_at < @since or run <= @allowed)', allowed) ??
      population('asc', 'run > @allowed', allowed)
    return at === undefined ? undefined : { count, population: at }
  }
}

/** How long the content has been what it is, and how long it usually stays (median of at least three intervals). */
function contentAge(
  db: Database,
  app: number,
  now: Date,
  digest: string | undefined,
): Pick<GuardHistory, 'unchangedForMs' | 'usualIntervalMs'> {
  const changes = db
    .statement(`select read_at at, digest from (select run, read_at, digest, lag(digest) over (order by run) before
        from (select run, read_at, digest from task_section s where ${whole} and digest is not null order by run desc limit 2000))
      where digest is not before order by run desc limit 30`)
    .all({ app }) as { at: string; digest: string }[]
  const times = changes.map((change) => Date.parse(change.at))
  const intervals = times
    .slice(1)
    .map((time, index) => (times[index] ?? time) - time)
    .sort((a, b) => a - b)
  const since = changes[0]?.digest === digest ? times[0] : undefined
  return {
    unchangedForMs: since === undefined ? undefined : now.getTime() - since,
    usualIntervalMs: intervals.length < 3 ? undefined : intervals[intervals.length >> 1],
  }
}
