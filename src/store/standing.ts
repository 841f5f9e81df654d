import { statSync } from 'node:fs'
import type { Standing } from '../model/standing.ts'
import type { Database } from './database.ts'

interface TaskRow {
  readonly task: string
  readonly endedAt: string
  readonly durationMs: number | null
  readonly exitCode: number | null
  readonly counts: string
  readonly succeededAt: string | null
  readonly failing: number
}

/** One walk over the index of tasks; each task's last results from its end. */
const lastRuns = `with recursive name(task) as (
    select min(task) from task_result union all select (select min(task) from task_result where task > name.task) from name where task is not null
  ) select n.task, r.ended_at endedAt, r.duration_ms durationMs, r.exit_code exitCode, r.counts,
    (select ended_at from task_result where task = n.task and not dry_run and status in ('success', 'warning') order by id desc limit 1) succeededAt,
    exists (select 1 from task_health where task = n.task and failing_since is not null) failing
  from name n join task_result r on r.id = (select id from task_result where task = n.task and not dry_run and ended_at is not null
    and status not in ('skipped', 'missed') order by id desc limit 1) order by n.task`

export function standingOf(db: Database): Omit<Standing, 'version'> {
  const tasks = db.statement(lastRuns).all() as TaskRow[]
  const states = db.statement('select state, count(*) n from outbox group by state').all() as {
    state: 'waiting' | 'sent' | 'failed'
    n: number
  }[]
  return {
    storeBytes: statSync(db.path).size,
    outbox: { waiting: 0, sent: 0, failed: 0, ...Object.fromEntries(states.map(({ state, n }) => [state, n])) },
    tasks: tasks.map(({ counts, failing, ...row }) => ({
      ...row,
      counts: JSON.parse(counts) as Record<string, number>,
      failing: failing === 1,
    })),
  }
}
