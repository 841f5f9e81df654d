import { existsSync, mkdirSync, renameSync, rmSync, unlink } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AccountBlock } from '../../model/account-block.ts'
import { AccountPacker } from '../../model/account-packer.ts'
import { hashRows } from '../../model/block-hashes.ts'
import { type StagedAccount, usualUse } from '../../model/staged-account.ts'
import type { Database } from '../database.ts'
import { openScratch, type SqliteConnection } from '../sqlite/driver.ts'
import { OwnLines } from './own-lines.ts'
import { rowTables } from './plain.ts'
import { createBlockWriter } from './stage-rows.ts'
import { WantedKeys } from './wanted-keys.ts'

/**
 * The plan of one section, in a file of its own beside the store: invisible to whoever reads the business tables, thrown away
 * after the run. It has no journal because it is believed only once it is sealed, and bound.
 */
export interface StageFile {
  readonly path: string
  add(account: StagedAccount): void
  addBlock(block: AccountBlock): void
  /** A rejected row whose native identity is known: that account is not missing. */
  addRejectedNative(native: string): void
  /**
   * Ends the writing and attaches the file to the store's connection as `st`. `seen`: records that were left out as unchanged; `known`: the
   * application may have accounts.
   */
  seal(db: Database, run: number, read: { readonly seen: number; readonly known: boolean }): void
  /** Of the plan (`AccountPlan.hash`) where every row is a new account with an identity of its own; once it is sealed. */
  ownHash(): string
  /** What the rows' first rule looks for, if it was kept and fits into memory; once. */
  takeKeys(): WantedKeys | undefined
  /** From now on what is written outlives a crash. */
  harden(db: Database): Promise<void>
  /** Detaches, and deletes the file unless it is kept. */
  close(db: Database, kept: boolean): void
}

const tables = `
create table s(id integer primary key, line int, native text not null, shown text, uuid text, display text, use text not null default '${usualUse}',
  owner text, flags int not null, times text, hash blob not null, keys text not null default '[]', keys_digest blob,
  iname text, istatus text, iattrs text, isources text, ierror text, icrc int, mac blob, grants text, attrs text not null) strict;
create view g as select s.id a, j.value e from s cross join json_each(s.grants) j;
create table e(id integer primary key, attribute text not null, value text not null, shown text) strict;
create table rejected(native text primary key) strict, without rowid;
create table sealed(run int not null, seen int not null, grants int not null, descents int not null, uuids int not null, unnamed int not null) strict;
create table u(account_id integer primary key) strict;
create table lost(account_id integer primary key, kind text not null) strict;
create table m(l integer primary key, g int not null, neu int not null) strict;
create table gd(account_id int not null, e int not null, op text not null, primary key(account_id, e)) strict, without rowid;
create table left_out(grants int not null) strict;
create table planned(id integer primary key, name text not null) strict;
create table ended(sid integer primary key) strict;
${Object.entries(rowTables)
  .map(([name, columns]) => `create table ${name}(${columns}) strict;`)
  .join('\n')}
`

/** `keeping`: the keys of rows too, as long as they fit into memory. */
export function createStageFile(path: string, keeping: boolean): StageFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  remove(path)
  const umask = process.umask(0o077)
  const file = openScratch(path)
  process.umask(umask)
  file.exec(tables)
  file.exec('begin')
  const writer = createWriter(file, keeping)
  const syncing = createSyncing(path)
  let ownHash = ''
  return {
    path,
    add: writer.add,
    addBlock(block) {
      writer.addBlock(block)
      syncing.wrote(block.bytes.length)
    },
    addRejectedNative: writer.addRejectedNative,
    seal(db, run, { seen, known }) {
      writer.flush()
      ownHash = writer.lines.digest()
      const { grants, descents, uuids, unnamed } = writer.facts
      // nobody looks for a key where nothing is known and each comes after the one before
      if (known || descents > 0) file.exec('create index sn on s(native)')
      file.prepare('insert into sealed values (?, ?, ?, ?, ?, ?)').run(run, seen, grants, descents, uuids, unnamed)
      file.exec('commit')
      file.close()
      attachStage(db, path)
      // nobody takes this up after a crash before it is bound
      db.exec('pragma st.journal_mode = MEMORY; pragma st.synchronous = OFF')
    },
    ownHash: () => ownHash,
    takeKeys: writer.takeKeys,
    async harden(db) {
      db.exec('pragma st.journal_mode = DELETE; pragma st.synchronous = FULL')
      await syncing.all()
    },
    close(db, kept) {
      if (file.open) file.close()
      else db.exec('detach st')
      if (!kept) discard(path)
    },
  }
}

/** Bytes after which what is staged goes to the disk while more is read: little is left to wait for at the end. */
const syncEvery = 64 * 1024 * 1024

function createSyncing(path: string) {
  let [written, going] = [0, false]
  /** Fails as the first of them does: the system tells of a lost write once. */
  let early = Promise.resolve()
  const sync = async (): Promise<void> => {
    const handle = await open(path, 'r+')
    await handle.sync().finally(() => handle.close())
  }
  return {
    wrote(bytes: number): void {
      written += bytes
      if (written < syncEvery || going) return
      ;[written, going] = [0, true]
      early = early.then(sync).finally(() => {
        going = false
      })
      early.catch(() => undefined)
    },
    all: (): Promise<void> => early.then(sync),
  }
}

function createWriter(file: SqliteConnection, keeping: boolean) {
  const addRejected = file.prepare('insert or ignore into rejected values (?)')
  const put = createBlockWriter(file)
  const packer = new AccountPacker()
  const lines = new OwnLines()
  let keys = keeping ? new WantedKeys() : undefined
  const keepKeys = (block: AccountBlock): void => {
    if (keys?.hasRoom(block.rowCount, block.bytes.length) === false) {
      keys.release()
      keys = undefined
    }
    keys?.addBlock(block)
  }
  const facts = { grants: 0, descents: 0, uuids: 0, unnamed: 0 }
  const addBlock = (block: AccountBlock): void => {
    hashRows(block)
    put(block)
    if (facts.unnamed + block.unnamed === 0) lines.add(block)
    keepKeys(block)
    facts.grants += block.grantCount
    facts.descents += block.descents
    facts.uuids += block.uuids
    facts.unnamed += block.unnamed
  }
  const flush = (all: boolean): void => {
    for (const block of packer.take(all)) {
      addBlock(block)
      packer.recycle(block)
    }
  }
  return {
    add(account: StagedAccount): void {
      packer.add(account)
      flush(false)
    },
    addBlock,
    addRejectedNative: (native: string) => void addRejected.run(native),
    flush: () => flush(true),
    takeKeys: () => keys,
    facts,
    lines,
  }
}

/** Attaches a sealed stage as `st`; `close` detaches it, and deletes the file unless it is kept. */
export function attachStage(db: Database, path: string): Pick<StageFile, 'close'> {
  db.statement('attach ? as st').run(path)
  db.exec('pragma st.cache_size = -16384')
  return {
    close(on, kept) {
      on.exec('detach st')
      if (!kept) discard(path)
    },
  }
}

/** The run whose plan the attached stage holds. */
export function sealedRun(db: Database): number | undefined {
  return db.statement('select max(run) from st.sealed').pluck().get() as number | undefined
}

/** Its name is free at once; half a gigabyte takes a tenth of a second to go away, beside whatever is done next. */
function discard(path: string): void {
  const aside = `${path}.discarded`
  if (existsSync(path)) renameSync(path, aside)
  // what is left of it here goes with what dead runs left
  unlink(aside, () => undefined)
  remove(path)
}

function remove(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true })
}
