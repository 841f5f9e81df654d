import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, isoText } from '../base/clock.ts'
import { BusyError, StoreError, UserError } from '../base/errors.ts'
import { createDatabase } from './database.ts'
import { migrations } from './migrations/index.ts'
import { openConnection, type SqliteConnection } from './sqlite/driver.ts'
import { createStore, type Store } from './store.ts'

/** "iqtk": marks the file as ours (SQLite's `application_id`). */
const applicationId = 0x6971746b

export interface OpenStoreOptions {
  readonly path: string
  readonly clock: Clock
  /** Makes the file and its folder where they are missing. */
  readonly create?: boolean
  readonly busyTimeoutMs?: number
}

/**
 * Opens the store, creates or migrates it, and refuses what is no store of ours.
 * @throws StoreError (exit 6) foreign, newer, damaged, symlinked or no file; BusyError (exit 5) locked by another process
 */
export function openStore(options: OpenStoreOptions): Store {
  const { path } = options
  checkPath(path)
  const isNew = !existsSync(path)
  if (isNew && options.create !== true) {
    throw new UserError(`there is no store yet at ${path}`, { code: 'IQ6001', hint: 'iqtask run TASK makes it' })
  }
  if (isNew) mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const umask = process.umask(0o077)
  let connection: SqliteConnection | undefined
  try {
    if (!isNew) refuseForeign(path)
    connection = openConnection(path, { busyTimeoutMs: options.busyTimeoutMs ?? 5_000, cacheKib: 24 * 1024 })
    prepare(connection, path, isNew, options.clock)
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

/** Looks at the header before anything may write: a foreign or newer file stays as it is, byte for byte. `said` names it in errors. */
export function refuseForeign(path: string, said = path): void {
  const probe = openReadonly(path)
  try {
    const id = probe.pragma('application_id', { simple: true })
    const version = Number(probe.pragma('user_version', { simple: true }))
    const tables = probe.prepare('select count(*) from sqlite_schema').pluck().get() as number
    if (id !== applicationId && tables > 0) {
      throw new StoreError(`${said} is a database, but no iqtask store`, {
        code: 'IQ6002',
        hint: 'give `store:` another path',
      })
    }
    if (version > migrations.length) {
      throw new StoreError(
        `${said} was written by a newer iqtask (schema ${version}, this one knows ${migrations.length})`,
        {
          code: 'IQ6003',
          hint: 'update iqtask',
        },
      )
    }
    if (version === migrations.length && fingerprint(probe) !== fingerprintOf(migrations)) {
      throw new StoreError(`the tables of ${said} were changed by something else`, {
        code: 'IQ6004',
        hint: 'restore a backup',
      })
    }
  } finally {
    probe.close()
  }
}

function openReadonly(path: string): SqliteConnection {
  return openConnection(path, { busyTimeoutMs: 5_000, cacheKib: 2_000, readonly: true })
}

/** One immediate transaction holds the migration and its version number: a kill inside leaves the old store. */
function prepare(connection: SqliteConnection, path: string, isNew: boolean, clock: Clock): void {
  const version = Number(connection.pragma('user_version', { simple: true }))
  if (version === migrations.length) return
  connection
    .transaction(() => {
      const current = Number(connection.pragma('user_version', { simple: true }))
      for (const step of migrations.slice(current)) connection.exec(step)
      if (isNew || current === 0) {
        const put = connection.prepare('insert or ignore into meta(key, value) values (?, ?)')
        put.run('id', randomBytes(4).toString('hex'))
        put.run('created', isoText(clock.now()))
        put.run('secret', randomBytes(32).toString('hex'))
        connection.pragma(`application_id = ${applicationId}`)
      }
      connection.pragma(`user_version = ${migrations.length}`)
    })
    .immediate()
  if (connection.pragma('synchronous', { simple: true }) !== 2) throw new Error(`synchronous is not FULL in ${path}`)
}

/** Tables and triggers, not indexes: a big load may drop an index and build it again. */
function fingerprint(connection: SqliteConnection): string {
  const rows = connection
    .prepare(
      "select type, name, sql from sqlite_schema where type <> 'index' and name not like 'sqlite\\_%' escape '\\' order by 1, 2",
    )
    .raw()
    .all()
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex')
}

let expectedFingerprint: string | undefined
function fingerprintOf(steps: readonly string[]): string {
  if (expectedFingerprint === undefined) {
    const empty = openConnection('', { busyTimeoutMs: 0, cacheKib: 1_000 })
    for (const step of steps) empty.exec(step)
    expectedFingerprint = fingerprint(empty)
    empty.close()
  }
  return expectedFingerprint
}

/** SQLite's error in the words of the tool; others pass through. */
export function storeFault(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new BusyError(`the store ${path} is locked by another process`, {
      code: 'IQ6005',
      hint: 'wait for it to end',
      cause: error,
    })
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new StoreError(`the store ${path} is damaged or no database`, {
      code: 'IQ6004',
      hint: 'restore a backup',
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new StoreError(`the disk of the store ${path} is full or failing (${code})`, {
      code: 'IQ6006',
      hint: 'free space, then run again',
      cause: error,
    })
  }
  if (
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_READONLY') ||
    code === 'EACCES' ||
    code === 'EROFS'
  ) {
    return new StoreError(`the store ${path} cannot be opened for writing`, {
      code: 'IQ6001',
      hint: 'check the owner and mode of file and folder',
      cause: error,
    })
  }
  return error
}
