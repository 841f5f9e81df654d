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

/** A chunk takes the next `size` of the numbers `id` that `rows` gives (ascending, above `@lo`) and works on the range they span. */
export function chunked(
  rows: (bound: Bound) => string,
  work: (db: Database, b: Bound, lo: number, hi: number) => Worked,
): Chunk {
  return (db, bound, lo, size) => {
    const next = db.statement(`select max(id) from (${rows(bound)} limit @size)`)
    const hi = next.pluck().get({ lo, size }) as number | null
    if (hi === null) return undefined
    const done = work(db, bound, lo, hi)
    return { position: hi, changed: done.changed, digest: digestOf(done.rows) }
  }
}

const digestOf = (rows: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(rows)).digest('hex')
