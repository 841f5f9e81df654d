import type { Database } from '../database.ts'

/** An application's accounts that are not gone, counted in indexes alone; those whose place another one took are gone, too. */
export function aliveAccounts(db: Database, applicationId: number): number {
  return allAccounts(db, applicationId) - count(db, applicationId, gone)
}

/** The same with those that are gone, without those whose place another one took. */
export function standingAccounts(db: Database, applicationId: number): number {
  return allAccounts(db, applicationId) - count(db, applicationId, `${gone} and retired <> 0`)
}

function allAccounts(db: Database, applicationId: number): number {
  const alone = 'not exists (select 1 from account where application_id < @app or application_id > @app)'
  // a whole table is counted without a look at its rows
  return db.statement(`select ${alone}`).pluck().get({ app: applicationId }) === 1
    ? Number(db.statement('select count(*) from account').pluck().get())
    : count(db, applicationId, 'application_id = @app')
}

const gone = `application_id = @app and state = 'gone' and state <> 'active'`

const count = (db: Database, app: number, where: string): number =>
  Number(db.statement(`select count(*) from account where ${where}`).pluck().get({ app }))
