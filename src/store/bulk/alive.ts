import type { Database } from '../database.ts'

/** An application's accounts that are not gone, counted in indexes alone; those whose place another one took are gone, too. */
export function aliveAccounts(db: Database, applicationId: number): number {
  const count = (sql: string): number => Number(db.statement(sql).pluck().get({ app: applicationId }))
  const alone = 'not exists (select 1 from account where application_id < @app or application_id > @app)'
  // a whole table is counted without a look at its rows
  const all =
    count(`select ${alone}`) === 1
      ? Number(db.statement('select count(*) from account').pluck().get())
      : count('select count(*) from account where application_id = @app')
  return (
    all - count(`select count(*) from account where application_id = @app and state = 'gone' and state <> 'active'`)
  )
}
