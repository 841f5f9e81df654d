import { beforeAttributes, beforeSources, beforeStatus, endOfText } from '../../model/account-block.ts'
import { copy, copyAll, isText } from '../../model/bytes.ts'
import { normalize } from '../../model/normalize.ts'
import type { PlainAccount } from '../../model/plain-account.ts'
import type { PlainDraft } from '../../model/plain-draft.ts'
import type { Normalization } from '../../model/value.ts'

const [quote, comma, opening, closing] = [34, 44, 123, 125]
const [gapStatus, gapAttributes, gapSources] = [beforeStatus, beforeAttributes, beforeSources].map((text) =>
  Buffer.from(text),
) as [Buffer, Buffer, Buffer]
const [inameEnd, istatusEnd, iattrsEnd, isourcesEnd] = (['iname', 'istatus', 'iattrs', 'isources'] as const).map(
  endOfText,
) as [number, number, number, number]

interface Cells {
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** Where the texts go. */
interface IdentityPlace {
  readonly out: Buffer
  readonly rows: Int32Array
  readonly row: number
  readonly from: number
  readonly shownFrom: number
  readonly shownTo: number
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

  /** The texts from `from` on and their ends; gives where the last one ends. `row`: where its numbers begin; `shown`: the native identity as written. */
  write(b: Buffer, cells: Cells, flags: number, { out, rows, row, from, shownFrom, shownTo }: IdentityPlace): number {
    const { starts, ends } = cells
    const name = this.#nameColumn(cells)
    let o =
      name === -1 ? copy(out, shownFrom, shownTo, out, from) : copy(b, starts[name] ?? 0, ends[name] ?? 0, out, from)
    rows[row + inameEnd] = o
    const status = this.#statuses[this.#isSo(b, cells, flags) ? 0 : 1]
    o = copyAll(status, out, copyAll(gapStatus, out, o))
    rows[row + istatusEnd] = o
    o = this.#attributesJson(b, cells, out, copyAll(gapAttributes, out, o))
    rows[row + iattrsEnd] = o
    o = this.#sourcesJson(cells, out, copyAll(gapSources, out, o))
    rows[row + isourcesEnd] = o
    return o
  }

  #nameColumn({ starts, ends }: Cells): number {
    for (const column of this.#draft.name) if (starts[column] !== ends[column]) return column
    return -1
  }

  #isSo(b: Buffer, { starts, ends }: Cells, flags: number): boolean {
    const { by } = this.#draft.status
    if ('flag' in by) return ((flags & bitOf[by.flag]) !== 0) !== by.negated
    return isText(b, starts[by.column] ?? 0, ends[by.column] ?? 0, this.#equals ?? gapStatus) !== by.negated
  }

  #attributesJson(b: Buffer, cells: Cells, out: Buffer, from: number): number {
    const { starts, ends } = cells
    let o = from
    out[o++] = opening
    for (let i = 0; i < this.#attributes.length; i++) {
      const attribute = this.#attributes[i]
      if (attribute === undefined) break
      const first = firstColumn(attribute, cells)
      if (first === undefined) continue
      const [start, end] = [starts[first.column] ?? 0, ends[first.column] ?? 0]
      if (o > from + 1) out[o++] = comma
      o = copyAll(attribute.prefix, out, o)
      if (first.quoted) out[o++] = quote
      if (first.quoted && attribute.normalize.length > 0)
        o += out.write(normalize(b.toString('latin1', start, end), attribute.normalize), o, 'latin1')
      else o = copy(b, start, end, out, o)
      if (first.quoted) out[o++] = quote
    }
    out[o++] = closing
    return o
  }

  #sourcesJson(cells: Cells, out: Buffer, from: number): number {
    let o = from
    out[o++] = opening
    for (let i = 0; i < this.#attributes.length; i++) {
      const attribute = this.#attributes[i]
      if (attribute === undefined || firstColumn(attribute, cells) === undefined) continue
      if (o > from + 1) out[o++] = comma
      o = copyAll(attribute.source, out, o)
    }
    out[o++] = closing
    return o
  }
}

/** Of an attribute's columns the first that says something. */
function firstColumn({ columns }: Attribute, { starts, ends }: Cells): Attribute['columns'][number] | undefined {
  for (let i = 0; i < columns.length; i++) {
    const one = columns[i]
    if (one !== undefined && starts[one.column] !== ends[one.column]) return one
  }
  return undefined
}

const bitOf = { disabled: 1, locked: 2, never: 0 } as const
