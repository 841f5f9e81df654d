import { closeSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '../database.ts'
import { openScratch } from '../sqlite/driver.ts'
import { attachStage } from './stage-file.ts'

/** One entry of a catalogue feed. */
export interface StagedEntitlement {
  readonly place: number
  readonly attribute: string
  /** As it is compared, and as written. */
  readonly value: string
  readonly shown: string
  readonly display: string | undefined
  readonly description: string | undefined
  readonly owner: string | undefined
  /** Values of the same attribute that it gives, as they are compared. */
  readonly gives: readonly string[]
}

export interface CatalogueStage {
  add(entry: StagedEntitlement): void
  /** A rejected row whose value is known: that entry is not missing. */
  addRejected(attribute: string, value: string): void
  /** Ends the writing, makes it durable and attaches it to the store's connection as `st`. */
  seal(db: Database, run: number): void
  close(db: Database, kept: boolean): void
}

/**
 * c: entries read · cg: what they give, by value · act: what becomes of each (`reject create same changed returned`) with the store's id, or
 * the negative number of the entry until the plan is bound · ge: their edges by these ids (`keep add end refused`) · lost: described entries that
 * the read did not show (`gone missing still`).
 */
const tables = `
create table c(id integer primary key, place int not null, attribute text not null, value text not null, shown text, display text, description text, owner text) strict;
create table cg(c int not null, value text not null, primary key(c, value)) strict, without rowid;
create table rejected(attribute text not null, value text not null, primary key(attribute, value)) strict, without rowid;
create table act(cid integer primary key, kind text not null, entitlement_id int not null) strict;
create table ge(a int not null, b int not null, op text not null, path text, primary key(a, b)) strict, without rowid;
create table dangling(cid int not null, value text not null, primary key(cid, value)) strict, without rowid;
create table lost(entitlement_id integer primary key, kind text not null) strict;
create table sealed(run int not null) strict;
`

/** The plan of one application's catalogue, in a file of its own beside the store, as the plan of its accounts is. */
export function createCatalogueStage(path: string): CatalogueStage {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const remove = (): void => {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true })
  }
  remove()
  const umask = process.umask(0o077)
  const file = openScratch(path)
  process.umask(umask)
  file.exec(tables)
  file.exec('begin')
  const addEntry = file.prepare('insert into c values (?,?,?,?,?,?,?,?)')
  const addGives = file.prepare('insert or ignore into cg values (?, ?)')
  const addRejected = file.prepare('insert or ignore into rejected values (?, ?)')
  let entries = 0
  return {
    add({ place, attribute, value, shown, display, description, owner, gives }) {
      const id = ++entries
      const texts = [display, description, owner].map((text) => text ?? null)
      addEntry.run(id, place, attribute, value, shown === value ? null : shown, ...texts)
      for (const given of gives) addGives.run(id, given)
    },
    addRejected: (attribute, value) => void addRejected.run(attribute, value),
    seal(db, run) {
      file.exec('create index c_value on c(attribute, value)')
      file.prepare('insert into sealed values (?)').run(run)
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
      if (!kept) remove()
    },
  }
}
