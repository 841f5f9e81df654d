import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { createCheckpointer } from '../../src/store/sqlite/checkpointer.ts'
import { openConnection, type SqliteConnection } from '../../src/store/sqlite/driver.ts'
import { project } from '../helpers/project.ts'
import { until } from '../helpers/spawn-cli.ts'

const megabyte = 'x'.repeat(1 << 20)

function opened(): { path: string; connection: SqliteConnection } {
  const path = join(project(), 'x.db')
  const connection = openConnection(path, { busyTimeoutMs: 1000, cacheKib: 4096 })
  connection.exec('create table t(a text)')
  return { path, connection }
}

/** Each fills more than the thousand pages after which SQLite moves them itself. */
function commit(connection: SqliteConnection, megabytes = 6): void {
  const insert = connection.prepare('insert into t values (?)')
  connection.transaction(() => {
    for (let i = 0; i < megabytes; i++) insert.run(megabyte)
  })()
}

it('keeps the WAL short while another thread moves what is committed, and leaves none behind', () => {
  const { path, connection } = opened()
  const checkpointer = createCheckpointer(connection, path, 5_000)
  let largest = 0
  for (let i = 0; i < 60; i++) {
    commit(connection)
    checkpointer.committed()
    largest = Math.max(largest, statSync(`${path}-wal`).size)
    expect(connection.pragma('wal_autocheckpoint', { simple: true })).toBe(0)
  }
  checkpointer.end()
  expect(connection.pragma('wal_autocheckpoint', { simple: true })).toBe(1000)
  expect(largest).toBeGreaterThan(12 << 20)
  expect(largest).toBeLessThan(160 << 20)
  checkpointer.closed()
  connection.close()
  expect([existsSync(`${path}-wal`), existsSync(`${path}-shm`)]).toEqual([false, false])
  const read = new Sqlite(path, { readonly: true })
  expect(read.prepare('select count(*), sum(length(a)) from t').raw().get()).toEqual([360, 360 * (1 << 20)])
  read.close()
})

it('starts no thread for few changes, and goes on alone where the thread cannot open the store', async () => {
  const { path, connection } = opened()
  const few = createCheckpointer(connection, path, 4_999)
  for (let i = 0; i < 15; i++) {
    commit(connection, 1)
    few.committed()
  }
  expect(connection.pragma('wal_autocheckpoint', { simple: true })).toBe(1000)
  few.end()
  const alone = createCheckpointer(connection, `${path}.moved`, 5_000)
  for (let i = 0; i < 20; i++) {
    commit(connection, 1)
    alone.committed()
  }
  await until(() => {
    alone.committed()
    return connection.pragma('wal_autocheckpoint', { simple: true }) === 1000
  })
  alone.end()
  expect(connection.pragma('wal_autocheckpoint', { simple: true })).toBe(1000)
  expect(connection.prepare('select count(*) from t').pluck().get()).toBe(35)
  connection.close()
})
