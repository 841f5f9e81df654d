import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  type AccountBlock,
  beforeAttributes,
  beforeSources,
  beforeStatus,
  digestBytes,
  endOfText,
  hasMac,
  hasText,
  type PackedText,
  putDigest,
  rowAttrs,
  rowCrc,
  rowEnd,
  rowFile,
  rowFlags,
  rowHas,
  rowInts,
  rowLine,
  rowStart,
} from './account-block.ts'
import { GrantNumbers } from './grant-numbers.ts'
import { Interning } from './interning.ts'
import { placeParts } from './place.ts'
import type { StagedAccount } from './staged-account.ts'

const blockBytes = 1 << 20
const blockRows = 3000
/** Digits of a number, and what stands before it. */
const grantBytes = 12
const [uuidText = 0, keysText = 0, inameText = 0, ierrorText = 0] = (['uuid', 'keys', 'iname', 'ierror'] as const).map(
  hasText,
)
const [nativeEnd = 0, timesEnd = 0, keysEnd = 0, inameEnd = 0, isourcesEnd = 0, grantsEnd = 0] = (
  ['native', 'times', 'keys', 'iname', 'isources', 'grants'] as const
).map(endOfText)

/** Packs staged accounts into blocks. What is public is for the mapping over bytes, which writes its rows in place. */
export class AccountPacker {
  readonly interning = new Interning()
  bytes = Buffer.from(new ArrayBuffer(blockBytes))
  rows = new Int32Array(blockRows * rowInts)
  /** Of the row in hand. */
  readonly grants = new GrantNumbers()
  /** Where the next row's bytes begin. */
  at = 0
  rowCount = 0
  /** Of the rows in the block in hand. */
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
    const { draft, entitlements } = account
    const values = entitlements.reduce((most, { value }) => Math.max(most, value.length), 0)
    this.reserve(digestBytes + 3 * (sizeOf(account) + values) + grantBytes * entitlements.length)
    let end = this.at + digestBytes
    for (const { attribute, value, shown } of entitlements) {
      const stop = end + this.bytes.write(value, end)
      this.grants.add(this.interning.idOf(this.interning.attribute(attribute), this.bytes, end, stop, shown))
    }
    const row = this.rowCount * rowInts
    const { bytes, rows } = this
    let has = account.mac === null ? 0 : hasMac
    account.mac?.copy(bytes, this.at + 16)
    const put = (name: PackedText, text: string | null | undefined, before = ''): void => {
      if (text !== null && text !== undefined) {
        has |= hasText(name)
        end += bytes.write(before, end)
        end += bytes.write(text, end)
      }
      rows[row + endOfText(name)] = end
    }
    for (const name of accountTexts) put(name, account[name])
    put('iname', draft?.name)
    put('istatus', draft?.status, beforeStatus)
    put('iattrs', draft?.attrsJson, beforeAttributes)
    put('isources', draft?.sourcesJson, beforeSources)
    put('ierror', draft?.error)
    if (entitlements.length > 0) has |= hasText('grants')
    end = rows[row + grantsEnd] = this.writeGrants(end)
    end += bytes.write(`${account.head}\0`, end)
    rows[row + rowAttrs] = end
    put('attrs', account.attrs)
    end += bytes.write(`\0${account.values}`, end)
    const { file, line } = placeParts(account.line)
    this.finish(file, line, has, account.flags, end)
  }

  /** Room for one more row of so many bytes; what is there goes out where it is not enough. */
  reserve(bytes: number): void {
    if (this.rowCount * rowInts === this.rows.length || this.at + bytes > this.bytes.length) this.#close(bytes)
  }

  /** The numbers of the values that the row in hand holds; gives where they end. */
  writeGrants(at: number): number {
    this.grantCount += this.grants.count
    return this.grants.write(this.bytes, at)
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
    rows[row + rowEnd] = end
    if ((has & uuidText) !== 0) this.#uuids++
    const start = this.at + digestBytes
    const stop = rows[row + nativeEnd] ?? 0
    if (this.#isDescent(start, stop)) this.#descents++
    if (!this.#namesIdentity(row, has, start, stop)) this.#unnamed++
    this.#seal(row, has)
    this.#last = this.bytes
    this.#lastStart = start
    this.#lastEnd = stop
    this.at = end
  }

  #seal(row: number, has: number): void {
    const { bytes, rows, at } = this
    const keysTo = rows[row + keysEnd] ?? 0
    rows[row + rowCrc] = (has & inameText) === 0 ? 0 : crc32(bytes.subarray(keysTo, rows[row + isourcesEnd]))
    if ((has & keysText) === 0) return
    putDigest(hash('sha256', bytes.subarray(rows[row + timesEnd], keysTo), 'binary'), 8, bytes, at + 24)
  }

  /** A block waits to be taken. */
  get isFull(): boolean {
    return this.#done.length > 0
  }

  /** Blocks that are full, and with `all` the one in hand. */
  take(all: boolean): AccountBlock[] {
    if (all && this.rowCount > 0) this.#close(0)
    const done = this.#done
    this.#done = []
    return done
  }

  /** Whoever is done with a block gives its memory back. */
  recycle(block: AccountBlock): void {
    if (block.bytes.length === blockBytes) this.#spare.push(block)
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
    let other = rows[row + keysEnd] ?? 0
    if ((rows[row + inameEnd] ?? 0) - other !== stop - start) return false
    for (let i = start; i < stop; i++) if (bytes[i] !== bytes[other++]) return false
    return true
  }

  #close(bytes: number): void {
    if (this.rowCount > 0) {
      this.#done.push({
        bytes: this.bytes,
        rows: this.rows,
        rowCount: this.rowCount,
        before: this.#before,
        grantCount: this.grantCount,
        values: this.interning.takeFresh(),
        descents: this.#descents,
        uuids: this.#uuids,
        unnamed: this.#unnamed,
        hashed: false,
      })
      // the block goes away, its last key stays
      this.#last = Buffer.from(this.#last.subarray(this.#lastStart, this.#lastEnd))
      this.#lastEnd -= this.#lastStart
      this.#lastStart = 0
      const spare = this.#spare.pop()
      this.bytes = spare?.bytes ?? Buffer.from(new ArrayBuffer(blockBytes))
      this.rows = spare?.rows ?? new Int32Array(blockRows * rowInts)
    }
    this.#before += this.rowCount
    this.at = this.rowCount = this.grantCount = this.#descents = this.#uuids = this.#unnamed = 0
    if (bytes > this.bytes.length) this.bytes = Buffer.from(new ArrayBuffer(bytes))
  }
}

const accountTexts = ['native', 'shown', 'uuid', 'display', 'use', 'owner', 'times', 'keys'] as const

/** Characters of its texts, and of what lies between them. */
function sizeOf(account: StagedAccount): number {
  const { attrs, head, values, draft } = account
  let size = attrs.length + head.length + values.length + 8
  for (const name of accountTexts) size += account[name]?.length ?? 0
  if (draft === undefined) return size
  const { name, status, attrsJson, sourcesJson, error } = draft
  return (
    size +
    name.length +
    status.length +
    attrsJson.length +
    sourcesJson.length +
    (error?.length ?? 0) +
    beforeStatus.length
  )
}
