import { crc32 } from 'node:zlib'
import Sqlite from 'better-sqlite3'

export type SqliteConnection = Sqlite.Database
/** A file that is believed only once it is sealed: no journal, no syncing until then. */
export function openScratch(path: string): SqliteConnection {
  const connection = new Sqlite(path)
  for (const pragma of [
    'page_size = 16384',
    'journal_mode = OFF',
    'synchronous = OFF',
    'locking_mode = EXCLUSIVE',
    'cache_size = -8192',
  ])
    connection.pragma(pragma)
  return connection
}

export type SqliteStatement = Sqlite.Statement<unknown[], unknown>

/** What every connection runs with; read back after every open, because WAL silently falls to `synchronous=NORMAL`. */
const pragmas: readonly (readonly [string, string | number, string | number])[] = [
  ['synchronous', 'FULL', 2],
  ['foreign_keys', 'ON', 1],
  ['trusted_schema', 'OFF', 0],
  ['cell_size_check', 'ON', 1],
  // sorting a million rows in memory would need all of it
  ['temp_store', 'FILE', 1],
]

/** Pages that the WAL has, once as many of them as nobody reads are in the store itself; 0 where that cannot be told now. */
export function openForCheckpoints(path: string): { checkpoint(): number; close(): void } {
  const connection = new Sqlite(path, { fileMustExist: true, timeout: 0 })
  connection.pragma('cache_size = -256')
  return {
    checkpoint() {
      try {
        const [state] = connection.pragma('wal_checkpoint(PASSIVE)') as { log: number }[]
        return state?.log ?? 0
      } catch {
        // it is in the WAL, and stays there
        return 0
      }
    },
    close: () => void connection.close(),
  }
}

/** Whether references and conditions are looked up for each row that is written. @throws Error inside a transaction, where SQLite would not do it */
export function checkRows(connection: SqliteConnection, on: boolean): void {
  connection.pragma(`foreign_keys = ${on ? 'ON' : 'OFF'}`)
  if (connection.pragma('foreign_keys', { simple: true }) !== (on ? 1 : 0))
    throw new Error('references are switched outside of a transaction only')
  connection.pragma(`ignore_check_constraints = ${on ? 'OFF' : 'ON'}`)
}

export interface OpenOptions {
  readonly busyTimeoutMs: number
  readonly cacheKib: number
  readonly readonly?: boolean
}

/** Opens a file with every pragma set and asserted. @throws SqliteError as the library gives it */
export function openConnection(path: string, options: OpenOptions): SqliteConnection {
  const connection = new Sqlite(path, { timeout: options.busyTimeoutMs, readonly: options.readonly ?? false })
  try {
    connection.pragma(`cache_size = -${options.cacheKib}`)
    if (options.readonly !== true && path !== '') connection.pragma('journal_mode = WAL')
    for (const [name, value, expected] of pragmas) {
      connection.pragma(`${name} = ${value}`)
      const actual = connection.pragma(name, { simple: true })
      if (actual !== expected) throw new Error(`pragma ${name} reads ${String(actual)} instead of ${expected}`)
    }
    connection.function('row_crc', { deterministic: true }, (row) =>
      crc32(row instanceof Uint8Array ? row : String(row)),
    )
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}
