import { existsSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { storeFault } from './fault.ts'
import { openStore } from './open.ts'
import { schemaBackup } from './prepare.ts'
import { openConnection } from './sqlite/driver.ts'

export interface Migrated {
  /** Schema versions; equal when there was nothing to do. */
  readonly from: number
  readonly to: number
  /** The store as it was before; null when there was nothing to do, or nothing there. */
  readonly backup: string | null
}

/** Opening brings a store to this version's schema; here it says from which. @throws what `openStore` throws */
export function migrateStore(path: string, clock: Clock): Migrated {
  const from = existsSync(path) ? versionOf(path) : 0
  const store = openStore({ path, clock })
  const to = Number(store.db.statement('pragma user_version').pluck().get())
  store.close()
  return { from, to, backup: from > 0 && from < to ? schemaBackup(path, from) : null }
}

function versionOf(path: string): number {
  try {
    const connection = openConnection(path, { busyTimeoutMs: 5_000, cacheKib: 1_000, readonly: true })
    const version = connection.pragma('user_version', { simple: true })
    connection.close()
    return Number(version)
  } catch (error) {
    throw storeFault(error, path)
  }
}
