import { randomBytes } from 'node:crypto'
import { type Clock, isoText } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { writeVerified } from './backup.ts'
import { applicationId, versionOf } from './foreign.ts'
import { createSealer } from './seal.ts'
import type { SqliteConnection } from './sqlite/driver.ts'

interface Preparing {
  readonly path: string
  readonly clock: Clock
  /** The migrations, in order. */
  readonly steps: readonly string[]
}

/**
 * Brings the store to the schema of this version. What was there is backed up first, verified; one immediate transaction holds the
 * migration and its version number, so that a kill inside leaves the old store.
 */
export function prepare(connection: SqliteConnection, { path, clock, steps }: Preparing): void {
  const version = versionOf(connection)
  if (version > 0 && version < steps.length)
    writeVerified(schemaBackup(path, version), path, (target) => connection.prepare('vacuum into ?').run(target))
  if (version < steps.length) {
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

/** Where the store as it was before a migration is kept. */
export const schemaBackup = (path: string, version: number): string => `${path}.schema-${version}`

const damaged = (path: string, why: string): StoreError =>
  new StoreError(`the store ${path} is damaged: ${why}`, { code: 'IQ6004', hint: 'restore a backup' })
