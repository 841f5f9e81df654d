import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, isoText } from '../base/clock.ts'
import { BusyError, StoreError, UserError } from '../base/errors.ts'
import { createDatabase } from './database.ts'
import { migrations } from './migrations/index.ts'
import { createSealer } from './seal.ts'
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
  /** The migrations, in order; for tests of what happens inside one. */
  readonly steps?: readonly string[]
}
type Preparing = Pick<OpenStoreOptions, 'path' | 'clock' | 'steps'>

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
    connection = openConnection(path, { busyTimeoutMs: options.busyTimeoutMs ?? 5_000, cacheKib: 24 * 1024 })
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

/** Looks at the header before anything may write: a foreign or newer file stays as it is, byte for byte. `said` names it in errors. */
export function refuseForeign(path: string, said = path, steps: readonly string[] = migrations): void {
  const probe = openReadonly(path)
  try {
    const id = probe.pragma('application_id', { simple: true })
    const version = versionOf(probe)
    const tables = probe.prepare('select count(*) from sqlite_schema').pluck().get() as number
    if (id !== applicationId && tables > 0)
      throw new StoreError(`${said} is a database, but no iqtask store`, {
        code: 'IQ6002',
        hint: 'give `store:` another path',
      })
    if (version > steps.length)
      throw new StoreError(
        `${said} was written by a newer iqtask (schema ${version}, this one knows ${steps.length})`,
        { code: 'IQ6003', hint: 'update iqtask' },
      )
    if (tables > 0 && fingerprint(probe) !== fingerprintOf(steps.slice(0, version)))
      throw new StoreError(`the tables of ${said} were changed by something else`, {
        code: 'IQ6004',
        hint: 'restore a backup',
      })
  } finally {
    probe.close()
  }
}

function openReadonly(path: string): SqliteConnection {
  return openConnection(path, { busyTimeoutMs: 5_000, cacheKib: 2_000, readonly: true })
}

/** One immediate transaction holds the migration and its version number: a kill inside leaves the old store. */
function prepare(connection: SqliteConnection, { path, clock, steps }: Required<Preparing>): void {
  if (versionOf(connection) < steps.length) {
    // tables that are made again are pointed at all the while; nothing points nowhere when it is over
    connection.pragma('foreign_keys = OFF')
    connection
      .transaction(() => {
        const current = versionOf(connection)
        for (const step of steps.slice(current)) connection.exec(step)
        if (current === 0) {
          const put = connection.prepare('insert or ignore into meta(key, value) values (?, ?)')
          put.run('id', randomBytes(4).toString('hex'))
          put.run('created', isoText(clock.now()))
          put.run('secret', randomBytes(32).toString('hex'))
          connection.pragma(`application_id = ${applicationId}`)
        }
        const [broken] = connection.pragma('foreign_key_check') as { table: string }[]
        if (broken !== undefined) throw damaged(path, `a row of ${broken.table} points nowhere`)
        createSealer(connection)()
        connection.pragma(`user_version = ${steps.length}`)
      })
      .immediate()
    connection.pragma('foreign_keys = ON')
  }
  const kept = ['synchronous', 'foreign_keys'].map((name) => connection.pragma(name, { simple: true })).join()
  if (kept !== '2,1') throw new Error(`synchronous and foreign_keys are ${kept} in ${path}`)
}

const versionOf = (connection: SqliteConnection): number => Number(connection.pragma('user_version', { simple: true }))

const damaged = (path: string, why: string): StoreError =>
  new StoreError(`the store ${path} is damaged: ${why}`, { code: 'IQ6004', hint: 'restore a backup' })

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

const fingerprints = new Map<number, string>()
function fingerprintOf(steps: readonly string[]): string {
  let known = steps.every((step, index) => step === migrations[index]) ? fingerprints.get(steps.length) : undefined
  if (known === undefined) {
    const empty = openConnection('', { busyTimeoutMs: 0, cacheKib: 1_000 })
    for (const step of steps) empty.exec(step)
    known = fingerprint(empty)
    empty.close()
    fingerprints.set(steps.length, known)
  }
  return known
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
