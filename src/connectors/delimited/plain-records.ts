import {
  digestBytes,
  endOfText,
  hasMac,
  hasText,
  type PackedText,
  rowAttrs,
  rowInts,
} from '../../model/account-block.ts'
import type { AccountPacker } from '../../model/account-packer.ts'
import { copy, copyAll, isText, lower } from '../../model/bytes.ts'
import { compilePlainAccount, type PlainAccount, type PlainFlag } from '../../model/plain-account.ts'
import { usualUse } from '../../model/staged-account.ts'
import type { ReadOptions, RecordForm, RecordTaker } from '../connector.ts'
import type { AccountMeaning } from '../packing.ts'
import { plainCells, plainTruth } from './plain-cells.ts'
import { PlainCut } from './plain-cut.ts'
import { PlainIdentity } from './plain-identity.ts'
import { PlainKeys } from './plain-keys.ts'
import { PlainValues } from './plain-values.ts'

/** Longer records are left to the mapping proper. */
const longest = 8192
const [quote, comma, opening, closing] = [34, 44, 123, 125]
const textNull = Buffer.from('null')
/** The end of what the content hash begins with, by the flags: disabled, locked, no times. */
const ofFlags = [0, 1, 2, 3].map((flags) => Buffer.from(`,${(flags & 1) !== 0},${(flags & 2) !== 0},{}]`))

const endsOf = (...names: PackedText[]): number[] => names.map(endOfText)
const [nativeEnd = 0, shownEnd = 0, uuidEnd = 0, displayEnd = 0, useEnd = 0, ownerEnd = 0, timesEnd = 0, keysEnd = 0] =
  endsOf('native', 'shown', 'uuid', 'display', 'use', 'owner', 'times', 'keys')
const [inameEnd = 0, ierrorEnd = 0, grantsEnd = 0, attrsEnd = 0] = endsOf('iname', 'ierror', 'grants', 'attrs')
const bitsOf = (...names: PackedText[]): number[] => names.map(hasText)
const [
  nativeText = 0,
  shownText = 0,
  uuidText = 0,
  displayText = 0,
  useText = 0,
  ownerText = 0,
  keysText = 0,
  grantsText = 0,
  attrsText = 0,
] = bitsOf('native', 'shown', 'uuid', 'display', 'use', 'owner', 'keys', 'grants', 'attrs')
const identityTexts = bitsOf('iname', 'istatus', 'iattrs', 'isources').reduce((all, bit) => all | bit)

/** A flag with its text as bytes. */
interface Flag extends PlainFlag {
  readonly text: Buffer | undefined
}

/** Takes records whose definition and bytes are plain. */
export const plainTaker =
  ({ application, identity }: AccountMeaning, packer: AccountPacker): NonNullable<ReadOptions['taker']> =>
  (columns, form) => {
    const plain = compilePlainAccount(application, columns, identity)
    return plain && new PlainRecords(plain, packer, form)
  }

/** Packs records straight from their bytes, as long as these are plain; what they become is what `stagedAccount` makes of them. */
export class PlainRecords implements RecordTaker {
  readonly #file: number
  readonly #plain: PlainAccount
  readonly #packer: AccountPacker
  readonly #cut: PlainCut
  readonly #values: PlainValues
  readonly #identity: PlainIdentity | undefined
  readonly #attributes: readonly { readonly column: number; readonly prefix: Buffer; readonly quoted: boolean }[]
  readonly #typed: readonly { readonly column: number; accepts(b: Buffer, start: number, end: number): boolean }[]
  readonly #display: readonly (Buffer | number)[]
  readonly #flags: readonly (Flag | undefined)[]
  /** Empty: the usual one. */
  readonly #use: Buffer
  readonly #useInHead: Buffer
  readonly #keys: PlainKeys | undefined
  /** What a row takes at most: so much for each byte of the record, and besides. */
  readonly #perByte: number
  readonly #besides: number

  constructor(plain: PlainAccount, packer: AccountPacker, form: RecordForm) {
    this.#file = form.file
    this.#plain = plain
    this.#packer = packer
    this.#cut = new PlainCut(plain.kinds.length, form.separator, form.quote)
    this.#values = new PlainValues(packer, plain.entitlements)
    this.#identity = plain.draft && new PlainIdentity(plain.draft, plain.kinds)
    this.#attributes = plain.attributes.map(({ name, column }) => ({
      column,
      prefix: Buffer.from(`${JSON.stringify(name)}:`),
      quoted: plain.kinds[column] === 'text' || plain.kinds[column] === 'date',
    }))
    this.#typed = plain.kinds.flatMap((kind, column) => {
      const accepts = plainCells[kind]
      return accepts === undefined ? [] : [{ column, accepts }]
    })
    this.#display = plain.display.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
    this.#flags = [plain.disabled, plain.locked].map(
      (flag) => flag && { ...flag, text: flag.equals === undefined ? undefined : Buffer.from(flag.equals) },
    )
    this.#use = Buffer.from(plain.use === usualUse ? '' : plain.use)
    this.#useInHead = Buffer.from(`,${JSON.stringify(plain.use)},`)
    this.#keys = plain.keys.length === 0 ? undefined : new PlainKeys(plain.keys)
    const names = [...plain.attributes, ...plain.entitlements].reduce((sum, { name }) => sum + name.length + 8, 0)
    const literals = plain.display.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0)
    const longest = plain.entitlements.reduce((most, { name }) => Math.max(most, name.length), 0)
    // an entitlement takes a byte and its separator
    this.#perByte = 28 + longest + plain.display.length + 2 * plain.keys.length + (this.#identity?.perByte ?? 0)
    this.#besides = 1024 + 4 * (names + literals) + 4 * plain.keys.length + (this.#identity?.besides ?? 0)
  }

  take(b: Buffer, from: number, line: number, low: number, high: number): number {
    const next = this.#cut.next(b, from)
    return next !== -1 && this.pack(b, next - from, this.#file, line, low, high) ? next : -1
  }

  /** Where the cells of the record are that is to be packed. */
  get cells(): { readonly starts: Int32Array; readonly ends: Int32Array } {
    return this.#cut
  }

  /** Packs the record with these cells; false: it is not plain. `size`: of all cells together, at most. */
  pack(b: Buffer, size: number, file: number, line: number, low: number, high: number): boolean {
    if (size > longest || !this.#isPlain(b)) return false
    const flags = this.#flagsOf(b)
    if (flags === -1) return false
    this.#packer.reserve(this.#perByte * size + this.#besides)
    this.#write(b, file, line, flags, low, high)
    return true
  }

  #isPlain(b: Buffer): boolean {
    const { starts, ends } = this.#cut
    for (const column of this.#plain.needed) if (starts[column] === ends[column]) return false
    for (const { column, accepts } of this.#typed) {
      const [start, end] = [starts[column] ?? 0, ends[column] ?? 0]
      if (start !== end && !accepts(b, start, end)) return false
    }
    return true
  }

  /** The flags as a number; -1 where a cell does not say it plainly. */
  #flagsOf(b: Buffer): number {
    const { starts, ends } = this.#cut
    let flags = 0
    for (let i = 0; i < this.#flags.length; i++) {
      const flag = this.#flags[i]
      if (flag === undefined) continue
      const [start, end] = [starts[flag.column] ?? 0, ends[flag.column] ?? 0]
      const said = flag.text === undefined ? plainTruth(b, start, end) : isText(b, start, end, flag.text)
      if (said === undefined) return -1
      if (said !== flag.negated) flags |= 1 << i
    }
    return flags
  }

  #write(b: Buffer, file: number, line: number, flags: number, low: number, high: number): void {
    const packer = this.#packer
    const { bytes: out, rows, at } = packer
    const { starts, ends } = this.#cut
    const row = packer.rowCount * rowInts
    let has = this.#account(b, row)
    let end = rows[row + keysEnd] ?? 0
    for (let text = inameEnd; text < grantsEnd; text++) rows[row + text] = end
    if (this.#identity !== undefined) {
      has |= identityTexts
      const isLowered = (has & shownText) !== 0
      const shownFrom = isLowered ? (rows[row + nativeEnd] ?? 0) : at + digestBytes
      const shownTo = rows[row + (isLowered ? shownEnd : nativeEnd)] ?? 0
      end = this.#identity.write(b, this.#cut, flags, { out, rows, row, from: end, shownFrom, shownTo })
      rows[row + ierrorEnd] = end
    }
    this.#values.cut(b, starts, ends)
    if (packer.grants.count > 0) has |= grantsText
    end = rows[row + grantsEnd] = packer.writeGrants(end)
    end = this.#head(row, flags, end)
    out[end++] = 0
    rows[row + rowAttrs] = end
    end = rows[row + attrsEnd] = this.#attributesJson(b, end)
    out[end++] = 0
    end = this.#values.write(b, out, end)
    if ((low | high) !== 0) {
      has |= hasMac
      out.writeInt32LE(low, at + 16)
      out.writeInt32LE(high, at + 20)
    }
    packer.finish(file, line, has, flags, end)
  }

  /** The texts of the account up to its keys and where they end; gives which are there. */
  #account(b: Buffer, row: number): number {
    const { bytes: out, rows, at } = this.#packer
    const { uuid, owner, native, ignoreCase } = this.#plain
    const { starts, ends } = this.#cut
    const column = (index: number, from: number): number =>
      index === -1 ? from : copy(b, starts[index] ?? 0, ends[index] ?? 0, out, from)
    const from = at + digestBytes
    const nativeTo = joined(b, starts, ends, native, out, from)
    const isLowered = ignoreCase && lower(out, from, nativeTo)
    const shownTo = isLowered ? joined(b, starts, ends, native, out, nativeTo) : nativeTo
    const uuidTo = column(uuid, shownTo)
    let displayTo = uuidTo
    for (const part of this.#display)
      displayTo = typeof part === 'number' ? column(part, displayTo) : copyAll(part, out, displayTo)
    const useTo = copyAll(this.#use, out, displayTo)
    const ownerTo = column(owner, useTo)
    const keysTo = this.#keys === undefined ? ownerTo : this.#keys.write(b, this.#cut, out, ownerTo)
    rows[row + nativeEnd] = nativeTo
    rows[row + shownEnd] = shownTo
    rows[row + uuidEnd] = uuidTo
    rows[row + displayEnd] = displayTo
    rows[row + useEnd] = useTo
    // no times
    rows[row + ownerEnd] = rows[row + timesEnd] = ownerTo
    rows[row + keysEnd] = keysTo
    return (
      nativeText |
      (isLowered ? shownText : 0) |
      (uuidTo > shownTo ? uuidText : 0) |
      (displayTo > uuidTo ? displayText : 0) |
      (useTo > displayTo ? useText : 0) |
      (ownerTo > useTo ? ownerText : 0) |
      (keysTo > ownerTo ? keysText : 0) |
      attrsText
    )
  }

  /** What the content hash begins with. */
  #head(row: number, flags: number, from: number): number {
    const { bytes: out, rows, at } = this.#packer
    let o = from
    out[o++] = 91
    o = quotedText(out, at + digestBytes, rows[row + nativeEnd] ?? 0, o)
    out[o++] = comma
    o = quotedText(out, rows[row + shownEnd] ?? 0, rows[row + uuidEnd] ?? 0, o)
    out[o++] = comma
    o = quotedText(out, rows[row + uuidEnd] ?? 0, rows[row + displayEnd] ?? 0, o)
    o = copyAll(this.#useInHead, out, o)
    o = quotedText(out, rows[row + useEnd] ?? 0, rows[row + ownerEnd] ?? 0, o)
    return copyAll(ofFlags[flags] ?? textNull, out, o)
  }

  #attributesJson(b: Buffer, from: number): number {
    const out = this.#packer.bytes
    const { starts, ends } = this.#cut
    let o = from
    out[o++] = opening
    for (let i = 0; i < this.#attributes.length; i++) {
      const attribute = this.#attributes[i]
      if (attribute === undefined) break
      const [start, end] = [starts[attribute.column] ?? 0, ends[attribute.column] ?? 0]
      if (start === end) continue
      if (o > from + 1) out[o++] = comma
      o = copyAll(attribute.prefix, out, o)
      if (attribute.quoted) out[o++] = quote
      o = copy(b, start, end, out, o)
      if (attribute.quoted) out[o++] = quote
    }
    out[o++] = closing
    return o
  }
}

/** The columns' texts with a colon between. */
export function joined(
  b: Buffer,
  starts: Int32Array,
  ends: Int32Array,
  columns: readonly number[],
  out: Buffer,
  from: number,
): number {
  let o = from
  for (const column of columns) {
    if (o > from) out[o++] = 58
    o = copy(b, starts[column] ?? 0, ends[column] ?? 0, out, o)
  }
  return o
}

/** As JSON; null for no text. */
function quotedText(out: Buffer, from: number, to: number, at: number): number {
  if (from === to) return copyAll(textNull, out, at)
  let o = at
  out[o++] = quote
  o = copy(out, from, to, out, o)
  out[o++] = quote
  return o
}
