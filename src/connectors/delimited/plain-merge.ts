import type { AccountPacker } from '../../model/account-packer.ts'
import { copy } from '../../model/bytes.ts'
import { compilePlainAccount, type PlainAccount, united } from '../../model/plain-account.ts'
import type { RawValue } from '../../model/value.ts'
import type { RecordForm, RecordTaker } from '../connector.ts'
import {
  type GroupBytes,
  groupStart,
  hasSameHead,
  headEndOf,
  headless,
  keyEndOf,
  ownHead,
  rowCountOf,
  rowStart,
  sizeOf,
} from '../merge/group-bytes.ts'
import type { PlainRows } from '../merge/packing.ts'
import type { Group, WaitingRows } from '../merge/waiting-rows.ts'
import type { AccountMeaning } from '../packing.ts'
import { PlainRecords } from './plain-records.ts'
import { PlainRow, unit } from './plain-row.ts'

/** Larger groups are left to the mapping proper. */
const largest = 32 * 1024
/** Instead of a column. */
const none = -1

/** Rows of accounts that are plain, as `PlainRecords` has it: taken, and put together, as bytes. */
export class PlainMerge implements PlainRows {
  readonly #meaning: AccountMeaning
  readonly #rows: WaitingRows
  readonly #packer: AccountPacker
  #source: PlainSource | undefined

  constructor(meaning: AccountMeaning, rows: WaitingRows, packer: AccountPacker) {
    this.#meaning = meaning
    this.#rows = rows
    this.#packer = packer
  }

  /** Who takes the rows of a file. The first one says in which order the columns are. */
  readonly taker = (columns: readonly string[], form: RecordForm): RecordTaker | undefined => {
    if (form.file === 0) {
      const { application, identity } = this.#meaning
      const plain = compilePlainAccount(application, columns, identity)
      this.#source = plain && new PlainSource(plain, columns, form, this.#packer)
    }
    return this.#source?.taker(columns, form, this.#rows)
  }

  pack(group: Group): boolean {
    return this.#source?.pack(group) ?? false
  }

  valuesOf(row: Buffer): readonly RawValue[] {
    return this.#source?.valuesOf(row) ?? []
  }
}

/** A source whose definition is plain. */
class PlainSource {
  readonly #plain: PlainAccount
  readonly #columns: readonly string[]
  /** What the key and the cells of the head are. */
  readonly #single: readonly number[]
  readonly #lists: readonly { readonly column: number; readonly separator: number }[]
  readonly #one: PlainRecords
  readonly #several: PlainRecords
  readonly #record = Buffer.allocUnsafeSlow(largest)

  constructor(plain: PlainAccount, columns: readonly string[], form: RecordForm, packer: AccountPacker) {
    const several = united(plain, unit)
    this.#plain = plain
    this.#columns = columns
    // a key that is one cell as it stands need not be there twice
    const inKey = plain.native.length === 1 && !plain.ignoreCase ? (plain.native[0] ?? none) : none
    this.#single = [
      inKey,
      ...plain.kinds.flatMap((kind, column) =>
        kind === 'list' || column === inKey || plain.unused.has(column) ? [] : [column],
      ),
    ]
    this.#lists = plain.kinds.flatMap((kind, column) => {
      const separator = several.entitlements.find((one) => one.column === column)?.split ?? unit
      return kind === 'list' ? [{ column, separator }] : []
    })
    this.#one = new PlainRecords(plain, packer, form)
    this.#several = new PlainRecords(several, packer, form)
  }

  taker(columns: readonly string[], form: RecordForm, rows: WaitingRows): RecordTaker | undefined {
    // files of other columns are refused by whoever reads them
    if (this.#columns.some((name) => !columns.includes(name))) return undefined
    const here = (column: number): number => columns.indexOf(this.#columns[column] ?? '')
    const layout = {
      plain: this.#plain,
      single: this.#single.slice(1).map(here),
      lists: this.#lists.map(({ column }) => here(column)),
      native: this.#plain.native.map(here),
    }
    return new PlainRow(layout, columns.length, form, rows)
  }

  pack(group: Group): boolean {
    const [first] = group
    const from = headEndOf(first)
    if (from === keyEndOf(first) || !isAlike(group)) return false
    const records = group.length === 1 && rowCountOf(first) === 1 ? this.#one : this.#several
    const end = this.#writeLists(group, records.cells, this.#writeHead(first, records.cells))
    const [file, line] = [first.bytes.readUInt32LE(from), first.bytes.readUInt32LE(from + 4)]
    return records.pack(this.#record, end, file, line, 0, 0)
  }

  valuesOf(row: Buffer): readonly RawValue[] {
    const values: RawValue[] = []
    const cells = row.toString('latin1').split(String.fromCharCode(unit))
    const columns = [...this.#single, ...this.#lists.map(({ column }) => column)]
    for (const [index, column] of columns.entries()) if (column !== none) values[column] = cells[index]
    return values
  }

  /** Gives where the cells end. */
  #writeHead(group: GroupBytes, { starts, ends }: PlainRecords['cells']): number {
    const record = this.#record
    const end = copy(group.bytes, group.at + groupStart, headEndOf(group), record, 0)
    let from = 0
    for (let i = 0; i < this.#single.length; i++) {
      const column = this.#single[i] ?? none
      if (column !== none) starts[column] = from
      while (record[from] !== unit) from++
      if (column !== none) ends[column] = from
      from++
    }
    return end
  }

  /** Each list's cells of all rows as one cell; gives where the last one ends. */
  #writeLists(group: Group, { starts, ends }: PlainRecords['cells'], from: number): number {
    let o = from
    for (let index = 0; index < this.#lists.length; index++) {
      const { column = 0, separator = unit } = this.#lists[index] ?? {}
      starts[column] = o
      for (const part of group) o = copyCells(part, index, separator, this.#record, o)
      ends[column] = o - 1
    }
    return o
  }
}

/** All rows have the same head. */
function isAlike(group: Group): boolean {
  const [first] = group
  let size = 0
  for (const part of group) {
    size += sizeOf(part)
    if (size > largest || (part !== first && !hasSameHead(part, first))) return false
    const { bytes } = part
    let at = headEndOf(part)
    for (let left = rowCountOf(part); left > 0; left--) {
      const length = bytes.readUInt32LE(at + 8)
      const first = length === 0 ? unit : bytes[at + rowStart]
      if (first === ownHead || first === headless) return false
      at += rowStart + length
    }
  }
  return true
}

/** The cell with this index in each row's tail, with a separator behind each; gives where they end. */
function copyCells(group: GroupBytes, index: number, separator: number, out: Buffer, from: number): number {
  const { bytes } = group
  let o = from
  let at = headEndOf(group)
  for (let left = rowCountOf(group); left > 0; left--) {
    let cell = at + rowStart
    at = cell + bytes.readUInt32LE(at + 8)
    for (let before = index; before > 0; cell++) if (bytes[cell] === unit) before--
    while (bytes[cell] !== unit) out[o++] = bytes[cell++] ?? 0
    out[o++] = separator
  }
  return o
}
