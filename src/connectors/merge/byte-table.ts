import { giveBack } from '../../model/bytes.ts'

/** Numbers of an entry: hash, where its bytes begin, where its key ends, and a note of whoever keeps the table. */
const width = 4

/** Four times as long: what is not touched takes no memory. That of the shorter one is given back. */
export function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(4 * array.length)
  longer.set(array)
  released(array)
  return longer
}

export function released(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  giveBack(array)
  return new Int32Array(0)
}

function hashOf(b: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (b[i] ?? 0), 0x01000193)
  return hash ^ (hash >>> 15)
}

/** Numbers keys from 0 by their bytes, in typed arrays. More bytes may follow a key: those that came with it first. */
export class ByteTable {
  count = 0
  bytes = Buffer.from(new ArrayBuffer(1 << 16))
  #used = 0
  /** Open addressing; a slot holds a number and one, 0: none. */
  #slots = new Int32Array(1 << 12)
  #entries = new Int32Array(width << 11)
  #found = new Int32Array(64)

  /** The number of the key from `from` to `to`; it is new where `count` grows. */
  numberOf(b: Buffer, from: number, to: number, end = to): number {
    const hash = hashOf(b, from, to)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const known = (this.#slots[slot] ?? 0) - 1
      if (known === -1) return this.#add(slot, hash, b, from, to, end)
      if (this.#entries[width * known] === hash && this.#isKey(known, b, from, to)) return known
      slot = (slot + 1) & mask
    }
  }

  /**
   * Brings what looking up these keys needs near the processor, all at once: one after the other, each would wait for memory several times.
   */
  warm(b: Buffer, starts: Int32Array, ends: Int32Array, count: number): void {
    const [{ bytes }, slots, entries, found] = [this, this.#slots, this.#entries, this.#found]
    const mask = slots.length - 1
    for (let i = 0; i < count; i++) found[i] = slots[hashOf(b, starts[i] ?? 0, ends[i] ?? 0) & mask] ?? 0
    for (let i = 0; i < count; i++) found[i] = (found[i] ?? 0) > 0 ? (entries[width * (found[i] ?? 0) - 3] ?? 0) : 0
    for (let i = 0; i < count; i++) found[i] = bytes[found[i] ?? 0] ?? 0
  }

  /** Bytes of memory that it uses. */
  get size(): number {
    return this.#used + 4 * width * this.count + this.#slots.byteLength
  }

  /** As many words as there are keys, of memory that is needed for nothing but looking up a key: after this there is only `clear`. */
  words(): BigUint64Array {
    return new BigUint64Array(this.#slots.buffer, 0, this.count)
  }

  startOf(number: number): number {
    return this.#entries[width * number + 1] ?? 0
  }

  keyEndOf(number: number): number {
    return this.#entries[width * number + 2] ?? 0
  }

  endOf(number: number): number {
    return number + 1 < this.count ? this.startOf(number + 1) : this.#used
  }

  noteOf(number: number): number {
    return this.#entries[width * number + 3] ?? 0
  }

  note(number: number, value: number): void {
    this.#entries[width * number + 3] = value
  }

  /** Whether just these bytes follow the key. */
  isFollowedBy(number: number, b: Buffer, from: number, to: number): boolean {
    return this.#isSame(this.keyEndOf(number), this.endOf(number), b, from, to)
  }

  clear(): void {
    this.#slots.fill(0)
    this.count = this.#used = 0
  }

  /** Gives the memory back at once, whenever the collector comes. Nothing can be asked any more. */
  release(): void {
    this.#slots = released(this.#slots)
    this.#entries = released(this.#entries)
    giveBack(this.bytes)
    this.bytes = Buffer.from(new ArrayBuffer(0))
  }

  #isKey(number: number, b: Buffer, from: number, to: number): boolean {
    return this.#isSame(this.startOf(number), this.keyEndOf(number), b, from, to)
  }

  #isSame(start: number, end: number, b: Buffer, from: number, to: number): boolean {
    if (end - start !== to - from) return false
    const { bytes } = this
    for (let i = start, other = from; i < end; i++, other++) if (bytes[i] !== b[other]) return false
    return true
  }

  #add(slot: number, hash: number, b: Buffer, from: number, to: number, end: number): number {
    const number = this.count++
    const used = this.#used + end - from
    if (used > this.bytes.length) this.#growBytes(4 * used)
    b.copy(this.bytes, this.#used, from, end)
    if (width * this.count > this.#entries.length) this.#entries = grown(this.#entries)
    const entry = width * number
    this.#entries[entry] = hash
    this.#entries[entry + 1] = this.#used
    this.#entries[entry + 2] = this.#used + to - from
    this.#entries[entry + 3] = 0
    this.#used = used
    this.#slots[slot] = this.count
    if (this.count * 2 > this.#slots.length) this.#rehash()
    return number
  }

  #growBytes(size: number): void {
    const bytes = Buffer.from(new ArrayBuffer(size))
    this.bytes.copy(bytes, 0, 0, this.#used)
    giveBack(this.bytes)
    this.bytes = bytes
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length)
    const mask = this.#slots.length - 1
    for (let number = 0; number < this.count; number++) {
      let slot = (this.#entries[width * number] ?? 0) & mask
      while ((this.#slots[slot] ?? 0) !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = number + 1
    }
  }
}
