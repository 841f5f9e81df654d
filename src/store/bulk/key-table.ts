import { randomInt } from 'node:crypto'
import { copy, giveBack } from '../../model/bytes.ts'

/**
 * Keys as bytes, each once, numbered from 0 as they come. Open addressing; a hash only says where to look: who is found has the same bytes.
 */
export class KeyTable {
  readonly #most: number
  readonly #bytes: Buffer<ArrayBuffer>
  /** Where each begins; the next one begins where it ends. */
  readonly #starts: Int32Array<ArrayBuffer>
  /** Numbers from 1; 0 is free. */
  readonly #slots: Int32Array<ArrayBuffer>
  /** Nobody outside can make keys that all go to one place. */
  readonly #seed = randomInt(2 ** 32) | 0
  #size = 0

  /** Room for `most` keys of `room` bytes together. Memory that is not written to is not taken. */
  constructor(most: number, room: number) {
    this.#most = most
    this.#bytes = Buffer.allocUnsafeSlow(room)
    this.#starts = new Int32Array(most + 1)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(1.35 * most + 1)))
  }

  get size(): number {
    return this.#size
  }

  hasRoom(keys: number, bytes: number): boolean {
    return this.#size + keys <= this.#most && (this.#starts[this.#size] ?? 0) + bytes <= this.#bytes.length
  }

  /** The key's number, which may be a new one. @throws Error where `hasRoom` says so */
  add(from: Buffer, start: number, end: number): number {
    const slot = this.#slotOf(from, start, end)
    const known = (this.#slots[slot] ?? 0) - 1
    if (known >= 0) return known
    if (this.#size === this.#most) throw new Error('there are more keys than there is room for')
    const n = this.#size++
    this.#starts[n + 1] = copy(from, start, end, this.#bytes, this.#starts[n] ?? 0)
    this.#slots[slot] = n + 1
    return n
  }

  /** -1: it is not there. */
  find(from: Buffer, start: number, end: number): number {
    return (this.#slots[this.#slotOf(from, start, end)] ?? 0) - 1
  }

  text(n: number): string {
    return this.#bytes.toString('utf8', this.#starts[n], this.#starts[n + 1])
  }

  release(): void {
    giveBack(this.#bytes, this.#starts, this.#slots)
  }

  /** Where it is, or would be. */
  #slotOf(from: Buffer, start: number, end: number): number {
    const [slots, mask] = [this.#slots, this.#slots.length - 1]
    let hash = this.#seed
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (from[i] ?? 0), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    let slot = (hash ^ (hash >>> 13)) & mask
    for (let there = slots[slot] ?? 0; there !== 0; there = slots[slot] ?? 0) {
      if (this.#isAt(there - 1, from, start, end)) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #isAt(n: number, from: Buffer, start: number, end: number): boolean {
    const [bytes, at] = [this.#bytes, this.#starts[n] ?? 0]
    if ((this.#starts[n + 1] ?? 0) - at !== end - start) return false
    for (let i = start, o = at; i < end; i++, o++) if (bytes[o] !== from[i]) return false
    return true
  }
}
