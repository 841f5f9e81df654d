import { BusyError } from '../base/errors.ts'
import { scopeChanged } from './bulk/guard-figures.ts'
import type { Database } from './database.ts'

/** Applications as the store knows them: a number for each name that was ever aggregated. */
export interface Applications {
  idOf(name: string): number | undefined
  /** Makes the row where there is none. */
  ensure(name: string): number
  /** The number of the last run that bound a plan for it; 0 for none. Two equal answers: nothing changed in between. */
  lastChange(id: number): number
  /** One run at a time changes an application. @throws BusyError IQ3001 while another one applies its plan */
  refuseOther(name: string, run: number): void
  /** What the next delta goes by; JSON of whoever keeps it. */
  readState(id: number): { readonly token: string | null; readonly fullReadNeeded: boolean }
  /** A null token stays as it is; a full read is what was needed. False: nothing changed. */
  keepReadState(id: number, state: { readonly token: string | null; readonly full: boolean }): boolean
  /** The last read had another filter, query or path: what it does not show may only be out of sight. */
  scopeChanged(id: number, scope: string, now: Date): boolean
}

export function createApplications(db: Database): Applications {
  const idOf = (name: string): number | undefined =>
    db.statement('select id from application where name = ?').pluck().get(name) as number | undefined
  return {
    idOf,
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
