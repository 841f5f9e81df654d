import type { InstallTarget } from '../model/install-target.ts'
import type { RunStatus } from '../model/result.ts'
import type { Database } from './database.ts'

export interface ScheduleState {
  readonly id: string
  /** Nothing is missed from before: the first installation, or the end of a pause. */
  readonly since: string
  readonly pausedAt: string | null
  /** Null while paused: until somebody resumes it. */
  readonly pausedUntil: string | null
  /** What it counts by since then. */
  readonly timing: string | null
}

export interface FireRecord {
  readonly nominal: string
  readonly outcome: 'run' | 'missed'
  readonly at: string
  readonly result: string | null
  readonly status: RunStatus | null
  readonly durationMs: number | null
}

/** The ledger of nominal times. Every write belongs into a transaction of the caller. */
export interface Schedules {
  state(id: string): ScheduleState | undefined
  states(): ScheduleState[]
  /** A schedule counts from now on, unless it does already by the same timing. */
  begin(id: string, at: string, timing: string): void
  forget(id: string): void
  pause(id: string, at: string, until: string | null): void
  resume(id: string, at: string): void
  /** False: somebody has the nominal time already. */
  claim(
    id: string,
    nominal: string,
    entry: { readonly run: number; readonly at: string; readonly outcome: FireRecord['outcome'] },
  ): boolean
  has(id: string, nominal: string): boolean
  /** The latest nominal time in the ledger that is not later than this: a clock may have been ahead. */
  last(id: string, upTo: string): string | undefined
  /** Latest first. */
  history(id: string, limit: number): FireRecord[]
  missedSince(id: string, at: string): number
  /** What iqtask last wrote into a target. */
  installed(target: InstallTarget): string | undefined
  keepInstalled(target: InstallTarget, text: string | undefined): void
}

export function createSchedules(db: Database): Schedules {
  const run = (sql: string, ...values: unknown[]) => db.statement(sql).run(...values)
  const columns = 'id, since, paused_at pausedAt, paused_until pausedUntil, timing'
  return {
    state: (id) => db.statement(`select ${columns} from schedule where id = ?`).get(id) as ScheduleState | undefined,
    states: () => db.statement(`select ${columns} from schedule order by id`).all() as ScheduleState[],
    begin: (id, at, timing) =>
      void run(
        `insert into schedule(id, since, timing) values (?, ?, ?) on conflict(id) do update set timing = excluded.timing,
           since = case when timing is null then since else max(since, excluded.since) end where timing is not excluded.timing`,
        id,
        at,
        timing,
      ),
    forget: (id) => void run('delete from schedule where id = ?', id),
    pause: (id, at, until) =>
      void run('update schedule set paused_at = ?, paused_until = ? where id = ?', at, until, id),
    resume: (id, at) =>
      void run('update schedule set since = max(since, ?), paused_at = null, paused_until = null where id = ?', at, id),
    claim: (id, nominal, { run: number, at, outcome }) =>
      run(
        'insert into schedule_fire(schedule, nominal, run, at, outcome) values (?, ?, ?, ?, ?) on conflict do nothing',
        id,
        nominal,
        number,
        at,
        outcome,
      ).changes === 1,
    has: (id, nominal) =>
      db.statement('select 1 from schedule_fire where schedule = ? and nominal = ?').get(id, nominal) !== undefined,
    last: (id, upTo) =>
      (db
        .statement('select max(nominal) from schedule_fire where schedule = ? and nominal <= ?')
        .pluck()
        .get(id, upTo) ?? undefined) as string | undefined,
    history: (id, limit) =>
      db
        .statement(
          `select f.nominal, f.outcome, f.at, r.result_id result, r.status, r.duration_ms durationMs from schedule_fire f
             left join task_result r on r.id = f.run where f.schedule = ? order by f.nominal desc limit ?`,
        )
        .all(id, limit) as FireRecord[],
    missedSince: (id, at) =>
      Number(
        db
          .statement(`select count(*) from schedule_fire where schedule = ? and outcome = 'missed' and nominal > ?`)
          .pluck()
          .get(id, at),
      ),
    installed: (target) =>
      (db.statement('select value from meta where key = ?').pluck().get(target) ?? undefined) as string | undefined,
    keepInstalled: (target, text) =>
      void (text === undefined
        ? run('delete from meta where key = ?', target)
        : run(
            'insert into meta(key, value) values (?, ?) on conflict(key) do update set value = excluded.value',
            target,
            text,
          )),
  }
}
