import { systemClock } from '../base/clock.ts'
import type { AccountBlock } from '../model/account-block.ts'
import { placeNumber } from '../model/place.ts'
import type { RecordBatch } from './connector.ts'
import type { PackedBatch } from './packing.ts'

/** Records of a batch before it is handed over; a slow source is told of sooner. */
const batchSize = 2000
const batchMs = 500

/** Counts what becomes of records until it is handed over. */
export interface Tally {
  /** In the order they were read. */
  readonly files: readonly string[]
  readonly columns: readonly string[]
  /** Counts the records of a batch and keeps its rejects. */
  take(batch: RecordBatch): void
  filter(): void
  reject(reject: PackedBatch['rejects'][number]): void
  /** Of a line of the file in hand. */
  placeOf(line: number): { readonly file: string; readonly line: number }
  placeNumber(line: number): number
  isOther(file: string): boolean
  isDue(): boolean
  /** What there is since the last time. */
  give(blocks: readonly AccountBlock[]): PackedBatch
}

export function createTally(): Tally {
  let last: Pick<RecordBatch, 'file' | 'declared' | 'columns' | 'position'> = { file: '', declared: false, columns: [] }
  const files: string[] = []
  let given = Number.NEGATIVE_INFINITY
  let [read, filtered] = [0, 0]
  let rejects: PackedBatch['rejects'][number][] = []
  return {
    files,
    get columns() {
      return last.columns
    },
    take(batch) {
      if (last.file !== batch.file) files.push(batch.file)
      last = batch
      read += batch.records.length + batch.rejects.length + (batch.seen ?? 0) + (batch.taken ?? 0)
      rejects.push(...batch.rejects)
    },
    filter: () => void filtered++,
    reject: (reject) => void rejects.push(reject),
    placeOf: (line) => ({ file: last.file, line }),
    placeNumber: (line) => placeNumber(files.length - 1, line),
    isOther: (file) => last.file !== '' && last.file !== file,
    isDue: () => Math.max(read, rejects.length) >= batchSize || systemClock.monotonicMs() - given > batchMs,
    give(blocks) {
      const { file, declared, columns, position } = last
      const batch = { file, declared, columns, position, read, filtered, rejects, blocks }
      read = filtered = 0
      rejects = []
      given = systemClock.monotonicMs()
      return batch
    },
  }
}
