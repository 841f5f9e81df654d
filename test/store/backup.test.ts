import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { contentHash } from '../../src/model/content-hash.ts'
import { backupStore } from '../../src/store/backup.ts'
import { checkStore } from '../../src/store/check.ts'
import { migrateStore } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { openStore } from '../../src/store/open.ts'
import { type RestoreOptions, restoreStore } from '../../src/store/restore.ts'
import type { Store } from '../../src/store/store.ts'
import { until } from '../helpers/spawn-cli.ts'

let folder: string
let path: string
let backup: string
const umask = process.umask()
beforeEach(() => {
  process.umask(0)
  folder = mkdtempSync(join(tmpdir(), 'iqtask-backup-'))
  path = join(folder, 's.db')
  backup = join(folder, 'backup.db')
})
afterEach(() => {
  process.umask(umask)
  rmSync(folder, { recursive: true, force: true })
})

const open = () => openStore({ path, clock: systemClock, create: true })
function withStore<Result>(work: (store: Store) => Result): Result {
  const store = open()
  try {
    return work(store)
  } finally {
    store.close()
  }
}
const note = (store: Store, key: string) =>
  store.db.write(() =>
    store.audit.append({ at: '2026-01-01', actor: 'quentin', action: 'a', object: 'o', key, run: null, body: {} }),
  )
const keys = () =>
  withStore((store) =>
    store.audit
      .list({})
      .items.map((event) => event.key)
      .reverse(),
  )
const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return String((error as { code?: string }).code)
  }
  return 'none'
}

describe('a backup', () => {
  it('is a whole store, 0600, with everything that was committed', () => {
    withStore((store) => {
      note(store, 'one')
      note(store, 'two')
      expect(backupStore(store, backup)).toEqual({ path: backup, bytes: statSync(backup).size, auditSeq: 2 })
    })
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const copy = openStore({ path: backup, clock: systemClock })
    expect(copy.audit.list({}).items.map((event) => event.key)).toEqual(['two', 'one'])
    expect(checkStore(copy, { quick: false })).toEqual([])
    copy.close()
  })

  it('never overwrites a file, and leaves nothing behind when it fails', () => {
    withStore((store) => {
      writeFileSync(backup, 'mine')
      expect(codeOf(() => backupStore(store, backup))).toBe('IQ1002')
      expect(readFileSync(backup, 'utf8')).toBe('mine')
      expect(codeOf(() => backupStore(store, join(folder, 'nowhere', 'b.db')))).toBe('IQ1002')
      expect(codeOf(() => backupStore(store, path))).toBe('IQ1002')
    })
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([])
  })

  it('of a store that was changed past the tool is refused', () => {
    withStore((store) => note(store, 'one'))
    const other = new Sqlite(path)
    const trigger = other.prepare(`select sql from sqlite_schema where name = 'audit_no_update'`).pluck().get()
    other.exec(`drop trigger audit_no_update; update audit set key = 'other'; ${String(trigger)}`)
    other.close()
    expect(codeOf(() => withStore((store) => backupStore(store, backup)))).toBe('IQ6004')
    expect(existsSync(backup)).toBe(false)
  })

  it('completes while another process writes, and holds a committed state', async () => {
    withStore((store) => note(store, 'one'))
    const script = `const Sqlite = require('better-sqlite3'); const db = new Sqlite(process.argv[1], { timeout: 5000 })
            db.function('row_crc', require('node:zlib').crc32)
      const step = db.transaction(() => db.exec("update meta set value = value + 1 where key in ('n', 'm')"
        + "; update meta set crc = row_crc(quote(key) || ',' || quote(value)) where crc is null"))
      db.exec("insert or ignore into meta(key, value) values ('n', '0'), ('m', '0')"); step.immediate(); process.stdout.write('ready')
      setInterval(() => step.immediate(), 1)`
    const writer = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => writer.stdout.once('data', resolve))
      for (let round = 0; round < 10; round++) {
        const target = `${backup}${round}`
        withStore((store) => backupStore(store, target))
        const copy = new Sqlite(target, { readonly: true })
        const [n, m] = copy.prepare(`select value from meta where key in ('n', 'm')`).pluck().all()
        expect(n).toBe(m)
        copy.close()
      }
    } finally {
      writer.kill('SIGKILL')
    }
  })
})

describe('a restore', () => {
  const restore = (more: Partial<RestoreOptions> = {}) =>
    restoreStore({ backup, path, clock: systemClock, actor: 'ada', isLive: () => false, ...more })

  beforeEach(() =>
    withStore((store) => {
      note(store, 'one')
      backupStore(store, backup)
      note(store, 'two')
    }),
  )

  it('brings the backup back, says so in its trail, and keeps the old store beside it', () => {
    const before = `${path}.before-restore`
    expect(restore()).toEqual({ before, auditSeq: 1 })
    expect(keys()).toEqual(['one', backup])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const old = openStore({ path: before, clock: systemClock })
    expect(old.audit.list({}).items.map((event) => event.key)).toEqual(['two', 'one'])
    old.close()
    expect(readdirSync(folder).filter((name) => name.includes('restore-'))).toEqual([])
  })

  it('works where there is no store, and where the store is beyond reading', () => {
    rmSync(path)
    expect(restore().before).toBeUndefined()
    expect(keys()).toEqual(['one', backup])
    withStore((store) => note(store, 'three'))
    writeFileSync(path, Buffer.alloc(20_000, 0x5a))
    writeFileSync(`${path}-wal`, 'the log of the broken one')
    restore()
    expect(keys()).toEqual(['one', backup])
  })

  it('refuses a backup that is cut, flipped, foreign or missing, and leaves the store as it was', () => {
    const unchanged = () => expect(keys()).toEqual(['one', 'two'])
    const sound = readFileSync(backup)
    truncateSync(backup, sound.length - 8192)
    expect(codeOf(restore)).toBe('IQ6004')
    unchanged()
    const flipped = Buffer.from(sound)
    // no hexadecimal word: the store's own id and secret are of such letters
    const at = flipped.indexOf('quentin')
    flipped[at] = (flipped[at] ?? 0) ^ 1
    writeFileSync(backup, flipped)
    expect(codeOf(restore)).toBe('IQ6004')
    unchanged()
    rmSync(backup)
    expect(codeOf(restore)).toBe('IQ1002')
    new Sqlite(backup).exec('create table t(x)').close()
    expect(codeOf(restore)).toBe('IQ6002')
    unchanged()
    expect(existsSync(`${path}.before-restore`)).toBe(false)
  })

  it('refuses while a run lives, and while another process has the store open', () => {
    withStore((store) =>
      store.db.write(() =>
        store.runs.insert({
          resultId: 'R1',
          task: 'nightly',
          executor: 'x',
          trigger: 'manual',
          actor: {},
          host: 'h',
          pid: 42,
          processStart: undefined,
          bootId: undefined,
          dryRun: false,
          arguments: {},
          definition: { text: '', sha256: '', git: undefined },
          toolVersion: '0',
          queuedAt: '2026-01-01T00:00:00.000Z',
        }),
      ),
    )
    expect(() => restore({ isLive: () => true })).toThrow(/nightly is running \(result R1, process 42\)/)
    const other = new Sqlite(path)
    other.prepare('select count(*) from meta').get()
    expect(codeOf(restore)).toBe('IQ6005')
    other.close()
    expect(codeOf(restore)).toBe('none')
  })

  it('does not take a store in use for a backup', () => {
    const store = open()
    note(store, 'three')
    expect(codeOf(() => restore({ backup: path, path: join(folder, 'other.db') }))).toBe('IQ1002')
    store.close()
  })
})

describe('a migration', () => {
  it('says from which schema to which; a store that is up to date stays byte for byte', () => {
    writeFileSync(path, '')
    const { from, to } = migrateStore(path, systemClock)
    expect(from).toBe(0)
    expect(to).toBeGreaterThan(0)
    const before = digest(path)
    expect(migrateStore(path, systemClock)).toEqual({ from: to, to, backup: null })
    expect(digest(path)).toBe(before)
  })

  it('refuses what is no store', () => {
    writeFileSync(path, Buffer.alloc(5_000, 0x5a))
    expect(codeOf(() => migrateStore(path, systemClock))).toBe('IQ6004')
  })

  /** A store of the first schema, with a row in every table that is made again. */
  function firstSchema(): void {
    const store = openStore({ path, clock: systemClock, create: true, steps: migrations.slice(0, 1) })
    const entitlements = [{ attribute: 'groups', value: 'g', shown: 'g' }]
    const hash = contentHash({
      native: 'ada',
      shown: 'ada',
      uuid: undefined,
      displayName: undefined,
      use: 'personal',
      owner: undefined,
      disabled: false,
      locked: false,
      times: {},
      attributes: {},
      entitlements,
      keys: [],
    })
    store.db.exec(`insert into task_result(result_id, task, executor, status, trigger, actor, host, pid, arguments, definition,
        definition_sha256, tool_version, queued_at) values ('R', 't', 'x', 'success', 'manual', '{}', 'h', 1, '{}', '', '', '0', '2026-01-01');
      insert into application(name) values ('hr');
      insert into identity(name, status, attrs, created_run, changed_run) values ('ada', 'active', '{}', 1, 1);
      insert into account(application_id, native, state_run, link_run, identity_id, attrs, hash, created_run, changed_run)
        values (1, 'gone', 1, 1, 1, '{}', x'00', 1, 1), (1, 'ada', 1, 1, 1, '{}', x'${hash.toString('hex')}', 1, 1);
      insert into entitlement(application_id, attribute, value, created_run) values (1, 'groups', 'g', 1);
      insert into access values (2, 1, 1, null);
      delete from account where native = 'gone'; insert into account(application_id, native, state_run, link_run, attrs, hash, created_run,
        changed_run) values (1, 'last', 1, 1, '{}', x'00', 1, 1); delete from account where native = 'last'`)
    store.close()
  }

  it('backs the old store up first, verified, 0600, and keeps every row and number', () => {
    firstSchema()
    const { from, to, backup: kept } = migrateStore(path, systemClock)
    expect([from, to]).toEqual([1, migrations.length])
    expect(statSync(String(kept)).mode & 0o777).toBe(0o600)
    const old = new Sqlite(String(kept), { readonly: true })
    expect(old.pragma('user_version', { simple: true })).toBe(1)
    expect(old.prepare('select native from account').pluck().all()).toEqual(['ada'])
    old.close()
    withStore((store) => {
      expect(checkStore(store, { quick: false })).toEqual([])
      expect(store.db.statement('select id, identity_id from account').raw().all()).toEqual([[2, 1]])
      expect(store.db.statement('select account_id, entitlement_id from access').raw().all()).toEqual([[2, 1]])
      expect(store.db.statement(`select seq from sqlite_sequence where name = 'account'`).pluck().get()).toBe(3)
    })
  })

  it('of a damaged store is refused, and leaves it as it was', () => {
    firstSchema()
    const other = new Sqlite(path)
    other.pragma('foreign_keys = off')
    other.exec('update account set identity_id = 99')
    other.close()
    const before = digest(path)
    expect(codeOf(() => migrateStore(path, systemClock))).toBe('IQ6004')
    expect(digest(path)).toBe(before)
    expect(readdirSync(folder).filter((name) => name.includes('schema-'))).toEqual([])
  })

  it('that is killed leaves the old schema, and the next one comes to its end', async () => {
    firstSchema()
    const open = join(import.meta.dirname, '../../src/store')
    const script = `const { openStore } = await import('${open}/open.ts'); const { migrations } = await import('${open}/migrations/index.ts')
      const { systemClock } = await import('${open}/../base/clock.ts')
      const slow = 'create table half(i integer) strict; insert into half with recursive c(i) as (select 1 union all select i + 1 from c) select i from c'
      openStore({ path: process.argv[1], clock: systemClock, steps: [...migrations, slow] })`
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const closed = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)))
    // the log grows once the pages of the last step no longer fit the cache: well inside the transaction
    await until(() => (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000)
    child.kill('SIGKILL')
    expect(await closed).toBe('SIGKILL')
    const old = new Sqlite(path)
    expect(old.pragma('user_version', { simple: true })).toBe(1)
    expect(old.prepare(`select count(*) from sqlite_schema where name = 'half'`).pluck().get()).toBe(0)
    old.close()
    expect(migrateStore(path, systemClock)).toMatchObject({ from: 1, to: migrations.length })
  })
})
