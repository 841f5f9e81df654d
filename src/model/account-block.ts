import type { InternedValue } from './interning.ts'

/** Texts of a staged account, in the order in which they lie in its bytes. */
export const packedTexts = [
  'native',
  'shown',
  'uuid',
  'display',
  'use',
  'owner',
  'times',
  'attrs',
  'keys',
  'iname',
  'istatus',
  'iattrs',
  'isources',
  'ierror',
] as const
export type PackedText = (typeof packedTexts)[number]

/** The bit of a text that is there, in `rowHas`. */
export const hasText = (name: PackedText): number => 1 << packedTexts.indexOf(name)
export const hasMac = 1 << packedTexts.length
export const hasKeysDigest = 2 << packedTexts.length

/** Before a row's texts: content hash (16 bytes), hash of the record (8), digest of the keys (8). */
export const digestBytes = 32

/** Numbers of a row; from `rowEnds` on, where each of its texts ends. A text that is not there ends where the one before it does. */
export const [rowFile, rowLine, rowHas, rowFlags, rowCrc, rowStart, rowEnds] = [0, 1, 2, 3, 4, 5, 6] as const
export const rowInts = rowEnds + packedTexts.length

/** Staged accounts as they travel to the stage, between threads too: texts as bytes, everything else as numbers. */
export interface AccountBlock {
  readonly bytes: Buffer<ArrayBuffer>
  /** `rowInts` each. */
  readonly rows: Int32Array<ArrayBuffer>
  readonly rowCount: number
  /** Rows of the read before those of this block. */
  readonly before: number
  /** Pairs: row of the read (from 1), number of the value. */
  readonly grants: Int32Array<ArrayBuffer>
  readonly grantCount: number
  /** Values named here for the first time. */
  readonly values: readonly InternedValue[]
  /** Rows whose key is not above that of the row before: how far the feed is from the order of its keys. */
  readonly descents: number
  readonly uuids: number
  /** Rows that name no identity by their own key. */
  readonly unnamed: number
}
