import { copy } from '../../model/bytes.ts'
import { placeParts } from '../../model/place.ts'
import { ByteTable, grown, released } from './byte-table.ts'
import { type GroupBytes, groupStart, headless, ownHead, rowStart } from './group-bytes.ts'
import { keyOrder } from './key-order.ts'
import { RowPlaces } from './row-places.ts'

/** Rows that are looked up together, and groups that are written together: what they need of memory comes at the same time. */
const batch = 64
/** Bytes of one row, at most. */
export const longestRow = 32 * 1024

/**
 * Rows by their keys, in memory. Rows of a key have a head in common and a tail each; what is the same is there once: a row takes eight bytes
 * (the one before it of its key, and its tail's number), as rows mostly follow each other in the source.
 */
export class RowGroups {
  readonly #groups = new ByteTable()
  readonly #tails = new ByteTable()
  #rows = new Int32Array(2 << 11)
  #count = 0
  readonly #places = new RowPlaces()
  /** Rows of the group in hand. */
  readonly #found: number[] = []

  /** Rows are written here, to be taken by `add`. */
  readonly bytes = Buffer.allocUnsafeSlow(8 * longestRow)
  at = 0
  #pending = 0
  readonly #starts = new Int32Array(batch)
  readonly #keyEnds = new Int32Array(batch)
  readonly #headEnds = new Int32Array(batch)
  readonly #ends = new Int32Array(batch)
  readonly #pendingPlaces = new Float64Array(batch)

  /** Bytes of memory that it uses. */
  get size(): number {
    return this.#groups.size + this.#tails.size + 8 * this.#count + this.#places.size
  }

  get isEmpty(): boolean {
    return this.#count + this.#pending === 0
  }

  /** Takes the row that was written to `bytes` at `at`: its key, its head, its tail. */
  add(keyEnd: number, headEnd: number, end: number, place: number): void {
    const row = this.#pending++
    this.#starts[row] = this.at
    this.#keyEnds[row] = keyEnd
    this.#headEnds[row] = headEnd
    this.#ends[row] = end
    this.#pendingPlaces[row] = place
    this.at = end
    if (this.#pending === batch || end > this.bytes.length - longestRow) this.#settle()
  }

  /** A row that has no head, or whose bytes are not to be told apart. */
  addHeadless(key: Buffer, text: string, place: number): void {
    this.#settle()
    const tail = Buffer.from(`${String.fromCharCode(headless)}${text}`)
    this.#append(this.#groups.numberOf(key, 0, key.length), this.#tails.numberOf(tail, 0, tail.length), place)
  }

  /** The rows that wait to be looked up. */
  #settle(): void {
    const [{ bytes }, groups] = [this, this.#groups]
    groups.warm(bytes, this.#starts, this.#keyEnds, this.#pending)
    for (let row = 0; row < this.#pending; row++) {
      const [keyEnd, headEnd] = [this.#keyEnds[row] ?? 0, this.#headEnds[row] ?? 0]
      const known = groups.count
      const group = groups.numberOf(bytes, this.#starts[row] ?? 0, keyEnd, headEnd)
      let from = headEnd
      if (group < known && !groups.isFollowedBy(group, bytes, keyEnd, headEnd)) {
        // over the last byte of the key, which is known now
        from = keyEnd - 1
        bytes[from] = ownHead
      }
      this.#append(group, this.#tails.numberOf(bytes, from, this.#ends[row] ?? 0), this.#pendingPlaces[row] ?? 0)
    }
    this.#pending = 0
    this.at = 0
  }

  #append(group: number, tail: number, place: number): void {
    if (2 * this.#count === this.#rows.length) this.#rows = grown(this.#rows)
    this.#places.add(place)
    this.#rows[2 * this.#count] = this.#groups.noteOf(group)
    this.#rows[2 * this.#count + 1] = tail
    this.#groups.note(group, ++this.#count)
  }

  /** Once, before `clear`: in the order of their keys, each good until the next; their rows in the order of their places. */
  *groups(): Generator<GroupBytes> {
    this.#settle()
    const group = { bytes: Buffer.allocUnsafeSlow(1 << 12), at: 0 }
    const order = keyOrder(this.#groups)
    for (let from = 0; from < order.length; from += batch) {
      const numbers = order.subarray(from, from + batch)
      this.#warm(numbers)
      for (const number of numbers) {
        const size = this.#gather(number)
        if (size > group.bytes.length) group.bytes = Buffer.allocUnsafeSlow(size * 2)
        this.#write(number, size, group.bytes)
        yield group
      }
    }
  }

  /** Brings rows of these groups near the processor, all at once. */
  #warm(numbers: Uint32Array): void {
    const [rows, next] = [this.#rows, this.#ends]
    for (let i = 0; i < numbers.length; i++) next[i] = this.#groups.noteOf(numbers[i] ?? 0)
    for (let step = 0; step < 8; step++)
      for (let i = 0; i < numbers.length; i++) {
        const row = next[i] ?? 0
        if (row > 0) next[i] = rows[2 * row - 2] ?? 0
      }
  }

  clear(): void {
    this.#groups.clear()
    this.#tails.clear()
    this.#places.clear()
    this.#count = this.#pending = this.at = 0
  }

  /** Gives the memory back. Nothing can be asked any more. */
  release(): void {
    this.#groups.release()
    this.#tails.release()
    this.#rows = released(this.#rows)
  }

  /** Finds the rows of a group, the last one first; gives how many bytes all of it takes. */
  #gather(group: number): number {
    const [rows, tails, found] = [this.#rows, this.#tails, this.#found]
    let size = groupStart + this.#groups.endOf(group) - this.#groups.startOf(group)
    found.length = 0
    for (let next = this.#groups.noteOf(group); next > 0; next = rows[2 * next - 2] ?? 0) {
      const tail = rows[2 * next - 1] ?? 0
      size += rowStart + tails.endOf(tail) - tails.startOf(tail)
      found.push(next - 1)
    }
    return size
  }

  #write(group: number, size: number, out: Buffer): void {
    const [groups, found] = [this.#groups, this.#found]
    const [start, keyEnd, end] = [groups.startOf(group), groups.keyEndOf(group), groups.endOf(group)]
    out.writeUInt32LE(size, 0)
    out.writeUInt32LE(keyEnd - start, 4)
    out.writeUInt32LE(end - keyEnd, 8)
    out.writeUInt32LE(found.length, 12)
    let o = copy(groups.bytes, start, end, out, groupStart)
    const tails = this.#tails
    for (let i = found.length - 1; i >= 0; i--) {
      const row = found[i] ?? 0
      const tail = this.#rows[2 * row + 1] ?? 0
      const { file, line } = placeParts(this.#places.of(row))
      const [from, to] = [tails.startOf(tail), tails.endOf(tail)]
      out.writeUInt32LE(file, o)
      out.writeUInt32LE(line, o + 4)
      out.writeUInt32LE(to - from, o + 8)
      o = copy(tails.bytes, from, to, out, o + rowStart)
    }
  }
}
