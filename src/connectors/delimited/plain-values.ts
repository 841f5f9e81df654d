import type { AccountPacker } from '../../model/account-packer.ts'
import type { PlainEntitlement } from '../../model/plain-account.ts'

const space = 32

/** The distinct values of a record's entitlements, in order; written as the content hash takes them and kept as grants. */
export class PlainValues {
  readonly #packer: AccountPacker
  readonly #entitlements: readonly (PlainEntitlement & { readonly id: number; readonly prefix: Buffer })[]
  /** Of one cell. */
  #starts = new Int32Array(64)
  #ends = new Int32Array(64)
  #count = 0

  constructor(packer: AccountPacker, entitlements: readonly PlainEntitlement[]) {
    this.#packer = packer
    this.#entitlements = entitlements.map((one) => ({
      ...one,
      id: packer.interning.attribute(one.name),
      prefix: Buffer.from(`${one.name}\0`),
    }))
  }

  /** Where what it wrote ends. */
  write(b: Buffer, starts: Int32Array, ends: Int32Array, out: Buffer, from: number): number {
    let o = from
    for (const { column, multiple, split, id, prefix } of this.#entitlements) {
      this.#cut(b, starts[column] ?? 0, ends[column] ?? 0, multiple, split)
      for (let i = 0; i < this.#count; i++) {
        const [start, end] = [this.#starts[i] ?? 0, this.#ends[i] ?? 0]
        // two NULs between values, one between name and value
        if (o > from) {
          out[o++] = 0
          out[o++] = 0
        }
        o = copy(prefix, 0, prefix.length, out, o)
        o = copy(b, start, end, out, o)
        this.#packer.grant(this.#packer.interning.idOf(id, b, start, end))
      }
    }
    return o
  }

  #cut(b: Buffer, from: number, to: number, multiple: boolean, split: number): void {
    this.#count = 0
    if (from === to) return
    let start = from
    if (!multiple) this.#insert(b, from, to)
    for (let i = multiple ? from : to + 1; i <= to; i++) {
      if (i < to && b[i] !== split) continue
      let end = i
      while (start < end && b[start] === space) start++
      while (start < end && b[end - 1] === space) end--
      if (start < end) this.#insert(b, start, end)
      start = i + 1
    }
  }

  /** In the order of their bytes, each once. */
  #insert(b: Buffer, start: number, end: number): void {
    let at = this.#count
    for (; at > 0; at--) {
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

/** A few bytes are copied faster one by one than by a call; gives where they end. */
export function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  let o = at
  for (let i = start; i < end; i++) to[o++] = from[i] ?? 0
  return o
}

export function isText(b: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (b[start + i] !== text[i]) return false
  return true
}
