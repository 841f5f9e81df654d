/** Begin the tail of a row that is not like the first of its key: its own head follows, or all that there is of it. No other tail begins so. */
export const [ownHead, headless] = [1, 2] as const

/**
 * A group of rows as bytes, in memory and in a file alike: its size, the lengths of key and head and the number of rows; key and head; then for
 * each row its file and line, the length of its tail, and the tail. What is in a head and a tail is the affair of whoever took the rows.
 */
export interface GroupBytes {
  readonly bytes: Buffer
  /** Where it begins. */
  readonly at: number
}

export const groupStart = 16
export const rowStart = 12

export const sizeOf = ({ bytes, at }: GroupBytes): number => bytes.readUInt32LE(at)
export const keyEndOf = ({ bytes, at }: GroupBytes): number => at + groupStart + bytes.readUInt32LE(at + 4)
export const headEndOf = (group: GroupBytes): number => keyEndOf(group) + group.bytes.readUInt32LE(group.at + 8)
export const rowCountOf = ({ bytes, at }: GroupBytes): number => bytes.readUInt32LE(at + 12)

export function compareKeys(one: GroupBytes, other: GroupBytes): number {
  const [from, to] = [one.at + groupStart, keyEndOf(one)]
  return one.bytes.compare(other.bytes, other.at + groupStart, keyEndOf(other), from, to)
}

export function hasSameHead(one: GroupBytes, other: GroupBytes): boolean {
  return one.bytes.compare(other.bytes, keyEndOf(other), headEndOf(other), keyEndOf(one), headEndOf(one)) === 0
}

export interface RowBytes {
  readonly file: number
  readonly line: number
  readonly tail: Buffer
}

export function* rowsOf(group: GroupBytes): Generator<RowBytes> {
  const { bytes } = group
  let at = headEndOf(group)
  for (let left = rowCountOf(group); left > 0; left--) {
    const from = at + rowStart
    const to = from + bytes.readUInt32LE(at + 8)
    yield { file: bytes.readUInt32LE(at), line: bytes.readUInt32LE(at + 4), tail: bytes.subarray(from, to) }
    at = to
  }
}
