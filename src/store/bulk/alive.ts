import type { Database } from '../database.ts'

/** An application's accounts that are not gone, counted in indexes alone. */
export function aliveAccounts(db: Database, applicationId: number): number {
  const count = (sql: string): number => Number(db.statement(sql).pluck().get(applicationId))
  return (
    count('select count(*) from account where application_id = ? and retired = 0') -
    count(
      `select count(*) from account where application_id = ? and state = 'gone' and state <> 'active' and retired = 0`,
    )
  )
}
