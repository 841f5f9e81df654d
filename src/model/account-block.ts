import type { InternedValue } from './interning.ts'

/**
 * Texts of a staged account, in the order in which they lie in its bytes: each begins where the one before it ends, but for what `gapBefore`
 * and `rowAttrs` say, so that whatever is hashed is one piece of bytes. The numbers of its grants are a JSON array.
 */
export const packedTexts = [
  'native',
  'shown',
  'uuid',
  'display',
  'use',
  'owner',
  'times',
  'keys',
  'iname',
  'istatus',
  'iattrs',
  'isources',
  'ierror',
  'grants',
  'attrs',
] as const
export type PackedText = (typeof packedTexts)[number]

/** Asked for with every text of a row. */
const numberOf = Object.fromEntries(packedTexts.map((name, index) => [name, index])) as Readonly<
  Record<PackedText, number>
>

/** The bit of a text that is there, in `rowHas`. */
export const hasText = (name: PackedText): number => 1 << numberOf[name]
export const hasMac = 1 << packedTexts.length

/** Before a row's texts: content hash (16 bytes), hash of the record (8), digest of the keys (8). */
export const digestBytes = 32

/**
 * Numbers of a row; from `rowEnds` on, where each of its texts ends. A text that is not there ends where the one before it does. What the
 * content hash is over lies from the end of the grants to `rowEnd`, with the attributes from `rowAttrs` on in it.
 */
export const [rowFile, rowLine, rowHas, rowFlags, rowCrc, rowStart, rowAttrs, rowEnd, rowEnds] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
] as const
/** The first bytes of a digest, as `hash` gives it in latin1. */
export function putDigest(digest: string, length: number, bytes: Buffer, at: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = digest.charCodeAt(i)
}

export const rowInts = rowEnds + packedTexts.length

/** Where the end of a text stands among the numbers of a row. */
export const endOfText = (name: PackedText): number => rowEnds + numberOf[name]

/** An identity's seal is over its name, type, status, attributes and sources with these between: they lie between the texts. */
export const [beforeStatus, beforeAttributes, beforeSources] = ['\u001fperson\u001f', '\u001f', '\u001f'] as const

/** Bytes between a text that is there and the one before it. */
export const gapBefore: Readonly<Partial<Record<PackedText, number>>> = {
  istatus: beforeStatus.length,
  iattrs: beforeAttributes.length,
  isources: beforeSources.length,
}

/** Staged accounts as they travel to the stage, between threads too: texts as bytes, everything else as numbers. */
export interface AccountBlock {
  readonly bytes: Buffer<ArrayBuffer>
  /** `rowInts` each. */
  readonly rows: Int32Array<ArrayBuffer>
  readonly rowCount: number
  /** Rows of the read before those of this block. */
  readonly before: number
  /** Of all its rows. */
  readonly grantCount: number
  /** Values named here for the first time. */
  readonly values: readonly InternedValue[]
  /** Rows whose key is not above that of the row before: how far the feed is from the order of its keys. */
  readonly descents: number
  readonly uuids: number
  /** Rows that name no identity by their own key. */
  readonly unnamed: number
  /** The content hashes are in their places (`hashRows`). */
  hashed: boolean
}
