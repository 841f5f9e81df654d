import type { JsonObject } from '../base/json.ts'
import type { Counts, Evidence, GuardVerdict, LeftOut, Message } from '../model/result.ts'
import type { Database } from './database.ts'
import type { RejectRecord } from './results.ts'

export interface SectionRecord {
  readonly seq: number
  readonly name: string
  readonly applicationId: number | undefined
  readonly status: string
  readonly beganAt?: string | undefined
  /** Undefined: it is under way. */
  readonly endedAt?: string | undefined
  readonly readAt: string | undefined
  readonly evidence: Evidence | undefined
  readonly token: string | undefined
  readonly counts: Counts
  readonly facts: JsonObject | undefined
}

/** What a run leaves behind beside its own row. Every call belongs into a write transaction of the caller. */
export interface RunRecords {
  section(number: number, section: SectionRecord): void
  endSection(number: number, seq: number, status: string, counts: Counts, at: string): void
  /** Sections that the run's end found under way. */
  endOpenSections(number: number, status: string, at: string): void
  sectionOutcome(number: number, name: string): { readonly status: string; readonly counts: Counts } | undefined
  message(number: number, message: Message): void
  rejects(number: number, rejects: readonly RejectRecord[]): void
  /** Those of one section, whose source is read once more. */
  forgetRejects(number: number, application: string): void
  verdicts(number: number, verdicts: readonly GuardVerdict[]): void
  leftOut(number: number, left: readonly LeftOut[]): void
}

export function createRunRecords(db: Database): RunRecords {
  return { ...createSections(db), ...createFindings(db) }
}

type Sections = Pick<RunRecords, 'section' | 'endSection' | 'endOpenSections' | 'sectionOutcome'>

function createSections(db: Database): Sections {
  const run = (sql: string, ...values: unknown[]) => db.statement(sql).run(...values)
  return {
    section: (number, s) =>
      void run(
        `insert into task_section(run, seq, application_id, name, status, read_at, evidence, digest, token, counts, facts, began_at, ended_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set ended_at = excluded.ended_at, application_id = excluded.application_id, status = excluded.status,
           read_at = excluded.read_at, evidence = excluded.evidence, digest = excluded.digest, token = excluded.token, counts = excluded.counts, facts = excluded.facts`,
        number,
        s.seq,
        s.applicationId ?? null,
        s.name,
        s.status,
        s.readAt ?? null,
        s.evidence === undefined ? null : JSON.stringify(s.evidence),
        s.evidence?.digest ?? null,
        s.token ?? null,
        JSON.stringify(s.counts),
        s.facts === undefined ? null : JSON.stringify(s.facts),
        s.beganAt ?? null,
        s.endedAt ?? null,
      ),
    endSection: (number, seq, status, counts, at) =>
      void run(
        'update task_section set status = ?, counts = ?, ended_at = ? where run = ? and seq = ?',
        status,
        JSON.stringify(counts),
        at,
        number,
        seq,
      ),
    endOpenSections: (number, status, at) =>
      void run(
        `update task_section set status = ?, ended_at = ? where run = ? and status = 'running'`,
        status,
        at,
        number,
      ),
    sectionOutcome(number, name) {
      const row = db
        .statement('select status, counts from task_section where run = ? and name = ?')
        .get(number, name) as { status: string; counts: string } | undefined
      return row === undefined ? undefined : { status: row.status, counts: JSON.parse(row.counts) as Counts }
    },
  }
}

function createFindings(db: Database): Omit<RunRecords, keyof Sections> {
  const run = (sql: string, ...values: unknown[]) => db.statement(sql).run(...values)
  const nextSeq = (table: string) => `(select coalesce(max(seq), 0) + 1 from ${table} where run = ?)`
  return {
    message: (number, m) =>
      void run(
        `insert into task_message(run, seq, level, code, text, item) values (?, ${nextSeq('task_message')}, ?, ?, ?, ?)`,
        number,
        number,
        m.level,
        m.code,
        m.text,
        m.item ?? null,
      ),
    forgetRejects: (number, application) =>
      void db.statement('delete from reject where run = ? and application = ?').run(number, application),
    rejects: (number, rejects) => {
      let seq = Number(db.statement('select coalesce(max(seq), 0) from reject where run = ?').pluck().get(number))
      const add = db.statement(
        'insert into reject(run, seq, application, code, reason, file, line, "column", native, fragment) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      for (const r of rejects)
        add.run(
          number,
          ++seq,
          r.application,
          r.code,
          r.reason,
          r.file,
          r.line ?? null,
          r.column ?? null,
          r.native ?? null,
          r.fragment ?? null,
        )
    },
    verdicts: (number, verdicts) => {
      for (const v of verdicts)
        run(
          `insert into guard_verdict(run, seq, guard, application, value, "limit", verdict, text, first) values (?, ${nextSeq('guard_verdict')}, ?, ?, ?, ?, ?, ?, ?)`,
          number,
          number,
          v.guard,
          v.application,
          v.value,
          v.limit,
          v.verdict,
          v.text,
          JSON.stringify(v.first),
        )
    },
    leftOut: (number, left) => {
      for (const l of left)
        run(
          `insert into left_out(run, seq, section, reason, kind, object, count, first) values (?, ${nextSeq('left_out')}, ?, ?, ?, ?, ?, ?)`,
          number,
          number,
          l.section,
          l.reason,
          l.kind,
          l.object,
          l.count,
          JSON.stringify(l.first),
        )
    },
  }
}
