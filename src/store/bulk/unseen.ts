import type { Database } from '../database.ts'
import type { SeenTable } from './seen.ts'

/**
 * Tells the attached stage which accounts the read did not show as they are stored. False: what was taken for unchanged turns up a second
 * time, as an exact copy or under the same key, so that everything has to be read and compared.
 */
export function keepUnseen(db: Database, applicationId: number, seen: SeenTable): boolean {
  // nothing was known, so nothing can be contradicted
  if (applicationId === 0) return true
  db.exec('begin')
  try {
    const add = db.statement('insert into st.u select value from json_each(?)')
    for (const ids of seen.unseen()) add.run(JSON.stringify(ids))
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
  return !seen.repeated() && db.statement(contradicted).pluck().get({ app: applicationId }) === 0
}

const isSeen = 'a.id not in (select account_id from st.u)'
const contradicted = `select exists (select 1 from st.s s cross join account a on a.application_id = @app and a.native = s.native and a.retired = 0 where ${isSeen})
  or exists (select 1 from st.rejected s cross join account a on a.application_id = @app and a.native = s.native and a.retired = 0 where ${isSeen})
  or exists (select 1 from st.s s cross join account a on a.application_id = @app and a.uuid = s.uuid and a.retired = 0 where s.uuid is not null and ${isSeen})`
