import type { AccountPacker } from '../../model/account-packer.ts'
import { copy } from '../../model/bytes.ts'
import type { PlainEntitlement } from '../../model/plain-account.ts'

const space = 32

/** The distinct values of a record's entitlements, in order: kept as grants, and written as the content hash takes them. */
export class PlainValues {
  readonly #packer: AccountPacker
  readonly #entitlements: readonly (PlainEntitlement & { readonly id: number; readonly prefix: Buffer })[]
  /** How many values there are up to the end of each entitlement's. */
  readonly #tops: Int32Array
  #starts = new Int32Array(64)
  #ends = new Int32Array(64)
  #count = 0

  constructor(packer: AccountPacker, entitlements: readonly PlainEntitlement[]) {
    this.#packer = packer
    this.#tops = new Int32Array(entitlements.length)
    this.#entitlements = entitlements.map((one) => ({
      ...one,
      id: packer.interning.attribute(one.name),
      prefix: Buffer.from(`${one.name}\0`),
    }))
  }

  cut(b: Buffer, starts: Int32Array, ends: Int32Array): void {
    const { interning, grants } = this.#packer
    this.#count = 0
    for (let i = 0; i < this.#entitlements.length; i++) {
      const one = this.#entitlements[i]
      if (one === undefined) break
      const first = this.#count
      this.#cutCell(b, starts[one.column] ?? 0, ends[one.column] ?? 0, one)
      this.#tops[i] = this.#count
      for (let at = first; at < this.#count; at++)
        grants.add(interning.idOf(one.id, b, this.#starts[at] ?? 0, this.#ends[at] ?? 0))
    }
  }

  /** Where what it wrote ends. */
  write(b: Buffer, out: Buffer, from: number): number {
    let o = from
    let at = 0
    for (let i = 0; i < this.#entitlements.length; i++) {
      const prefix = this.#entitlements[i]?.prefix ?? b
      for (const top = this.#tops[i] ?? 0; at < top; at++) {
        // two NULs between values, one between name and value
        if (at > 0) {
          out[o++] = 0
          out[o++] = 0
        }
        o = copy(prefix, 0, prefix.length, out, o)
        o = copy(b, this.#starts[at] ?? 0, this.#ends[at] ?? 0, out, o)
      }
    }
    return o
  }

  #cutCell(b: Buffer, from: number, to: number, { multiple, split }: PlainEntitlement): void {
    if (from === to) return
    const first = this.#count
    let start = from
    if (!multiple) this.#insert(b, from, to, first)
    for (let i = multiple ? from : to + 1; i <= to; i++) {
      if (i < to && b[i] !== split) continue
      let end = i
      while (start < end && b[start] === space) start++
      while (start < end && b[end - 1] === space) end--
      if (start < end) this.#insert(b, start, end, first)
      start = i + 1
    }
  }

  /** In the order of their bytes, each once; `first`: of this entitlement. */
  #insert(b: Buffer, start: number, end: number, first: number): void {
    let at = this.#count
    for (; at > first; at--) {
      const order = compared(b, this.#starts[at - 1] ?? 0, this.#ends[at - 1] ?? 0, start, end)
      if (order === 0) return
      if (order < 0) break
    }
    if (this.#count === this.#starts.length) this.#grow()
    for (let i = this.#count; i > at; i--) {
      this.#starts[i] = this.#starts[i - 1] ?? 0
      this.#ends[i] = this.#ends[i - 1] ?? 0
    }
    this.#starts[at] = start
    this.#ends[at] = end
    this.#count++
  }

  #grow(): void {
    const [starts, ends] = [new Int32Array(this.#count * 2), new Int32Array(this.#count * 2)]
    starts.set(this.#starts)
    ends.set(this.#ends)
    this.#starts = starts
    this.#ends = ends
  }
}

function compared(b: Buffer, start: number, end: number, otherStart: number, otherEnd: number): number {
  let other = otherStart
  for (let i = start; i < end && other < otherEnd; i++, other++) {
    const difference = (b[i] ?? 0) - (b[other] ?? 0)
    if (difference !== 0) return difference
  }
  return end - start - (otherEnd - otherStart)
}
