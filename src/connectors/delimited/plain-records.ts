import { hash } from 'node:crypto'
import {
  digestBytes,
  hasKeysDigest,
  hasMac,
  hasText,
  packedTexts,
  rowCrc,
  rowEnds,
  rowInts,
} from '../../model/account-block.ts'
import type { AccountPacker } from '../../model/account-packer.ts'
import { evenOut } from '../../model/normalize.ts'
import { compilePlainAccount, type PlainAccount, type PlainFlag } from '../../model/plain-account.ts'
import type { ReadOptions, RecordForm, RecordTaker } from '../connector.ts'
import type { AccountMeaning } from '../packing.ts'
import { plainCells, plainTruth } from './plain-cells.ts'
import { PlainCut } from './plain-cut.ts'
import { PlainIdentity } from './plain-identity.ts'
import { copy, isText, PlainValues } from './plain-values.ts'

/** Longer records are left to the mapping proper. */
const longest = 8192
const [quote, comma, opening, closing] = [34, 44, 123, 125]
const textNull = Buffer.from('null')
/** The end of what the content hash begins with, by the flags: disabled, locked, no times. */
const ofFlags = [0, 1, 2, 3].map((flags) => Buffer.from(`,${(flags & 1) !== 0},${(flags & 2) !== 0},{}]`))

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
  readonly #use: Buffer
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
    this.#use = Buffer.from(plain.use)
    const names = [...plain.attributes, ...plain.entitlements].reduce((sum, { name }) => sum + name.length + 8, 0)
    const literals = plain.display.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0)
    this.#perByte = 16 + plain.display.length + 2 * plain.keys.length + (this.#identity?.perByte ?? 0)
    this.#besides = 1024 + 4 * (names + literals) + 4 * plain.keys.length + (this.#identity?.besides ?? 0)
  }

  take(b: Buffer, from: number, line: number, mac: string): number {
    const next = this.#cut.next(b, from)
    if (next === -1 || next - from > longest || !this.#isPlain(b)) return -1
    const flags = this.#flagsOf(b)
    if (flags === -1) return -1
    // an entitlement takes a byte and its separator
    this.#packer.reserve(this.#perByte * (next - from) + this.#besides, next - from)
    this.#write(b, line, flags, mac)
    return next
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

  #write(b: Buffer, line: number, flags: number, mac: string): void {
    const { bytes: out, rows, at } = this.#packer
    const ending = this.#packer.rowCount * rowInts + rowEnds
    let has = this.#account(b, ending)
    let end = rows[ending + 8] ?? 0
    for (let i = 9; i < packedTexts.length; i++) rows[ending + i] = end
    rows[ending - rowEnds + rowCrc] = 0
    if (this.#identity !== undefined) {
      has |= identityTexts
      const shown = ending + ((has & hasText('shown')) === 0 ? 0 : 1)
      const from = shown === ending ? at + digestBytes : (rows[ending] ?? 0)
      end = this.#identity.write(b, this.#cut, flags, [from, rows[shown] ?? 0], { out, rows, ending, from: end })
    }
    out.write(this.#contentHash(b, ending, end, flags).slice(0, 16), at, 'latin1')
    if (this.#plain.keys.length > 0) {
      has |= hasKeysDigest
      const keys = out.subarray(rows[ending + 7], rows[ending + 8])
      out.write(hash('sha256', keys, 'binary').slice(0, 8), at + 24, 'latin1')
    }
    if (mac !== '') {
      has |= hasMac
      out.write(mac.slice(0, 8), at + 16, 'latin1')
    }
    this.#packer.finish(this.#file, line, has, flags, end)
  }

  /** The texts of the account and where they end; gives which are there. */
  #account(b: Buffer, ending: number): number {
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
      displayTo = typeof part === 'number' ? column(part, displayTo) : copy(part, 0, part.length, out, displayTo)
    const useTo = copy(this.#use, 0, this.#use.length, out, displayTo)
    const ownerTo = column(owner, useTo)
    const attributesTo = this.#attributesJson(b, ownerTo)
    rows[ending] = nativeTo
    rows[ending + 1] = shownTo
    rows[ending + 2] = uuidTo
    rows[ending + 3] = displayTo
    rows[ending + 4] = useTo
    // no times
    rows[ending + 5] = rows[ending + 6] = ownerTo
    rows[ending + 7] = attributesTo
    rows[ending + 8] = attributesTo + out.write(this.#keysJson(b), attributesTo, 'latin1')
    return (
      base |
      (isLowered ? hasText('shown') : 0) |
      (uuidTo > shownTo ? hasText('uuid') : 0) |
      (displayTo > uuidTo ? hasText('display') : 0) |
      (ownerTo > useTo ? hasText('owner') : 0)
    )
  }

  /** Its text is made behind the row, where the next one will be written. */
  #contentHash(b: Buffer, ending: number, end: number, flags: number): string {
    const { bytes: out, rows, at } = this.#packer
    const { starts, ends } = this.#cut
    let o = end
    out[o++] = 91
    o = quotedText(out, at + digestBytes, rows[ending] ?? 0, o)
    // uuid, display name, use, owner
    for (let i = 2; i < 6; i++) {
      out[o++] = comma
      o = quotedText(out, rows[ending + i - 1] ?? 0, rows[ending + i] ?? 0, o)
    }
    o = copy(ofFlags[flags] ?? textNull, 0, ofFlags[flags]?.length ?? 0, out, o)
    out[o++] = 0
    o = copy(out, rows[ending + 6] ?? 0, rows[ending + 7] ?? 0, out, o)
    out[o++] = 0
    o = this.#values.write(b, starts, ends, out, o)
    return hash('sha256', out.subarray(end, o), 'binary')
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
      o = copy(attribute.prefix, 0, attribute.prefix.length, out, o)
      if (attribute.quoted) out[o++] = quote
      o = copy(b, start, end, out, o)
      if (attribute.quoted) out[o++] = quote
    }
    out[o++] = closing
    return o
  }

  #keysJson(b: Buffer): string {
    const { keys } = this.#plain
    if (keys.length === 0) return '[]'
    const { starts, ends } = this.#cut
    return JSON.stringify(
      keys.map(({ rule, column }) => evenOut(rule, b.toString('latin1', starts[column], ends[column])) ?? null),
    )
  }
}

const base = hasText('native') | hasText('use') | hasText('attrs') | hasText('keys')
const identityTexts = hasText('iname') | hasText('istatus') | hasText('iattrs') | hasText('isources')

/** The columns' texts with a colon between. */
function joined(
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

/** In place; false where there was nothing to change. */
function lower(out: Buffer, from: number, to: number): boolean {
  let changed = false
  for (let i = from; i < to; i++) {
    const byte = out[i] ?? 0
    if (byte < 65 || byte > 90) continue
    out[i] = byte + 32
    changed = true
  }
  return changed
}

/** As JSON; null for no text. */
function quotedText(out: Buffer, from: number, to: number, at: number): number {
  if (from === to) return copy(textNull, 0, 4, out, at)
  let o = at
  out[o++] = quote
  o = copy(out, from, to, out, o)
  out[o++] = quote
  return o
}
