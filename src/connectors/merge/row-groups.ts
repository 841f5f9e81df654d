import { placeParts } from '../../model/place.ts'
import { ByteTable, grown } from './byte-table.ts'
import { type GroupBytes, groupStart, rowStart } from './group-bytes.ts'
import { keyOrder } from './key-order.ts'

/**
 * Rows by their keys, in memory. Rows of a key have a head in common and a tail each; what is the same is there once: a row takes eight bytes
 * (the one before it of its key, and its tail's number), as rows mostly follow each other in the source.
 */
export class RowGroups {
  readonly #groups = new ByteTable()
  readonly #tails = new ByteTable()
  #rows = new Int32Array(2 << 11)
  count = 0
  /** Where a row does not stand right after the one before it: its number, and its place. */
  #jumps: number[] = []
  #lastPlace = -1
  /** Rows of the group in hand. */
  readonly #found: number[] = []

  /** Bytes of memory that it uses. */
  get size(): number {
    return this.#groups.size + this.#tails.size + 8 * this.count + 8 * this.#jumps.length
  }

  /** A row whose key begins at `from`; its head and tail follow. False: rows of this key have another head. */
  add(b: Buffer, from: number, keyEnd: number, headEnd: number, end: number, place: number): boolean {
    const known = this.#groups.count
    const group = this.#groups.numberOf(b, from, keyEnd, headEnd)
    if (group < known && !this.#groups.isFollowedBy(group, b, keyEnd, headEnd)) return false
    this.#append(group, this.#tails.numberOf(b, headEnd, end), place)
    return true
  }

  /** A row without a head, whatever that of its key is. */
  addHeadless(key: Buffer, tail: Buffer, place: number): void {
    this.#append(this.#groups.numberOf(key, 0, key.length), this.#tails.numberOf(tail, 0, tail.length), place)
  }

  #append(group: number, tail: number, place: number): void {
    if (2 * this.count === this.#rows.length) this.#rows = grown(this.#rows)
    if (place !== this.#lastPlace + 1) this.#jumps.push(this.count, place)
    this.#lastPlace = place
    this.#rows[2 * this.count] = this.#groups.noteOf(group)
    this.#rows[2 * this.count + 1] = tail
    this.#groups.note(group, ++this.count)
  }

  /** Once, before `clear`: in the order of their keys, each good until the next; their rows in the order of their places. */
  *groups(): Generator<GroupBytes> {
    const group = { bytes: Buffer.allocUnsafeSlow(1 << 12), at: 0 }
    for (const number of keyOrder(this.#groups)) {
      const size = this.#gather(number)
      if (size > group.bytes.length) group.bytes = Buffer.allocUnsafeSlow(size * 2)
      this.#write(number, size, group.bytes)
      yield group
    }
  }

  clear(): void {
    this.#groups.clear()
    this.#tails.clear()
    this.#jumps = []
    this.count = 0
    this.#lastPlace = -1
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
    let o = copied(groups.bytes, start, end, out, groupStart)
    const tails = this.#tails
    for (let i = found.length - 1; i >= 0; i--) {
      const row = found[i] ?? 0
      const tail = this.#rows[2 * row + 1] ?? 0
      const { file, line } = placeParts(this.#placeOf(row))
      const [from, to] = [tails.startOf(tail), tails.endOf(tail)]
      out.writeUInt32LE(file, o)
      out.writeUInt32LE(line, o + 4)
      out.writeUInt32LE(to - from, o + 8)
      o = copied(tails.bytes, from, to, out, o + rowStart)
    }
  }

  #placeOf(row: number): number {
    const jumps = this.#jumps
    let [lo, hi] = [0, jumps.length / 2]
    while (hi - lo > 1) {
      const middle = (lo + hi) >> 1
      if ((jumps[2 * middle] ?? 0) <= row) lo = middle
      else hi = middle
    }
    return (jumps[2 * lo + 1] ?? 0) + row - (jumps[2 * lo] ?? 0)
  }
}

/** A few bytes are copied faster one by one than by a call; gives where they end. */
function copied(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  let o = at
  for (let i = start; i < end; i++) to[o++] = from[i] ?? 0
  return o
}
