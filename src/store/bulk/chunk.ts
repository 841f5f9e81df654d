import { createHash } from 'node:crypto'
import type { Database } from '../database.ts'
import type { Bound } from './bind.ts'

export interface Applied {
  readonly position: number
  readonly changed: number
  readonly digest: string
}

/** What one chunk did, and the rows that its audit event proves. */
export interface Worked {
  readonly changed: number
  readonly rows: readonly unknown[]
}

export type Chunk = (db: Database, bound: Bound, after: number, size: number) => Applied | undefined

/** How a step is cut: the number where its next `size` rows end; undefined: there are none. */
export type End = (db: Database, bound: Bound, after: number, size: number) => number | undefined

export interface Cut {
  readonly end: End
  readonly chunk: Chunk
}

/** A chunk takes the next `size` of the numbers `id` that `rows` gives (ascending, above `@lo`) and works on the range they span. */
export function chunked(
  rows: (bound: Bound) => string,
  work: (db: Database, b: Bound, lo: number, hi: number) => Worked,
): Cut {
  const end: End = (db, bound, lo, size) =>
    (db
      .statement(`select max(id) from (${rows(bound)} limit @size)`)
      .pluck()
      .get({ lo, size }) as number | null) ?? undefined
  return {
    end,
    chunk(db, bound, lo, size) {
      const hi = end(db, bound, lo, size)
      if (hi === undefined) return undefined
      const done = work(db, bound, lo, hi)
      return { position: hi, changed: done.changed, digest: digestOf(done.rows) }
    },
  }
}

const digestOf = (rows: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(rows)).digest('hex')
