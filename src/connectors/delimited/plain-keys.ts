import { copyAll } from '../../model/bytes.ts'
import { evenOut } from '../../model/normalize.ts'
import type { PlainAccount } from '../../model/plain-account.ts'

const [quote, comma, opening, closing, space] = [34, 44, 91, 93, 32]
const textNull = Buffer.from('null')

interface Cells {
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** A plain record's values for the correlation rules, evened out: a JSON array. */
export class PlainKeys {
  readonly #keys: readonly (PlainAccount['keys'][number] & { readonly byBytes: boolean })[]

  constructor(keys: PlainAccount['keys']) {
    this.#keys = keys.map((one) => ({
      ...one,
      byBytes: one.rule.normalize.length === 0 && one.rule.ignoreValues.length === 0,
    }))
  }

  /** Where what it wrote ends. */
  write(b: Buffer, { starts, ends }: Cells, out: Buffer, from: number): number {
    let o = from
    out[o++] = opening
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys[i]
      if (key === undefined) break
      if (i > 0) out[o++] = comma
      let [start, end] = [starts[key.column] ?? 0, ends[key.column] ?? 0]
      while (start < end && b[start] === space) start++
      while (start < end && b[end - 1] === space) end--
      if (start === end) o = copyAll(textNull, out, o)
      else if (key.byBytes) o = quoted(b, start, end, key.rule.ignoreCase, out, o)
      else o += out.write(JSON.stringify(evenOut(key.rule, b.toString('latin1', start, end)) ?? null), o, 'latin1')
    }
    out[o++] = closing
    return o
  }
}

function quoted(b: Buffer, start: number, end: number, lowered: boolean, out: Buffer, at: number): number {
  let o = at
  out[o++] = quote
  for (let i = start; i < end; i++) {
    const byte = b[i] ?? 0
    out[o++] = lowered && byte >= 65 && byte <= 90 ? byte + 32 : byte
  }
  out[o++] = quote
  return o
}
