import { createHash } from 'node:crypto'
import { type AccountBlock, digestBytes, endOfText, rowInts, rowStart } from '../../model/account-block.ts'
import { copy, copyAll } from '../../model/bytes.ts'

const [nativeEnd, keysEnd, inameEnd] = (['native', 'keys', 'iname'] as const).map(endOfText) as [number, number, number]
const [before, between, after] = ['create ', '  created ', '\n'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
]
const hexDigits = Buffer.from('0123456789ABCDEF')
const [space, hashBytes] = [32, 16]

/**
 * The lines of `planLines` for a read of which every row is a new account with an identity of its own, hashed while the rows are staged:
 * reading them again takes longer.
 */
export class OwnLines {
  readonly #hash = createHash('sha256')
  #text = Buffer.allocUnsafeSlow(1 << 16)
  #end = 0

  add({ bytes, rows, rowCount }: AccountBlock): void {
    for (let row = 0; row < rowCount * rowInts; row += rowInts) {
      const start = rows[row + rowStart] ?? 0
      const [native, name] = [rows[row + nativeEnd] ?? 0, rows[row + inameEnd] ?? 0]
      this.#reserve(name - start)
      const text = this.#text
      let o = copy(bytes, start + digestBytes, native, text, copyAll(before, text, this.#end))
      text[o++] = space
      for (let i = start; i < start + hashBytes; i++) {
        const byte = bytes[i] ?? 0
        text[o++] = hexDigits[byte >> 4] ?? 0
        text[o++] = hexDigits[byte & 15] ?? 0
      }
      o = copy(bytes, rows[row + keysEnd] ?? 0, name, text, copyAll(between, text, o))
      this.#end = copyAll(after, text, o)
    }
  }

  /** SHA-256 (hex); once, after the last row. */
  digest(): string {
    return this.#hash.update(this.#text.subarray(0, this.#end)).digest('hex')
  }

  #reserve(length: number): void {
    const needed = length + 2 * hashBytes + before.length + between.length + after.length + 1
    if (this.#end + needed <= this.#text.length) return
    this.#hash.update(this.#text.subarray(0, this.#end))
    this.#end = 0
    if (needed > this.#text.length) this.#text = Buffer.allocUnsafeSlow(needed)
  }
}
