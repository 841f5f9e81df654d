import { markSeen, type SeenSlots } from '../../model/seen-records.ts'
import { createRecordFinder, mostRecords, type RecordFinder } from './record-finder.ts'

/** Whole records that have to be parsed, as they stand in the source. */
export interface Region {
  readonly bytes: Buffer
  /** In which its first record begins. */
  readonly line: number
  /** The hash of each record in two halves; zeros for a header, which is a region of its own. */
  readonly macs: readonly number[]
}

export interface CutOptions {
  readonly separator: number
  readonly quote: number
  /** The first record tells the columns. */
  readonly header: boolean
  /** The key for records below these columns: 16 bytes. */
  readonly key: (header: Buffer) => Buffer
  readonly known: SeenSlots
}

const newline = 10
const carriageReturn = 13

/**
 * Cuts bytes (UTF-8 or another encoding in which ASCII stands for itself) into records, by the rules of `scan.ts`: a quote opens a field only
 * at its beginning.
 */
export class RecordCutter {
  readonly #options: CutOptions
  readonly #finder: RecordFinder
  /** What waits for the end of its record. */
  #start: number
  #end: number
  #line = 1
  #seen = 0
  #hasKey = false
  /** Of the region in hand. */
  #macs: number[] = []

  constructor(options: CutOptions) {
    this.#options = options
    this.#finder = createRecordFinder(options.separator, options.quote)
    this.#start = this.#finder.first
    this.#end = this.#start
    if (!options.header) this.#setKey(Buffer.alloc(0))
  }

  get separator(): number {
    return this.#options.separator
  }

  /** Regions that these bytes complete; they are good until the next call. */
  push(bytes: Buffer): Region[] {
    const { first } = this.#finder
    this.#finder.bytes.copyWithin(first, this.#start, this.#end)
    this.#end -= this.#start - first
    this.#start = first
    this.#finder.reserve(this.#end + bytes.length)
    bytes.copy(this.#finder.bytes, this.#end)
    this.#end += bytes.length
    return this.#cut()
  }

  /** What waits for the end of its record, and in which line it begins. */
  rest(): { readonly bytes: Buffer; readonly line: number } {
    return { bytes: this.#finder.bytes.subarray(this.#start, this.#end), line: this.#line }
  }

  /** Records seen before, since the last call. */
  takeSeen(): number {
    const count = this.#seen
    this.#seen = 0
    return count
  }

  /** The whole records; the next one begins at `#start` then. */
  #cut(): Region[] {
    const found: Region[] = []
    let from = -1
    let fromLine = 0
    let start = this.#start
    let line = this.#line
    const close = (to: number): void => {
      if (from === -1) return
      found.push({ bytes: this.#finder.bytes.subarray(from, to), line: fromLine, macs: this.#macs })
      this.#macs = []
      from = -1
    }
    for (;;) {
      const most = this.#hasKey ? mostRecords : 1
      const records = this.#finder.find(start, this.#end, most)
      if (this.#hasKey) this.#seen += markSeen(this.#options.known, records)
      for (let i = 0; i < records.length; i += 4) {
        const [end, lines] = [records[i] ?? 0, records[i + 1] ?? 0]
        const isHeader = !this.#hasKey
        // negative: it is known
        if (lines < 0 || !this.#isNew(start, end, records[i + 2] ?? 0, records[i + 3] ?? 0)) close(start)
        else if (from === -1) {
          from = start
          fromLine = line
        }
        start = end
        line += Math.abs(lines)
        if (isHeader) close(end)
      }
      if (records.length < 4 * most) break
    }
    close(start)
    this.#start = start
    this.#line = line
    return found
  }

  /** Decides about one record. */
  #isNew(start: number, end: number, low: number, high: number): boolean {
    if (end - start < 3 && (end - start === 1 || this.#finder.bytes[start] === carriageReturn)) return false
    if (!this.#hasKey) {
      this.#setKey(this.#finder.bytes.subarray(start, end - 1))
      this.#macs.push(0, 0)
      return true
    }
    this.#macs.push(low, high)
    return true
  }

  #setKey(header: Buffer): void {
    this.#finder.setKey(this.#options.key(header))
    this.#hasKey = true
  }
}

/** Where the record at `from` ends, by the same rules; -1 where it does not end in these bytes. */
export function recordEnd(b: Buffer, from: number, separator: number, quote: number): number {
  let inside = false
  let closed = -9
  for (let i = from; i < b.length; i++) {
    const c = b[i]
    if (c === quote) {
      if (inside) {
        inside = false
        closed = i
      } else if (i === from || b[i - 1] === separator || closed === i - 1) inside = true
    } else if (c === newline && !inside) return i + 1
  }
  return -1
}

/** Where the last of at most so many records from `from` on ends; `from` where none does. */
export function recordsEnd(b: Buffer, from: number, separator: number, quote: number, most: number): number {
  let end = from
  for (let left = most; left > 0; left--) {
    const next = recordEnd(b, end, separator, quote)
    if (next === -1) break
    end = next
  }
  return end
}
