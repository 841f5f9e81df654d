import { closeSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '../database.ts'
import { sealOfIdentity } from '../seal.ts'
import { openScratch, type SqliteConnection } from '../sqlite/driver.ts'

/** One staged account, ready for its row. Texts are JSON where the name says so. */
export interface StagedAccount {
  readonly line: number
  readonly native: string
  readonly shown: string | null
  readonly uuid: string | null
  readonly display: string | null
  readonly use: string
  readonly owner: string | null
  readonly flags: number
  readonly timesJson: string | null
  readonly attrsJson: string
  readonly hash: Buffer
  /** One evened-out value per correlation rule, then per sameAs rule. */
  readonly keysJson: string
  readonly keysDigest: Buffer | null
  /** Keyed hash of the source record (8 bytes); null where it was not compared. */
  readonly mac: Buffer | null
  readonly draft: StagedIdentity | undefined
  readonly entitlements: readonly { readonly attribute: string; readonly value: string; readonly shown: string }[]
}

/** What the account would give a new identity; `error` when it cannot be told. */
export interface StagedIdentity {
  readonly name: string
  readonly status: string
  readonly attrsJson: string
  readonly sourcesJson: string
  readonly error: string | null
}

/**
 * The plan of one section, in a file of its own beside the store: invisible to whoever reads the business tables, thrown away
 * after the run. It has no journal because it is believed only once it is sealed.
 */
export interface StageFile {
  readonly path: string
  add(account: StagedAccount): void
  /** A rejected row whose native identity is known: that account is not missing. */
  addRejectedNative(native: string): void
  /** Ends the writing (`seen`: records that were left out as unchanged), makes it durable and attaches it to the store's connection as `st`. */
  seal(db: Database, run: number, seen: number): void
  /** Detaches, and deletes the file unless it is kept. */
  close(db: Database, kept: boolean): void
}

const tables = `
create table s(id integer primary key, line int, native text not null, shown text, uuid text, display text, use text not null, owner text,
  flags int not null, times text, attrs text not null, hash blob not null, keys text not null, keys_digest blob,
  iname text, istatus text, iattrs text, isources text, ierror text, icrc int, mac blob) strict;
create table g(a int not null, e int not null, primary key(a, e)) strict, without rowid;
create table e(id integer primary key, attribute text not null, value text not null, shown text) strict;
create table rejected(native text primary key) strict, without rowid;
create table sealed(run int not null, descents int not null, seen int not null, uuids int not null) strict;
create table u(account_id integer primary key) strict;
create table act(sid integer primary key, kind text not null, account_id int) strict;
create table lost(account_id integer primary key, kind text not null) strict;
create table m(l integer primary key, g int not null, neu int not null) strict;
create table gd(account_id int not null, e int not null, op text not null, primary key(account_id, e)) strict, without rowid;
create table cand(sid integer primary key, account_id int, owner int, creates int not null, made int not null) strict;
create table ik(rule int not null, value text not null, identity_id int not null, inactive int not null, primary key(rule, value, identity_id)) strict, without rowid;
create table left_out(grants int not null) strict;
create table planned(id integer primary key, name text not null) strict;
create table ended(sid integer primary key) strict;
create table link(sid integer primary key, account_id int, kind text not null, rule int, identity_id int, maker int, code text, candidates text, value text) strict;
`

export function createStageFile(path: string): StageFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  remove(path)
  const umask = process.umask(0o077)
  const file = openScratch(path)
  process.umask(umask)
  file.exec(tables)
  file.exec('begin')
  const writer = createWriter(file)
  return {
    path,
    add: writer.add,
    addRejectedNative: writer.addRejectedNative,
    seal(db, run, seen) {
      writer.flush()
      file.exec('create index sn on s(native)')
      file.prepare('insert into sealed values (?, ?, ?, ?)').run(run, writer.descents(), seen, writer.uuids())
      file.exec('commit')
      file.close()
      const handle = openSync(path, 'r+')
      fsyncSync(handle)
      closeSync(handle)
      attachStage(db, path)
    },
    close(db, kept) {
      if (file.open) file.close()
      else db.exec('detach st')
      if (!kept) remove(path)
    },
  }
}

function createWriter(file: SqliteConnection) {
  const addRow = createInserts(file, 's', 21, 20)
  const addGrant = createInserts(file, 'g', 2, 400)
  const addRejected = file.prepare('insert or ignore into rejected values (?)')
  const intern = createInterning(file)
  let rows = 0
  let last = ''
  let descents = 0
  let uuids = 0
  return {
    add(a: StagedAccount): void {
      const id = ++rows
      if (a.native < last) descents++
      last = a.native
      if (a.uuid !== null) uuids++
      addRow.add([id, ...accountColumns(a), ...draftColumns(a.draft), a.mac])
      // in id order, as the table keeps them
      const ids = a.entitlements.map(intern).sort((x, y) => x - y)
      for (const [index, entitlement] of ids.entries())
        if (entitlement !== ids[index - 1]) addGrant.add([id, entitlement])
    },
    addRejectedNative: (native: string) => void addRejected.run(native),
    flush(): void {
      addRow.flush()
      addGrant.flush()
    },
    /** Rows whose key is smaller than that of the row before: how far the feed is from the order of its keys. */
    descents: () => descents,
    uuids: () => uuids,
  }
}

/** Many rows a statement: each call into SQLite costs as much as a row. */
function createInserts(file: SqliteConnection, table: string, width: number, size: number) {
  const row = `(${Array(width).fill('?').join(',')})`
  const many = file.prepare(`insert into ${table} values ${Array(size).fill(row).join(',')}`)
  const one = file.prepare(`insert into ${table} values ${row}`)
  let waiting: unknown[] = []
  return {
    add(values: readonly unknown[]): void {
      for (const value of values) waiting.push(value)
      if (waiting.length < width * size) return
      many.run(waiting)
      waiting = []
    },
    flush(): void {
      for (let at = 0; at < waiting.length; at += width) one.run(waiting.slice(at, at + width))
      waiting = []
    },
  }
}

/** One number for each entitlement value of the read. */
function createInterning(file: SqliteConnection): (entry: StagedAccount['entitlements'][number]) => number {
  const add = file.prepare('insert into e values (?, ?, ?, ?)')
  const known = new Map<string, Map<string, number>>()
  let count = 0
  return (entry) => {
    const values = known.get(entry.attribute) ?? new Map<string, number>()
    const there = values.get(entry.value)
    if (there !== undefined) return there
    const id = ++count
    known.set(entry.attribute, values.set(entry.value, id))
    add.run(id, entry.attribute, entry.value, entry.shown === entry.value ? null : entry.shown)
    return id
  }
}

const accountColumns = (a: StagedAccount): unknown[] => [
  a.line,
  a.native,
  a.shown,
  a.uuid,
  a.display,
  a.use,
  a.owner,
  a.flags,
  a.timesJson,
  a.attrsJson,
  a.hash,
  a.keysJson,
  a.keysDigest,
]

const draftColumns = (d: StagedIdentity | undefined): unknown[] =>
  d === undefined
    ? [null, null, null, null, null, null]
    : [
        d.name,
        d.status,
        d.attrsJson,
        d.sourcesJson,
        d.error,
        sealOfIdentity(d.name, 'person', d.status, d.attrsJson, d.sourcesJson),
      ]

/** Attaches a sealed stage as `st`; `close` detaches it, and deletes the file unless it is kept. */
export function attachStage(db: Database, path: string): Pick<StageFile, 'close'> {
  db.statement('attach ? as st').run(path)
  db.exec('pragma st.cache_size = -16384')
  return {
    close(on, kept) {
      on.exec('detach st')
      if (!kept) remove(path)
    },
  }
}

/** The run whose plan the attached stage holds. */
export function sealedRun(db: Database): number | undefined {
  return db.statement('select max(run) from st.sealed').pluck().get() as number | undefined
}

function remove(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true })
}
