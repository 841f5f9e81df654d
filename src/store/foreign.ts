import { StoreError } from '../base/errors.ts'
import { latestFingerprint } from './fingerprint.ts'
import { migrations } from './migrations/index.ts'
import { openConnection, type SqliteConnection } from './sqlite/driver.ts'

/** "iqtk": marks the file as ours (SQLite's `application_id`). */
export const applicationId = 0x6971746b

/** Looks at the header before anything may write: a foreign or newer file stays as it is, byte for byte. `said` names it in errors. */
export function refuseForeign(path: string, said = path, steps: readonly string[] = migrations): void {
  const probe = openReadonly(path)
  try {
    // one view of all of it: another process may be making the store at this moment
    probe.exec('begin')
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

/** The schema that the store has: the number of migrations applied. */
export const versionOf = (connection: SqliteConnection): number =>
  Number(connection.pragma('user_version', { simple: true }))

/** Tables and triggers, not indexes: a big load may drop an index and build it again. */
function fingerprint(connection: SqliteConnection): string {
  const rows = connection
    .prepare(
      "select type, name, sql from sqlite_schema where type <> 'index' and name not like 'sqlite\\_%' escape '\\' order by 1, 2",
    )
    .raw()
    .all()
  // compared as it is: to load what hashes takes longer than to look at it
  return JSON.stringify(rows)
}

/** What these migrations make; of all of them it is known, because every command asks for it. */
function fingerprintOf(steps: readonly string[]): string {
  if (steps.length === migrations.length && steps.every((step, index) => step === migrations[index]))
    return latestFingerprint
  return fingerprintMade(steps)
}

export function fingerprintMade(steps: readonly string[]): string {
  const empty = openConnection('', { busyTimeoutMs: 0, cacheKib: 1_000 })
  try {
    for (const step of steps) empty.exec(step)
    return fingerprint(empty)
  } finally {
    empty.close()
  }
}
