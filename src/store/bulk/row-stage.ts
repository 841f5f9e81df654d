import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { openScratch } from '../sqlite/driver.ts'

/** Records of a source, and grants of files beside it, by the native identity that they belong to. */
export interface RowGroup {
  readonly native: string
  /** In the order they were read; empty where only grants name the account. `values`: JSON. */
  readonly rows: readonly { readonly place: number; readonly values: string }[]
  readonly grants: readonly { readonly feed: number; readonly place: number; readonly value: string }[]
}

/**
 * Where records wait until all those of their account are there: a file of its own beside the store, never believed after a crash, so
 * that it needs no journal. SQLite sorts it outside of memory; groups come in the order of their native identities.
 */
export interface RowStage {
  addRow(native: string, place: number, values: string): void
  addGrant(native: string, feed: number, place: number, value: string): void
  /** Once, after the last record. */
  groups(): Generator<RowGroup>
  /** Native identities with a row that differ from this one in case only. */
  otherCase(native: string): string | undefined
  close(): void
}

/** Rows of one statement: a call costs more than a row. */
const batch = 50

export function createRowStage(path: string): RowStage {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  rmSync(path, { force: true })
  const umask = process.umask(0o077)
  const file = openScratch(path)
  process.umask(umask)
  // row or grant, in one table, so that one sort brings together what belongs together
  file.exec('create table r(native text not null, feed int, place int not null, held text not null) strict; begin')
  const insert = (rows: number) => file.prepare(`insert into r values ${Array(rows).fill('(?,?,?,?)').join(',')}`)
  const [many, one] = [insert(batch), insert(1)]
  let waiting: unknown[] = []
  const add = (native: string, feed: number | null, place: number, held: string): void => {
    waiting.push(native, feed, place, held)
    if (waiting.length < batch * 4) return
    many.run(waiting)
    waiting = []
  }
  const flush = (): void => {
    for (let at = 0; at < waiting.length; at += 4) one.run(waiting.slice(at, at + 4))
    waiting = []
  }
  let lowered = false
  return {
    addRow: (native, place, values) => add(native, null, place, values),
    addGrant: (native, feed, place, value) => add(native, feed, place, value),
    *groups() {
      flush()
      file.exec('commit')
      const sorted = file
        .prepare('select native, feed, place, held from r order by native, feed, rowid')
        .raw()
        .iterate()
      yield* grouped(sorted as IterableIterator<[string, number | null, number, string]>)
    },
    otherCase(native) {
      if (!lowered) file.exec('create table o as select lower(native) lower, native from r where feed is null')
      if (!lowered) file.exec('create index o_lower on o(lower)')
      lowered = true
      return file.prepare('select native from o where lower = lower(?) limit 1').pluck().get(native) as
        | string
        | undefined
    },
    close() {
      file.close()
      rmSync(path, { force: true })
    },
  }
}

function* grouped(sorted: Iterable<[string, number | null, number, string]>): Generator<RowGroup> {
  let group: { native: string; rows: RowGroup['rows'][number][]; grants: RowGroup['grants'][number][] } | undefined
  for (const [native, feed, place, held] of sorted) {
    if (group?.native !== native) {
      if (group !== undefined) yield group
      group = { native, rows: [], grants: [] }
    }
    if (feed === null) group.rows.push({ place, values: held })
    else group.grants.push({ feed, place, value: held })
  }
  if (group !== undefined) yield group
}
