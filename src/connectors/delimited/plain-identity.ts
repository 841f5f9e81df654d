import { crc32 } from 'node:zlib'
import { rowCrc, rowEnds } from '../../model/account-block.ts'
import { normalize } from '../../model/normalize.ts'
import type { PlainAccount } from '../../model/plain-account.ts'
import type { PlainDraft } from '../../model/plain-draft.ts'
import type { Normalization } from '../../model/value.ts'
import { copy, isText } from './plain-values.ts'

const [quote, comma, opening, closing, unit] = [34, 44, 123, 125, 31]
const person = Buffer.from('person')

interface Cells {
  readonly starts: Int32Array
  readonly ends: Int32Array
}

interface Attribute {
  readonly prefix: Buffer
  readonly source: Buffer
  readonly columns: readonly { readonly column: number; readonly quoted: boolean }[]
  readonly normalize: readonly Normalization[]
}

/** What a plain record gives a new identity, written behind the texts of the account. */
export class PlainIdentity {
  readonly perByte: number
  readonly besides: number
  readonly #draft: PlainDraft
  readonly #attributes: readonly Attribute[]
  readonly #statuses: readonly [yes: Buffer, no: Buffer]
  readonly #equals: Buffer | undefined

  constructor(draft: PlainDraft, kinds: PlainAccount['kinds']) {
    this.#draft = draft
    this.#attributes = draft.attributes.map(({ name, columns, normalize: steps }) => ({
      prefix: Buffer.from(`${JSON.stringify(name)}:`),
      source: Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(draft.application)}`),
      columns: columns.map((column) => ({
        column,
        quoted: kinds[column] === 'text' || kinds[column] === 'date',
      })),
      normalize: steps,
    }))
    const { yes, no, by } = draft.status
    this.#statuses = [Buffer.from(yes), Buffer.from(no)]
    this.#equals = 'equals' in by ? Buffer.from(by.equals) : undefined
    this.perByte = 2 * draft.attributes.length + 4
    this.besides = 64 + 4 * this.#attributes.reduce((sum, { source }) => sum + source.length + 8, 0)
  }

  /** The texts from `from` on, their ends and their checksum; gives where the last one ends. `shown`: the native identity as written. */
  write(
    b: Buffer,
    cells: Cells,
    flags: number,
    shown: readonly [from: number, to: number],
    { out, rows, ending, from }: { out: Buffer; rows: Int32Array; ending: number; from: number },
  ): number {
    const { starts, ends } = cells
    const [yes, no] = this.#statuses
    const status = this.#isSo(b, cells, flags) ? yes : no
    const name = this.#draft.name.find((column) => starts[column] !== ends[column])
    const nameTo =
      name === undefined ? copy(out, ...shown, out, from) : copy(b, starts[name] ?? 0, ends[name] ?? 0, out, from)
    const statusTo = copy(status, 0, status.length, out, nameTo)
    const attributesTo = this.#attributesJson(b, cells, out, statusTo)
    const end = this.#sourcesJson(cells, out, attributesTo)
    for (const [index, to] of [nameTo, statusTo, attributesTo, end, end].entries()) rows[ending + 9 + index] = to
    // what the checksum is over, behind the row
    let o = copy(out, from, nameTo, out, end)
    out[o++] = unit
    o = copy(person, 0, person.length, out, o)
    out[o++] = unit
    o = copy(out, nameTo, statusTo, out, o)
    out[o++] = unit
    o = copy(out, statusTo, attributesTo, out, o)
    out[o++] = unit
    o = copy(out, attributesTo, end, out, o)
    rows[ending - rowEnds + rowCrc] = crc32(out.subarray(end, o))
    return end
  }

  #isSo(b: Buffer, { starts, ends }: Cells, flags: number): boolean {
    const { by } = this.#draft.status
    if ('flag' in by) return ((flags & bitOf[by.flag]) !== 0) !== by.negated
    return isText(b, starts[by.column] ?? 0, ends[by.column] ?? 0, this.#equals ?? person) !== by.negated
  }

  #attributesJson(b: Buffer, { starts, ends }: Cells, out: Buffer, from: number): number {
    let o = from
    out[o++] = opening
    for (const { prefix, columns, normalize: steps } of this.#attributes) {
      const first = columns.find(({ column }) => starts[column] !== ends[column])
      if (first === undefined) continue
      const [start, end] = [starts[first.column] ?? 0, ends[first.column] ?? 0]
      if (o > from + 1) out[o++] = comma
      o = copy(prefix, 0, prefix.length, out, o)
      if (first.quoted) out[o++] = quote
      if (first.quoted && steps.length > 0)
        o += out.write(normalize(b.toString('latin1', start, end), steps), o, 'latin1')
      else o = copy(b, start, end, out, o)
      if (first.quoted) out[o++] = quote
    }
    out[o++] = closing
    return o
  }

  #sourcesJson({ starts, ends }: Cells, out: Buffer, from: number): number {
    let o = from
    out[o++] = opening
    for (const { source, columns } of this.#attributes) {
      if (!columns.some(({ column }) => starts[column] !== ends[column])) continue
      if (o > from + 1) out[o++] = comma
      o = copy(source, 0, source.length, out, o)
    }
    out[o++] = closing
    return o
  }
}

const bitOf = { disabled: 1, locked: 2, never: 0 } as const
