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
  readonly rows: readonly unknown[] | Buffer
}

export type Chunk = (db: Database, bound: Bound, after: number, size: number) => Applied | undefined

/** How a step is cut: the number where its next `size` rows end; undefined: there are none. */
export type End = (db: Database, bound: Bound, after: number, size: number) => number | undefined

export interface Cut {
  readonly end: End
  readonly chunk: Chunk
}

type Work = (db: Database, bound: Bound, lo: number, hi: number) => Worked

/** A chunk takes the next `size` of the numbers `id` that `rows` gives (ascending, above `@lo`) and works on the range they span. */
export const chunked = (rows: (bound: Bound) => string, work: Work): Cut => cutBy(endOf(rows), work)

export const endOf =
  (rows: (bound: Bound) => string): End =>
  (db, bound, lo, size) =>
    (db
      .statement(`select max(id) from (${rows(bound)} limit @size)`)
      .pluck()
      .get({ lo, size }) as number | null) ?? undefined

export const cutBy = (end: End, work: Work): Cut => ({
  end,
  chunk(db, bound, lo, size) {
    const hi = end(db, bound, lo, size)
    if (hi === undefined) return undefined
    const done = work(db, bound, lo, hi)
    return { position: hi, changed: done.changed, digest: digestOf(done.rows) }
  },
})

const digestOf = (rows: Worked['rows']): string =>
  createHash('sha256')
    .update(Buffer.isBuffer(rows) ? rows : JSON.stringify(rows))
    .digest('hex')
