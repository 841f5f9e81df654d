import { BusyError } from '../base/errors.ts'
import type { Quality } from '../model/quality.ts'
import type { Evidence } from '../model/result.ts'
import { scopeChanged } from './bulk/guard-figures.ts'
import type { Database } from './database.ts'
import { qualityBefore, qualityOf } from './quality.ts'

export interface LastRead {
  readonly rows: number
  readonly columns: readonly string[]
  readonly files: readonly string[]
  /** What the records meant (`facts.definition`). */
  readonly definition: string
  readonly evidence: Evidence
}

/** Applications as the store knows them: a number for each name that was ever aggregated. */
export interface Applications {
  idOf(name: string): number | undefined
  /** Makes the row where there is none. */
  ensure(name: string): number
  /** The number of the last run that bound a plan for it; 0 for none. Two equal answers: nothing changed in between. */
  lastChange(id: number): number
  /** The last read of the source, where it took every record and all of it is applied. */
  lastRead(id: number): LastRead | undefined
  /** One run at a time changes an application. @throws BusyError IQ3001 while another one applies its plan */
  refuseOther(name: string, run: number): void
  /** What the next delta goes by; JSON of whoever keeps it. */
  readState(id: number): { readonly token: string | null; readonly fullReadNeeded: boolean }
  /** A null token stays as it is; a full read is what was needed. False: nothing changed. */
  keepReadState(id: number, state: { readonly token: string | null; readonly full: boolean }): boolean
  /** The last read had another filter, query or path: what it does not show may only be out of sight. */
  scopeChanged(id: number, scope: string, now: Date): boolean
  /** What is remarkable about its accounts after this run; undefined where it has none. */
  quality(name: string, run: number): Quality | undefined
}

export function createApplications(db: Database): Applications {
  const idOf = (name: string): number | undefined =>
    db.statement('select id from application where name = ?').pluck().get(name) as number | undefined
  return {
    idOf,
    quality(name, run) {
      const id = idOf(name)
      return id === undefined ? undefined : (qualityBefore(db, run, name) ?? qualityOf(db, id))
    },
    ensure(name) {
      db.statement('insert into application(name) values (?) on conflict do nothing').run(name)
      return Number(idOf(name))
    },
    readState(id) {
      const row = db.statement('select token, full_read_needed needed from application where id = ?').get(id) as
        | { token: string | null; needed: number }
        | undefined
      return { token: row?.token ?? null, fullReadNeeded: row?.needed === 1 }
    },
    keepReadState: (id, { token, full }) =>
      db
        .statement(
          `update application set token = coalesce(@token, token), full_read_needed = full_read_needed and not @full
             where id = @id and (token is not coalesce(@token, token) or (full_read_needed and @full))`,
        )
        .run({ id, token, full: full ? 1 : 0 }).changes > 0,
    lastRead(id) {
      const row = db
        .statement(
          `select status, evidence, counts ->> 'read' rows, counts ->> 'rejected' + counts ->> 'filtered' aside, facts -> 'source' ->> 'columns' columns,
             facts -> 'source' ->> 'files' files, facts -> 'source' ->> 'definition' definition
           from task_section where application_id = ? and facts is not null order by run desc limit 1`,
        )
        .get(id) as Readonly<Record<string, string | number | null>> | undefined
      const { status, evidence, rows, aside, columns, files, definition } = row ?? {}
      if ((status !== 'success' && status !== 'warning') || aside !== 0 || definition == null) return undefined
      const parsed = JSON.parse(String(evidence)) as Evidence
      if (parsed.level === 'partial') return undefined
      const lists = { columns: JSON.parse(String(columns)) as string[], files: JSON.parse(String(files)) as string[] }
      return { rows: Number(rows), ...lists, definition: String(definition), evidence: parsed }
    },
    scopeChanged: (id, scope, now) => id !== 0 && scopeChanged(db, id, scope, now),
    lastChange: (id) =>
      Number(
        db
          .statement(
            `select coalesce(max(run), 0) from task_section where facts is not null and name = (select name from application where id = ?)`,
          )
          .pluck()
          .get(id),
      ),
    refuseOther(name, run) {
      const other = db
        .statement(
          `select r.result_id from task_section s join task_result r on r.id = s.run
             where s.name = ? and s.status = 'running' and r.status = 'running' and r.id <> ?`,
        )
        .pluck()
        .get(name, run)
      if (other !== undefined)
        throw new BusyError(`result ${other} is changing ${name} now`, {
          code: 'IQ3001',
          hint: 'run again when it has ended',
        })
    },
  }
}
