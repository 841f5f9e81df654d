import { type AccountBlock, endOfText, rowInts } from '../../model/account-block.ts'
import { giveBack } from '../../model/bytes.ts'
import { KeyTable } from './key-table.ts'
import { eachLine } from './numbered-lines.ts'

/** Who has a key: the key, the identity, 1 where it is inactive. */
export type Owner = readonly [value: string, identity: number, inactive: number]

/** Rows after `lo` that want a key: their numbers, and their keys' (below 0, -1 - n: a row that needs further thought in any case). */
interface Slice {
  readonly lo: number
  readonly sids: Int32Array
  readonly keys: Int32Array
}

/** Keys in memory at once, and the bytes of their texts; with them some 50 bytes a key. */
const [usualMost, usualRoom] = [1_200_000, 32 * 1024 * 1024] as const

const [quote, backslash, nullLength] = [34, 92, 4] as const

// each begins where the one before it ends
const [keysStart, keysEnd] = [endOfText('times'), endOfText('keys')] as const

/** Of a JSON text, or null. */
function endOfKey(bytes: Buffer, start: number): number {
  if (bytes[start] !== quote) return start + nullLength
  let i = start + 1
  while (bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1
  return i + 1
}

const [inactiveOne, several, told] = [1, 2, 4] as const

/** Keys that rows want, and which identities have them. */
export class WantedKeys {
  readonly slices: Slice[] = []
  readonly #table: KeyTable
  /** By key: the identity that was found first, 0: none. */
  readonly #first: Float64Array<ArrayBuffer>
  readonly #states: Uint8Array<ArrayBuffer>
  #shared: Owner[] = []

  /** With room for texts of so many bytes at least. */
  constructor(room = 0, most: number = usualMost) {
    this.#table = new KeyTable(most, Math.max(room, usualRoom))
    this.#first = new Float64Array(most)
    this.#states = new Uint8Array(most)
  }

  hasRoom(keys: number, bytes: number): boolean {
    return this.#table.hasRoom(keys, bytes)
  }

  /** Numbered lines of rows after `lo`, each with a JSON array of keys, of which the one at `index` is wanted; marked: one active identity settles it. */
  add(lo: number, bytes: Buffer<ArrayBuffer>, index: number): void {
    const sids: number[] = []
    const keys: number[] = []
    eachLine(bytes, (sid, isSettled, start, end) => {
      const key = this.#numberOf(bytes, start, end, index)
      if (key === -1) return
      sids.push(sid)
      keys.push(isSettled ? key : -1 - key)
    })
    this.slices.push({ lo, sids: Int32Array.from(sids), keys: Int32Array.from(keys) })
  }

  /** The first key of each of these rows, which are new accounts. */
  addBlock({ bytes, rows, rowCount, before }: AccountBlock): void {
    const sids: number[] = []
    const keys: number[] = []
    for (let at = 0; at < rowCount; at++) {
      const row = at * rowInts
      const key = this.#numberOf(bytes, rows[row + keysStart] ?? 0, rows[row + keysEnd] ?? 0, 0)
      if (key === -1) continue
      sids.push(before + at + 1)
      keys.push(key)
    }
    this.slices.push({ lo: before, sids: Int32Array.from(sids), keys: Int32Array.from(keys) })
  }

  /** An identity has this key. */
  offer = (identity: number, inactive: boolean, bytes: Buffer, start: number, end: number): void => {
    const key = this.#table.find(bytes, start, end)
    if (key === -1) return
    if (this.#first[key] === 0) {
      this.#first[key] = identity
      if (inactive) this.#states[key] = inactiveOne
      return
    }
    this.#tellFirst(key)
    this.#states[key] = (this.#states[key] ?? 0) | several
    this.#shared.push([this.#text(key), identity, inactive ? 1 : 0])
  }

  /** `linked`: by row after `lo`, whose it is; `rest`: rows to be decided, also those that nobody is found for where `all` are. */
  settle({ lo, sids, keys }: Slice, all: boolean): { readonly linked: (number | null)[]; readonly rest: number[] } {
    const linked: (number | null)[] = []
    const rest: number[] = []
    for (let i = 0; i < sids.length; i++) {
      const [sid, wanted] = [sids[i] ?? 0, keys[i] ?? 0]
      const key = wanted < 0 ? -1 - wanted : wanted
      const owner = this.#first[key] ?? 0
      if (owner === 0) {
        if (all) rest.push(sid)
      } else if (wanted >= 0 && ((this.#states[key] ?? 0) & (inactiveOne | several)) === 0) {
        while (linked.length < sid - lo - 1) linked.push(null)
        linked.push(owner)
      } else {
        rest.push(sid)
        this.#tellFirst(key)
      }
    }
    return { linked, rest }
  }

  /** Owners of keys of which a row needs further thought, since it was asked last. */
  takeShared(): readonly Owner[] {
    const taken = this.#shared
    this.#shared = []
    return taken
  }

  release(): void {
    this.#table.release()
    giveBack(this.#first, this.#states)
  }

  /** Of the key at `index` of a JSON array; -1: there is none. */
  #numberOf(bytes: Buffer, start: number, end: number, index: number): number {
    let at = start + 1
    for (let n = 0; n < index; n++) at = endOfKey(bytes, at) + 1
    return at < end && bytes[at] === quote ? this.#table.add(bytes, at, endOfKey(bytes, at)) : -1
  }

  #tellFirst(key: number): void {
    const state = this.#states[key] ?? 0
    if ((state & told) !== 0) return
    this.#states[key] = state | told
    this.#shared.push([this.#text(key), this.#first[key] ?? 0, state & inactiveOne])
  }

  #text(key: number): string {
    return JSON.parse(this.#table.text(key)) as string
  }
}
