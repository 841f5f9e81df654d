import { hash } from 'node:crypto'
import { markSeen, type SeenSlots } from '../../model/seen-records.ts'

/** Whole records that have to be parsed, as they stand in the source. */
export interface Region {
  readonly bytes: Buffer
  /** In which its first record begins. */
  readonly line: number
  /** The hash of each record; empty for a header, which is a region of its own. */
  readonly macs: readonly string[]
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

const head = 16
const newline = 10
const carriageReturn = 13

/**
 * Finds the ends of records in bytes (UTF-8 or another encoding in which ASCII stands for itself), by the rules of `scan.ts`: a quote opens
 * a field only at its beginning. A record's key is written over the 16 bytes before it, so that one hash call takes both.
 */
export class RecordCutter {
  readonly #options: CutOptions
  #buffer = Buffer.allocUnsafeSlow(head + (1 << 20))
  /** What waits for the end of its record. */
  #start = head
  #end = head
  #line = 1
  #seen = 0
  #key: Buffer | undefined
  /** Of the region in hand. */
  #macs: string[] = []

  constructor(options: CutOptions) {
    this.#options = options
    if (!options.header) this.#key = options.key(Buffer.alloc(0))
  }

  get separator(): number {
    return this.#options.separator
  }

  /** Regions that these bytes complete; they are good until the next call. */
  push(bytes: Buffer): Region[] {
    this.#buffer.copyWithin(head, this.#start, this.#end)
    this.#end -= this.#start - head
    const needed = this.#end + bytes.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, needed))
      this.#buffer.copy(larger, 0, 0, this.#end)
      this.#buffer = larger
    }
    bytes.copy(this.#buffer, this.#end)
    this.#end = needed
    const { start, found } = this.#scan()
    this.#start = start
    return found
  }

  /** What waits for the end of its record, and in which line it begins. */
  rest(): { readonly bytes: Buffer; readonly line: number } {
    return { bytes: this.#buffer.subarray(this.#start, this.#end), line: this.#line }
  }

  /** Records seen before, since the last call. */
  takeSeen(): number {
    const count = this.#seen
    this.#seen = 0
    return count
  }

  /** One pass over the whole records; `start`: where the next one begins. It goes from newline to newline, and from quote to quote. */
  #scan(): { start: number; found: Region[] } {
    const { separator, quote } = this.#options
    const b = this.#buffer.subarray(0, this.#end)
    const found: Region[] = []
    let start = head
    let inside = false
    let closed = -9
    let lines = this.#line
    /** Where the last record ends that is handed over. */
    let kept = 0
    let from = -1
    let fromLine = 0
    let at = b.indexOf(quote, head)
    for (let i = b.indexOf(newline, head); i !== -1; i = b.indexOf(newline, i + 1)) {
      for (; at !== -1 && at < i; at = b.indexOf(quote, at + 1)) {
        if (inside) {
          inside = false
          closed = at
        } else if (at === start || b[at - 1] === separator || closed === at - 1) inside = true
      }
      lines++
      if (inside) continue
      const blank = i === start || (i === start + 1 && b[start] === carriageReturn)
      if (!blank && this.#isNew(start, i, start - head < kept)) {
        kept = i + 1
        if (from === -1) {
          from = start
          fromLine = this.#line
        }
        if (this.#macs[0] === '') {
          found.push({ bytes: b.subarray(from, i + 1), line: fromLine, macs: this.#takeMacs() })
          from = -1
        }
      } else if (from !== -1) {
        found.push({ bytes: b.subarray(from, start), line: fromLine, macs: this.#takeMacs() })
        from = -1
      }
      start = i + 1
      this.#line = lines
    }
    if (from !== -1) found.push({ bytes: b.subarray(from, start), line: fromLine, macs: this.#takeMacs() })
    return { start, found }
  }

  /** Decides about one record; `close`: bytes that its key covers are still needed. */
  #isNew(from: number, to: number, close: boolean): boolean {
    if (this.#key === undefined) {
      this.#key = this.#options.key(this.#buffer.subarray(from, to))
      this.#macs.push('')
      return true
    }
    const mac = macOf(this.#buffer, this.#key, from, to, close)
    if (markSeen(this.#options.known, numberAt(mac, 0), numberAt(mac, 4))) {
      this.#seen++
      return false
    }
    this.#macs.push(mac)
    return true
  }

  #takeMacs(): string[] {
    const macs = this.#macs
    this.#macs = []
    return macs
  }
}

/** Where the record at `from` ends, by the same rules; the bytes are whole records. */
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
  return b.length
}

const covered = Buffer.alloc(head)

/** What the key covers is put back where it is `kept`: a record may be shorter. */
function macOf(b: Buffer, key: Buffer, start: number, end: number, kept: boolean): string {
  const from = start - head
  if (kept) b.copy(covered, 0, from, start)
  for (let i = 0; i < head; i++) b[from + i] = key[i] ?? 0
  const mac = hash('sha256', b.subarray(from, end), 'binary')
  if (kept) covered.copy(b, from)
  return mac
}

const numberAt = (text: string, index: number): number =>
  text.charCodeAt(index) |
  (text.charCodeAt(index + 1) << 8) |
  (text.charCodeAt(index + 2) << 16) |
  (text.charCodeAt(index + 3) << 24)
