import { copy, lower } from '../../model/bytes.ts'
import { placeNumber } from '../../model/place.ts'
import type { PlainAccount } from '../../model/plain-account.ts'
import type { RecordForm, RecordTaker } from '../connector.ts'
import { longestRow } from '../merge/row-groups.ts'
import type { WaitingRows } from '../merge/waiting-rows.ts'
import { plainCells } from './plain-cells.ts'
import { PlainCut } from './plain-cut.ts'
import { joined } from './plain-records.ts'

/** Ends the key, and each cell in a head and a tail; no plain cell holds it. */
export const unit = 31
/** Longer records are left to the mapping proper: no cell is in more than the key and the head. */
const longest = longestRow / 4

/** Which columns of a source go where; for one of its files, which may have them in another order. */
export interface RowLayout {
  readonly plain: PlainAccount
  /** What is the same in all rows of an account, besides the key: the head. */
  readonly single: readonly number[]
  /** What is united: the tail. */
  readonly lists: readonly number[]
  readonly native: readonly number[]
}

/** Takes plain rows of a file, to wait for others of their account. */
export class PlainRow implements RecordTaker {
  readonly #layout: RowLayout
  readonly #file: number
  readonly #cut: PlainCut
  readonly #rows: WaitingRows
  /** Those of the native identity that are no texts. */
  readonly #typed: readonly { readonly column: number; accepts(b: Buffer, start: number, end: number): boolean }[]
  constructor(layout: RowLayout, width: number, form: RecordForm, rows: WaitingRows) {
    this.#layout = layout
    this.#file = form.file
    this.#cut = new PlainCut(width, form.separator, form.quote)
    this.#rows = rows
    this.#typed = layout.native.flatMap((column, part) => {
      const accepts = plainCells[layout.plain.kinds[layout.plain.native[part] ?? -1] ?? 'text']
      return accepts === undefined ? [] : [{ column, accepts }]
    })
  }

  take(b: Buffer, from: number, line: number): number {
    const next = this.#cut.next(b, from)
    if (next === -1 || next - from > longest || !this.#isNamed(b)) return -1
    const { single, lists, native, plain } = this.#layout
    const { starts, ends } = this.#cut
    const { bytes, at } = this.#rows
    const keyEnd = joined(b, starts, ends, native, bytes, at)
    if (plain.ignoreCase) lower(bytes, at, keyEnd)
    bytes[keyEnd] = unit
    const headEnd = this.#cells(b, single, bytes, keyEnd + 1)
    const end = this.#cells(b, lists, bytes, headEnd)
    this.#rows.add(keyEnd, headEnd, end, placeNumber(this.#file, line))
    return next
  }

  #isNamed(b: Buffer): boolean {
    const { starts, ends } = this.#cut
    for (const column of this.#layout.native) if (starts[column] === ends[column]) return false
    for (const { column, accepts } of this.#typed) if (!accepts(b, starts[column] ?? 0, ends[column] ?? 0)) return false
    return true
  }

  #cells(b: Buffer, columns: readonly number[], out: Buffer, from: number): number {
    const { starts, ends } = this.#cut
    let o = from
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] ?? 0
      o = copy(b, starts[column] ?? 0, ends[column] ?? 0, out, o)
      out[o++] = unit
    }
    return o
  }
}
