import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RawValue } from '../../model/value.ts'
import { openScratch } from '../sqlite/driver.ts'

/** Records of a source, and grants of files beside it, by the native identity that they belong to. */
export interface RowGroup {
  readonly native: string
  /** In the order they were read; empty where only grants name the account. */
  readonly rows: readonly { readonly place: number; readonly values: readonly RawValue[] }[]
  readonly grants: readonly { readonly feed: number; readonly place: number; readonly value: string }[]
}

/**
 * Where records wait until all those of their account are there: a file of its own beside the store, never believed after a crash, so
 * that it needs no journal. SQLite sorts and groups it outside of memory; groups come in the order of their native identities.
 */
export interface RowStage {
  addRow(native: string, place: number, values: readonly RawValue[]): void
  addGrant(native: string, feed: number, place: number, value: string): void
  /** Once, after the last record. */
  groups(): Generator<RowGroup>
  /** A native identity with a row that differs from this one in case only; after the last group. */
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
  // row or grant, in one table, so that one sort brings together what belongs together; `held` is JSON
  file.exec('create table r(native text not null, feed int, place int not null, held text not null) strict; begin')
  const insert = (rows: number) => file.prepare(`insert into r values ${Array(rows).fill('(?,?,?,?)').join(',')}`)
  const [many, one] = [insert(batch), insert(1)]
  const waiting: unknown[] = Array(batch * 4).fill(null)
  let filled = 0
  const add = (native: string, feed: number | null, place: number, held: string): void => {
    waiting[filled++] = native
    waiting[filled++] = feed
    waiting[filled++] = place
    waiting[filled++] = held
    if (filled < batch * 4) return
    many.run(...waiting)
    filled = 0
  }
  const flush = (): void => {
    for (let at = 0; at < filled; at += 4) one.run(...waiting.slice(at, at + 4))
    filled = 0
  }
  let lowered = false
  return {
    addRow: (native, place, values) => add(native, null, place, JSON.stringify(values)),
    addGrant: (native, feed, place, value) => add(native, feed, place, JSON.stringify(value)),
    *groups() {
      flush()
      file.exec('commit')
      const sorted = file
        .prepare(
          `select native, group_concat(iif(feed is null, '[' || place || ',' || held || ']', null)) rows,
             group_concat('[' || feed || ',' || place || ',' || held || ']') grants from r group by native`,
        )
        .raw()
        .iterate() as IterableIterator<[string, string | null, string | null]>
      for (const [native, rows, grants] of sorted)
        yield { native, rows: rows === null ? [] : rowsOf(rows), grants: grants === null ? [] : grantsOf(grants) }
    },
    otherCase(native) {
      if (!lowered)
        file.exec(`create table o as select lower(native) lower, native from r where feed is null;
          create index o_lower on o(lower)`)
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

const byPlace = (a: { readonly place: number }, b: { readonly place: number }): number => a.place - b.place

function rowsOf(json: string): RowGroup['rows'] {
  const rows = JSON.parse(`[${json}]`) as [number, (RawValue | null)[]][]
  // JSON has no word for what is not there
  const gaps = json.includes('null')
  return rows
    .map(([place, values]) => ({
      place,
      values: gaps ? values.map((value) => value ?? undefined) : (values as RawValue[]),
    }))
    .sort(byPlace)
}

const grantsOf = (json: string): RowGroup['grants'] =>
  (JSON.parse(`[${json}]`) as [number, number, string][])
    .map(([feed, place, value]) => ({ feed, place, value }))
    .sort(byPlace)
