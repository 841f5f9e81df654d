import { StoreError } from '../base/errors.ts'
import { createAudit } from './audit.ts'
import { checkStore } from './check.ts'
import { createDatabase } from './database.ts'
import { storeFault } from './fault.ts'
import { refuseForeign } from './foreign.ts'
import { openConnection } from './sqlite/driver.ts'

/** Checks all of a copy of a store, read only. `said`: its name in errors. @throws StoreError foreign, newer, or not sound */
export function verifyCopy(path: string, said: string): { readonly auditSeq: number } {
  try {
    refuseForeign(path, said)
    return verified(path, said)
  } catch (error) {
    throw storeFault(error, said)
  }
}

function verified(path: string, said: string): { readonly auditSeq: number } {
  const connection = openConnection(path, { busyTimeoutMs: 0, cacheKib: 8 * 1024, readonly: true })
  try {
    const db = createDatabase(path, connection)
    const audit = createAudit(db)
    const first = checkStore({ db, audit }, { quick: false })[0]
    if (first !== undefined)
      throw new StoreError(`${said} is damaged: ${first.text}`, { code: 'IQ6004', hint: 'iqtask store check says all' })
    return { auditSeq: audit.head('').seq }
  } finally {
    connection.close()
  }
}
