import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { openStore } from '../../src/store/open.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iqtask-store-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (path: string, create = true) => openStore({ path, clock: systemClock, create })
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return String((error as { code?: string }).code)
  }
  return 'none'
}

describe('a store', () => {
  it('is made with mode 0600 and runs with synchronous FULL, also after a write and a reopen', () => {
    const path = join(folder, 'var', 'iqtask.db')
    const store = open(path)
    store.db.write(() => store.db.exec("insert into meta(key, value) values ('x', 'y')"))
    expect(store.db.statement('pragma synchronous').pluck().get()).toBe(2)
    expect(statSync(path).mode & 0o077).toBe(0)
    store.close()
    const again = open(path)
    expect(again.db.statement('pragma synchronous').pluck().get()).toBe(2)
    expect(again.db.statement('pragma journal_mode').pluck().get()).toBe('wal')
    expect(again.db.statement('pragma foreign_keys').pluck().get()).toBe(1)
    again.close()
  })

  it('is refused when it is a directory, a symbolic link, a URI or no database', () => {
    mkdirSync(join(folder, 'd'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
    writeFileSync(join(folder, 'text'), 'this is not a database, only text that is long enough to be read')
    expect(codeOf(() => open(join(folder, 'd')))).toBe('IQ6001')
    expect(codeOf(() => open(join(folder, 'link')))).toBe('IQ6001')
    expect(codeOf(() => open('file:x?mode=memory'))).toBe('IQ6001')
    expect(codeOf(() => open(join(folder, 'text')))).toBe('IQ6004')
  })

  it('is refused when it belongs to another program or a newer iqtask, and stays as it was', () => {
    const foreign = join(folder, 'foreign.db')
    new Sqlite(foreign).exec('create table t(x)').close()
    const newer = join(folder, 'newer.db')
    open(newer).close()
    new Sqlite(newer).exec('pragma user_version = 99').close()
    for (const [path, code] of [
      [foreign, 'IQ6002'],
      [newer, 'IQ6003'],
    ] as const) {
      const before = digest(path)
      expect(codeOf(() => open(path))).toBe(code)
      expect(digest(path)).toBe(before)
    }
  })

  it('is refused when somebody added a trigger', () => {
    const path = join(folder, 's.db')
    open(path).close()
    new Sqlite(path).exec('create trigger evil after insert on account begin delete from identity; end').close()
    expect(codeOf(() => open(path))).toBe('IQ6004')
  })

  it('says that it is locked when another connection writes', () => {
    const path = join(folder, 's.db')
    const store = openStore({ path, clock: systemClock, create: true, busyTimeoutMs: 50 })
    const other = new Sqlite(path)
    other.exec('begin immediate')
    expect(codeOf(() => store.db.write(() => store.db.exec("insert into meta(key, value) values ('a', 'b')")))).toBe(
      'SQLITE_BUSY',
    )
    other.close()
    store.close()
  })
})
