import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { StoreError, UserError } from '../base/errors.ts'
import { cacheKib } from './cache.ts'
import { createDatabase } from './database.ts'
import { storeFault } from './fault.ts'
import { refuseForeign } from './foreign.ts'
import { migrations } from './migrations/index.ts'
import { prepare } from './prepare.ts'
import { openConnection, type SqliteConnection } from './sqlite/driver.ts'
import { createStore, type Store } from './store.ts'

export interface OpenStoreOptions {
  readonly path: string
  readonly clock: Clock
  /** Makes the file and its folder where they are missing. */
  readonly create?: boolean
  readonly busyTimeoutMs?: number
  /** The migrations, in order; for tests of what happens inside one. */
  readonly steps?: readonly string[]
}

/**
 * Opens the store, creates or migrates it, and refuses what is no store of ours.
 * @throws StoreError (exit 6) foreign, newer, damaged, symlinked or no file; BusyError (exit 5) locked by another process
 */
export function openStore(options: OpenStoreOptions): Store {
  const { path, steps = migrations } = options
  checkPath(path)
  const isNew = !existsSync(path)
  if (isNew && options.create !== true) {
    throw new UserError(`there is no store yet at ${path}`, { code: 'IQ6001', hint: 'iqtask run TASK makes it' })
  }
  if (isNew) mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const umask = process.umask(0o077)
  let connection: SqliteConnection | undefined
  try {
    if (!isNew) refuseForeign(path, path, steps)
    // what does not fit into memory while it is sorted stays where the store is, and as private
    process.env.SQLITE_TMPDIR ??= dirname(path)
    connection = openConnection(path, { busyTimeoutMs: options.busyTimeoutMs ?? 5_000, cacheKib })
    prepare(connection, { path, clock: options.clock, steps })
    for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600)
    return createStore(createDatabase(path, connection))
  } catch (error) {
    connection?.close()
    throw storeFault(error, path)
  } finally {
    process.umask(umask)
  }
}

function checkPath(path: string): void {
  const refuse = (why: string): never => {
    throw new StoreError(`the store ${JSON.stringify(path)} ${why}`, {
      code: 'IQ6001',
      hint: 'give `store:` the path of a file on a local disk',
    })
  }
  if (path.includes('\0') || path.startsWith('file:') || path.includes('?')) refuse('is no plain path')
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.isSymbolicLink()) refuse('is a symbolic link, which is not followed')
  if (!stat.isFile()) refuse('is not a file')
}
