import type { Selectable } from 'kysely'
import type { Code } from '../base/codes.ts'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { CorrelationRate, SectionDocument, TaskResultDocument } from '../model/documents.ts'
import type { Evidence, GuardVerdict, LeftOut, Message, Reject, RunStatus, Trigger } from '../model/result.ts'
import type { Database } from './database.ts'
import { hintForResult } from './near.ts'
import { noticesOf } from './outbox.ts'
import type { TaskResultRow as TaskResultTable } from './schema.ts'

type TaskResultRow = Selectable<TaskResultTable>

export interface ResultFilter {
  readonly task?: string | undefined
  readonly status?: readonly string[] | undefined
  /** UTC ISO text: queued at or after, before. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Undefined: all. */
  readonly limit?: number | undefined
}

export interface RejectRecord extends Reject {
  readonly application: string
}

/** What runs left behind, for people and scripts. */
export interface Results {
  /** Latest first. */
  list(filter: ResultFilter): { items: TaskResultDocument[]; total: number; cursor: string | null }
  /** The same one by one, however many there are. */
  each(filter: ResultFilter): { items: IterableIterator<TaskResultDocument>; total: number }
  /**
   * By id, the beginning of one, `latest`, `TASK@latest` or `TASK@-2` (the last but one).
   * @throws UserError IQ1006 when there is none, IQ1007 when a beginning fits several
   */
  find(reference: string): TaskResultDocument
  rejects(id: string): IterableIterator<RejectRecord>
}

export function createResults(db: Database): Results {
  const one = (sql: string, ...values: unknown[]) => db.statement(sql).get(...values) as TaskResultRow | undefined
  const prefix = (reference: string): TaskResultRow => {
    const fits = db
      .statement(`select * from task_result where result_id >= ? and result_id < ? || 'a' order by id desc limit 3`)
      .all(reference.toUpperCase(), reference.toUpperCase()) as TaskResultRow[]
    const [first, second] = fits
    if (first === undefined) throw noResult(db, reference)
    if (second !== undefined)
      throw new UserError(`"${reference}" is the beginning of several results`, {
        code: 'IQ1007',
        hint: `write more of it: ${fits.map((row) => row.result_id).join(', ')}`,
      })
    return first
  }
  const each = (filter: ResultFilter): { items: IterableIterator<TaskResultDocument>; total: number } => {
    const { where, values } = conditions(filter)
    const total = db.statement(`select count(*) from task_result ${where}`).pluck()
    const rows = db.statement(`select * from task_result ${where} order by id desc limit ?`)
    return {
      items: documents(db, () => rows.iterate(...values, filter.limit ?? -1) as IterableIterator<TaskResultRow>),
      total: Number(total.get(...values)),
    }
  }
  return {
    each,
    list(filter) {
      const { items, total } = each(filter)
      return { items: [...items], total, cursor: null }
    },
    find(reference) {
      const named = /^(?:(.+)@)?(latest|-\d+)$/.exec(reference)
      if (named === null) return document(db, prefix(reference))
      const back = named[2] === 'latest' ? 0 : Number(named[2]?.slice(1)) - 1
      const row =
        named[1] === undefined
          ? one('select * from task_result order by id desc limit 1 offset ?', back)
          : one('select * from task_result where task = ? order by id desc limit 1 offset ?', named[1], back)
      if (row === undefined) throw noResult(db, reference)
      return document(db, row)
    },
    *rejects(id) {
      const rows = db
        .statement(
          `select application, code, reason, file, line, "column", native, fragment from reject where run = (select id from task_result where result_id = ?) order by seq`,
        )
        .iterate(id) as IterableIterator<Record<string, unknown>>
      for (const row of rows) yield present(row) as unknown as RejectRecord
    },
  }
}

/** The query begins with the first: one that nobody asked for holds nothing. */
function* documents(
  db: Database,
  rows: () => IterableIterator<TaskResultRow>,
): Generator<TaskResultDocument, undefined> {
  for (const row of rows()) yield document(db, row)
  return undefined
}

function conditions(filter: ResultFilter): { where: string; values: string[] } {
  const parts: string[] = []
  const values: string[] = []
  const add = (sql: string, ...given: string[]): void => {
    parts.push(sql)
    values.push(...given)
  }
  if (filter.task !== undefined) add('task = ?', filter.task)
  if (filter.status !== undefined) add(`status in (${filter.status.map(() => '?').join(',')})`, ...filter.status)
  if (filter.since !== undefined) add('queued_at >= ?', filter.since)
  if (filter.until !== undefined) add('queued_at < ?', filter.until)
  return { where: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values }
}

const noResult = (db: Database, reference: string): UserError =>
  new UserError(`there is no result ${JSON.stringify(reference)}`, {
    code: 'IQ1006',
    hint: hintForResult(db, reference),
  })

const present = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))

function document(db: Database, row: TaskResultRow): TaskResultDocument {
  const rowsOf = (sql: string) => db.statement(sql).all(row.id) as Record<string, unknown>[]
  return {
    schema: 'iqtask/TaskResult/1',
    id: row.result_id,
    task: row.task,
    executor: row.executor,
    status: row.status as RunStatus,
    exitCode: row.exit_code,
    stoppedBy: row.stopped_by,
    trigger: row.trigger as Trigger,
    actor: JSON.parse(row.actor) as JsonObject,
    host: row.host,
    pid: row.pid,
    toolVersion: row.tool_version,
    dryRun: row.dry_run === 1,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    durationMs: row.duration_ms,
    arguments: JSON.parse(row.arguments) as JsonObject,
    progress: parsed<JsonObject>(row.progress),
    counts: JSON.parse(row.counts) as Record<string, number>,
    sections: rowsOf('select * from task_section where run = ? order by seq').map((section) =>
      sectionDocument(db, section, row),
    ),
    quality: parsed<JsonObject>(row.quality),
    guards: rowsOf('select * from guard_verdict where run = ? order by seq').map(verdictDocument),
    messages: rowsOf('select level, code, text, item from task_message where run = ? order by seq').map(
      (message) => present(message) as unknown as Message,
    ),
    leftOut: rowsOf('select section, reason, kind, object, count, first from left_out where run = ? order by seq').map(
      (left) => ({ ...left, first: JSON.parse(String(left.first)) as string[] }) as unknown as LeftOut,
    ),
    rejects: {
      total: row.rejects_total,
      byCode: Object.fromEntries(
        rowsOf('select code, count(*) n from reject where run = ? group by code order by n desc, code').map((r) => [
          r.code as Code,
          Number(r.n),
        ]),
      ),
    },
    files: rowsOf('select path, rows, sha256 from output_file where run = ? order by path') as {
      path: string
      rows: number
      sha256: string
    }[],
    children: db
      .statement('select result_id from task_result where parent = ? order by id')
      .pluck()
      .all(row.id) as string[],
    definition: {
      text: row.definition,
      sha256: row.definition_sha256,
      git: parsed<JsonObject>(row.definition_git),
    },
    notices: noticesOf(db, row.id),
    planHash: row.plan_hash,
    auditSeq: row.audit_seq,
    acknowledged: acknowledgement(db, row.id),
  }
}

function sectionDocument(db: Database, section: Record<string, unknown>, run: TaskResultRow): SectionDocument {
  const evidence = parsed<Evidence>(section.evidence as string | null)
  const readAt = section.read_at as string | null
  const until = run.ended_at ?? run.heartbeat_at
  return {
    application: String(section.name),
    status: section.status as RunStatus,
    beganAt: section.began_at as string | null,
    endedAt: section.ended_at as string | null,
    counts: JSON.parse(String(section.counts)) as Record<string, number>,
    evidence:
      evidence === null
        ? null
        : {
            ...shownOf(evidence),
            age: readAt === null || until === null ? null : Date.parse(until) - Date.parse(readAt),
          },
    token: section.token as string | null,
    correlation: correlationOf(db, section, run),
  }
}

const shownOf = ({ beginning: _, ...shown }: Evidence): Evidence => shown

function acknowledgement(db: Database, run: number): TaskResultDocument['acknowledged'] {
  const row = db.statement('select actor, at, comment from acknowledgement where run = ?').get(run) as
    | { actor: string; at: string; comment: string }
    | undefined
  return row === undefined ? null : { by: JSON.parse(row.actor) as JsonObject, at: row.at, comment: row.comment }
}

const rateOf = (counts: string): number | undefined => {
  const { correlated, uncorrelated } = JSON.parse(counts) as { correlated?: number; uncorrelated?: number }
  if (correlated === undefined || uncorrelated === undefined || correlated + uncorrelated === 0) return undefined
  return Math.round((10_000 * correlated) / (correlated + uncorrelated)) / 10_000
}

/** The rate, and those before it: a drop tells of a broken key long before an auditor does. */
function correlationOf(db: Database, section: Record<string, unknown>, run: TaskResultRow): CorrelationRate | null {
  const rate = rateOf(String(section.counts))
  if (rate === undefined) return null
  const earlier = db
    .statement(
      `select t.counts from task_section t cross join task_result r on r.id = t.run where t.run < ? and t.name = ?
         and t.status in ('success', 'warning') and not r.dry_run order by t.run desc limit 30`,
    )
    .pluck()
    .all(run.id, section.name) as string[]
  return { rate, earlier: earlier.flatMap((counts) => rateOf(counts) ?? []) }
}

const verdictDocument = (row: Record<string, unknown>): GuardVerdict => ({
  guard: String(row.guard),
  application: String(row.application),
  value: Number(row.value),
  limit: Number(row.limit),
  verdict: row.verdict as GuardVerdict['verdict'],
  text: String(row.text),
  first: JSON.parse(String(row.first)) as string[],
})
