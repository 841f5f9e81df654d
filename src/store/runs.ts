import type { Selectable } from 'kysely'
import type { JsonObject } from '../base/json.ts'
import type { ChainFigures, ChainLink } from '../model/guard-chain.ts'
import type { Counts, RunStatus, Trigger } from '../model/result.ts'
import type { Database } from './database.ts'
import { createRunRecords, type RunRecords } from './run-records.ts'
import type { TaskResultRow } from './schema.ts'

export interface NewRun {
  readonly resultId: string
  readonly task: string
  readonly executor: string
  /** The number of the run that this one is a step of. */
  readonly parent?: number | undefined
  readonly trigger: Trigger
  readonly actor: JsonObject
  readonly host: string
  readonly pid: number
  readonly processStart: string | undefined
  readonly bootId: string | undefined
  readonly dryRun: boolean
  readonly arguments: JsonObject
  readonly definition: { readonly text: string; readonly sha256: string; readonly git: JsonObject | undefined }
  readonly toolVersion: string
  readonly queuedAt: string
}

export interface RunEnd {
  readonly status: RunStatus
  readonly exitCode: number
  readonly stoppedBy: string | undefined
  readonly counts: Counts
  readonly quality: JsonObject | undefined
  readonly endedAt: string
  /** Of this process: a run that was resumed took the time of all that worked at it, and not the time between. */
  readonly durationMs: number
}

/** A task_result row as it is read. */
export type RunRow = Selectable<TaskResultRow>

/** Writing side of results: what the runner keeps about a run. Every call belongs into a write transaction of the caller. */
export interface Runs extends RunRecords {
  insert(run: NewRun): number
  get(number: number): RunRow | undefined
  /** A dead or stopped run goes on: the row is claimed by the process that resumes it. */
  claim(number: number, by: Pick<NewRun, 'host' | 'pid' | 'processStart' | 'bootId'>, at: string): void
  /** The number of a result that exists. */
  numberOf(resultId: string): number
  /** Changes that the sections which were applied had planned, those of its steps too. */
  planned(number: number): number
  /** The run of that result; undefined where it never began. */
  byResult(resultId: string): RunRow | undefined
  /** A stopped or dead run that nothing of its task came after. */
  resumable(resultId: string): RunRow | undefined
  /** What the runs of a sequence have bound up to now, in order; those of sequences in it too. */
  chain(parent: number): ChainLink[]
  /** The result, those of its steps, of their steps, and so on. */
  family(resultId: string): readonly string[]
  /** Queued and running rows. */
  live(): RunRow[]
  /** The last results of their tasks that died under way and can go on. */
  broken(): RunRow[]
  start(number: number, at: string): void
  heartbeat(number: number, at: string, progress?: JsonObject): { stopRequested: string | null }
  requestStop(resultId: string, reason: string): void
  checkpoint(number: number, checkpoint: JsonObject, at: string): void
  end(number: number, end: RunEnd, auditSeq: number | undefined): void
  planHash(number: number, hash: string): void
  /** Whoever ends a run need not know who listens; called inside the transaction that ends it. */
  onEnd(listener: (number: number) => void): void
}

export function createRuns(db: Database): Runs {
  return { ...createRunRecords(db), ...createLookups(db), ...createLife(db) }
}

type Lookups = Pick<
  Runs,
  'get' | 'numberOf' | 'planned' | 'byResult' | 'resumable' | 'chain' | 'family' | 'live' | 'broken'
>

/** Those runs, the steps of these, and so on. */
const family = (chosen: string): string => `with recursive family(id) as (select id from task_result where ${chosen}
  union all select r.id from task_result r join family f on r.parent = f.id)`

/** The last run of its task that was more than a note. */
const lastOfTask =
  "(select max(id) from task_result where task = r.task and status not in ('skipped', 'missed', 'queued', 'running'))"

function createLookups(db: Database): Lookups {
  return {
    get: (number) => db.statement('select * from task_result where id = ?').get(number) as RunRow | undefined,
    numberOf: (resultId) =>
      Number(db.statement('select id from task_result where result_id = ?').pluck().get(resultId)),
    planned: (number) =>
      Number(
        db
          .statement(
            `${family('id = ?')} select coalesce(sum(facts ->> 'planned'), 0) from task_section where run in (select id from family)`,
          )
          .pluck()
          .get(number),
      ),
    byResult: (resultId) =>
      db.statement('select * from task_result where result_id = ?').get(resultId) as RunRow | undefined,
    resumable: (resultId) =>
      db
        .statement(`select * from task_result r where result_id = ? and status = 'terminated' and id = ${lastOfTask}`)
        .get(resultId) as RunRow | undefined,
    chain: (parent) =>
      (
        db
          .statement(
            `${family('parent = ?')} select r.result_id result, s.name section, s.facts -> 'chain' chain
               from family f join task_result r on r.id = f.id join task_section s on s.run = r.id
               where s.facts -> 'chain' is not null and s.status in ('running', 'success', 'warning', 'terminated') order by s.run, s.seq`,
          )
          .all(parent) as { result: string; section: string; chain: string }[]
      ).map(({ result, section, chain }) => ({ result, section, ...(JSON.parse(chain) as ChainFigures) })),
    family: (resultId) =>
      db
        .statement(`${family('result_id = ?')} select r.result_id from family f join task_result r on r.id = f.id`)
        .pluck()
        .all(resultId) as string[],
    live: () =>
      db.statement(`select * from task_result where status in ('queued','running') order by id`).all() as RunRow[],
    broken: () =>
      db
        .statement(
          `select * from task_result r where status = 'terminated' and checkpoint is not null and id = ${lastOfTask} order by id`,
        )
        .all() as RunRow[],
  }
}

function createLife(db: Database): Omit<Runs, keyof RunRecords | keyof Lookups> {
  const run = (sql: string, ...values: unknown[]) => db.statement(sql).run(...values)
  const listeners: ((number: number) => void)[] = []
  return {
    onEnd: (listener) => void listeners.push(listener),
    insert: (r) => insertRun(db, r),
    claim: (number, by, at) =>
      void run(
        `update task_result set status = 'running', host = ?, pid = ?, process_start = ?, boot_id = ?, heartbeat_at = ?,
           ended_at = null, exit_code = null, stopped_by = null, stop_requested = null, crashes = crashes + 1 where id = ?`,
        by.host,
        by.pid,
        by.processStart ?? null,
        by.bootId ?? null,
        at,
        number,
      ),
    start: (number, at) =>
      void run(
        `update task_result set status = 'running', started_at = coalesce(started_at, ?), heartbeat_at = ? where id = ?`,
        at,
        at,
        number,
      ),
    heartbeat: (number, at, progress) => {
      const text = progress === undefined ? null : JSON.stringify(progress)
      run('update task_result set heartbeat_at = ?, progress = coalesce(?, progress) where id = ?', at, text, number)
      const asked = db.statement('select stop_requested from task_result where id = ?').pluck().get(number)
      return { stopRequested: (asked ?? null) as string | null }
    },
    requestStop: (resultId, reason) =>
      void run('update task_result set stop_requested = ? where result_id = ?', reason, resultId),
    checkpoint: (number, checkpoint, at) =>
      void run(
        'update task_result set checkpoint = ?, heartbeat_at = ? where id = ?',
        JSON.stringify(checkpoint),
        at,
        number,
      ),
    end: (number, end, auditSeq) => {
      run(
        `update task_result set status = ?, exit_code = ?, stopped_by = ?, counts = ?, quality = ?, ended_at = ?, heartbeat_at = ?,
           duration_ms = coalesce(duration_ms, 0) + ?,
           rejects_total = (select count(*) from reject where run = task_result.id), audit_seq = ? where id = ?`,
        end.status,
        end.exitCode,
        end.stoppedBy ?? null,
        JSON.stringify(end.counts),
        end.quality === undefined ? null : JSON.stringify(end.quality),
        end.endedAt,
        end.endedAt,
        Math.round(end.durationMs),
        auditSeq ?? null,
        number,
      )
      for (const listener of listeners) listener(number)
    },
    planHash: (number, hash) => void run('update task_result set plan_hash = ? where id = ?', hash, number),
  }
}

function insertRun(db: Database, r: NewRun): number {
  const insert = db.statement(
    `insert into task_result(result_id, task, executor, parent, status, trigger, actor, host, pid, process_start, boot_id, dry_run,
             arguments, definition, definition_sha256, definition_git, tool_version, queued_at, heartbeat_at)
           values (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const done = insert.run(
    r.resultId,
    r.task,
    r.executor,
    r.parent ?? null,
    r.trigger,
    JSON.stringify(r.actor),
    r.host,
    r.pid,
    r.processStart ?? null,
    r.bootId ?? null,
    r.dryRun ? 1 : 0,
    JSON.stringify(r.arguments),
    r.definition.text,
    r.definition.sha256,
    r.definition.git === undefined ? null : JSON.stringify(r.definition.git),
    r.toolVersion,
    r.queuedAt,
    r.queuedAt,
  )
  return Number(done.lastInsertRowid)
}
