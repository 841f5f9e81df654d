import { crc32 } from 'node:zlib'
import {
  type AccountBlock,
  digestBytes,
  hasKeysDigest,
  hasMac,
  hasText,
  packedTexts,
  rowCrc,
  rowEnds,
  rowFile,
  rowFlags,
  rowHas,
  rowInts,
  rowLine,
  rowStart,
} from './account-block.ts'
import { Interning } from './interning.ts'
import { placeParts } from './place.ts'
import type { StagedAccount } from './staged-account.ts'

const blockBytes = 1 << 20
const blockRows = 3000
const blockGrants = 24_000
const [inameText, ierrorText] = [hasText('iname'), hasText('ierror')]
/** The text before the identity's name. */
const keysIndex = packedTexts.indexOf('iname') - 1

/** Packs staged accounts into blocks. What is public is for the mapping over bytes, which writes its rows in place. */
export class AccountPacker {
  readonly interning = new Interning()
  bytes = Buffer.from(new ArrayBuffer(blockBytes))
  rows = new Int32Array(blockRows * rowInts)
  grants = new Int32Array(blockGrants * 2)
  /** Where the next row's bytes begin. */
  at = 0
  rowCount = 0
  grantCount = 0
  #before = 0
  #descents = 0
  #uuids = 0
  #unnamed = 0
  /** Where the last key is. */
  #last: Buffer = Buffer.alloc(0)
  #lastStart = 0
  #lastEnd = 0
  #done: AccountBlock[] = []
  #spare: AccountBlock[] = []

  add(account: StagedAccount): void {
    const texts = textsOf(account)
    const size = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0)
    const values = account.entitlements.reduce((most, { value }) => Math.max(most, value.length), 0)
    this.reserve(digestBytes + 3 * (size + values), account.entitlements.length)
    const { bytes, rows, at } = this
    const row = this.rowCount * rowInts
    let has = 0
    let end = at + digestBytes
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]
      if (text !== null && text !== undefined) {
        has |= 1 << i
        end += bytes.write(text, end)
      }
      rows[row + rowEnds + i] = end
    }
    account.hash.copy(bytes, at)
    if (account.mac !== null) has |= hasMac
    account.mac?.copy(bytes, at + 16)
    if (account.keysDigest !== null) has |= hasKeysDigest
    account.keysDigest?.copy(bytes, at + 24)
    const { file, line } = placeParts(account.line)
    const { draft } = account
    rows[row + rowCrc] =
      draft === undefined ? 0 : sealOfIdentity(draft.name, 'person', draft.status, draft.attrsJson, draft.sourcesJson)
    for (const { attribute, value, shown } of account.entitlements) {
      const stop = end + bytes.write(value, end)
      this.grant(this.interning.idOf(this.interning.attribute(attribute), bytes, end, stop, shown))
    }
    this.finish(file, line, has, account.flags, end)
  }

  /** Room for one more row of so many bytes and grants; what is there goes out where it is not enough. */
  reserve(bytes: number, grants: number): void {
    const full =
      this.rowCount * rowInts === this.rows.length ||
      this.at + bytes > this.bytes.length ||
      (this.grantCount + grants) * 2 > this.grants.length
    if (full) this.#close(bytes, grants)
  }

  /** The row in hand holds this value: in the order of their numbers, each once. */
  grant(id: number): void {
    const { grants } = this
    const row = this.#before + this.rowCount + 1
    let at = this.grantCount
    for (; at > 0 && grants[2 * at - 2] === row && (grants[2 * at - 1] ?? 0) >= id; at--)
      if (grants[2 * at - 1] === id) return
    if (at < this.grantCount) grants.copyWithin(2 * at + 2, 2 * at, 2 * this.grantCount)
    grants[2 * at] = row
    grants[2 * at + 1] = id
    this.grantCount++
  }

  /** Ends the row in hand, whose texts end at `end`. */
  finish(file: number, line: number, has: number, flags: number, end: number): void {
    const { rows } = this
    const row = this.rowCount++ * rowInts
    rows[row + rowFile] = file
    rows[row + rowLine] = line
    rows[row + rowHas] = has
    rows[row + rowFlags] = flags
    rows[row + rowStart] = this.at
    if ((has & hasText('uuid')) !== 0) this.#uuids++
    const start = this.at + digestBytes
    const stop = rows[row + rowEnds] ?? 0
    if (this.#isDescent(start, stop)) this.#descents++
    if (!this.#namesIdentity(row, has, start, stop)) this.#unnamed++
    this.#last = this.bytes
    this.#lastStart = start
    this.#lastEnd = stop
    this.at = end
  }

  /** A block waits to be taken. */
  get isFull(): boolean {
    return this.#done.length > 0
  }

  /** Blocks that are full, and with `all` the one in hand. */
  take(all: boolean): AccountBlock[] {
    if (all && this.rowCount > 0) this.#close(0, 0)
    const done = this.#done
    this.#done = []
    return done
  }

  /** Whoever is done with a block gives its memory back. */
  recycle(block: AccountBlock): void {
    if (block.bytes.length === blockBytes && block.grants.length === blockGrants * 2) this.#spare.push(block)
  }

  #isDescent(start: number, stop: number): boolean {
    const { bytes } = this
    const [last, end] = [this.#last, this.#lastEnd]
    let other = this.#lastStart
    for (let i = start; i < stop; i++, other++) {
      if (other === end) return false
      const difference = (bytes[i] ?? 0) - (last[other] ?? 0)
      if (difference !== 0) return difference < 0
    }
    return true
  }

  /** The identity that the row in hand can make has the row's key for its name. */
  #namesIdentity(row: number, has: number, start: number, stop: number): boolean {
    if ((has & (inameText | ierrorText)) !== inameText) return false
    const { bytes, rows } = this
    let other = rows[row + rowEnds + keysIndex] ?? 0
    if ((rows[row + rowEnds + keysIndex + 1] ?? 0) - other !== stop - start) return false
    for (let i = start; i < stop; i++) if (bytes[i] !== bytes[other++]) return false
    return true
  }

  #close(bytes: number, grants: number): void {
    if (this.rowCount > 0) {
      this.#done.push({
        bytes: this.bytes,
        rows: this.rows,
        rowCount: this.rowCount,
        before: this.#before,
        grants: this.grants,
        grantCount: this.grantCount,
        values: this.interning.takeFresh(),
        descents: this.#descents,
        uuids: this.#uuids,
        unnamed: this.#unnamed,
      })
      // the block goes away, its last key stays
      this.#last = Buffer.from(this.#last.subarray(this.#lastStart, this.#lastEnd))
      this.#lastEnd -= this.#lastStart
      this.#lastStart = 0
      const spare = this.#spare.pop()
      this.bytes = spare?.bytes ?? Buffer.from(new ArrayBuffer(blockBytes))
      this.rows = spare?.rows ?? new Int32Array(blockRows * rowInts)
      this.grants = spare?.grants ?? new Int32Array(blockGrants * 2)
    }
    this.#before += this.rowCount
    this.at = this.rowCount = this.grantCount = this.#descents = this.#uuids = this.#unnamed = 0
    if (bytes > this.bytes.length) this.bytes = Buffer.from(new ArrayBuffer(bytes))
    if (grants * 2 > this.grants.length) this.grants = new Int32Array(grants * 2)
  }
}

/** Of an identity's texts: name, type, status, attributes, sources. */
export const sealOfIdentity = (...texts: readonly string[]): number => crc32(texts.join('\u001f'))

function textsOf(a: StagedAccount): (string | null)[] {
  const { draft } = a
  const account = [a.native, a.shown, a.uuid, a.display, a.use, a.owner, a.timesJson, a.attrsJson, a.keysJson]
  const identity =
    draft === undefined
      ? [null, null, null, null, null]
      : [draft.name, draft.status, draft.attrsJson, draft.sourcesJson, draft.error]
  const texts = [...account, ...identity]
  if (texts.length !== packedTexts.length) throw new Error('a text has no place')
  return texts
}
