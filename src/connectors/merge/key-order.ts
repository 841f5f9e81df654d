import type { ByteTable } from './byte-table.ts'

/** Ranges up to which comparing beats sorting by words. */
const few = 16
/** Where the lower half of a number of 64 bits lies on this machine. */
const low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

/**
 * The numbers of a table in the order of its keys' bytes. Four bytes of each key and its number make one word, so that the engine's own sort of
 * words does it, in the table's own memory; ranges that are alike so far go by the next four bytes. Keys hold no NUL.
 */
export function keyOrder(table: ByteTable): Uint32Array {
  const words = table.words()
  const halves = new Uint32Array(words.buffer, 0, 2 * table.count)
  for (let i = 0; i < table.count; i++) halves[2 * i + low] = i
  sortFrom(table, words, halves, { lo: 0, hi: table.count, depth: 0 })
  for (let i = 0; i < table.count; i++) halves[i] = halves[2 * i + low] ?? 0
  return halves.subarray(0, table.count)
}

interface Range {
  readonly lo: number
  readonly hi: number
  /** Bytes that are the same in all of its keys. */
  readonly depth: number
}

function sortFrom(table: ByteTable, words: BigUint64Array, halves: Uint32Array, { lo, hi, depth }: Range): void {
  if (hi - lo <= few) {
    insertionSort(table, halves, lo, hi, depth)
    return
  }
  for (let i = lo; i < hi; i++) halves[2 * i + 1 - low] = fourBytes(table, halves[2 * i + low] ?? 0, depth)
  words.subarray(lo, hi).sort()
  for (let from = lo; from < hi; ) {
    const four = halves[2 * from + 1 - low]
    let to = from + 1
    while (to < hi && halves[2 * to + 1 - low] === four) to++
    if (to - from > 1) sortFrom(table, words, halves, { lo: from, hi: to, depth: depth + 4 })
    from = to
  }
}

function fourBytes(table: ByteTable, number: number, depth: number): number {
  const { bytes } = table
  const from = table.startOf(number) + depth
  const end = table.keyEndOf(number)
  let word = 0
  for (let i = from; i < from + 4; i++) word = (word << 8) | (i < end ? (bytes[i] ?? 0) : 0)
  return word >>> 0
}

function insertionSort(table: ByteTable, halves: Uint32Array, lo: number, hi: number, depth: number): void {
  for (let i = lo + 1; i < hi; i++) {
    const number = halves[2 * i + low] ?? 0
    let at = i
    for (; at > lo && isAfter(table, halves[2 * at - 2 + low] ?? 0, number, depth); at--)
      halves[2 * at + low] = halves[2 * at - 2 + low] ?? 0
    halves[2 * at + low] = number
  }
}

function isAfter(table: ByteTable, one: number, other: number, depth: number): boolean {
  const { bytes } = table
  const [end, otherEnd] = [table.keyEndOf(one), table.keyEndOf(other)]
  let at = table.startOf(other) + depth
  for (let i = table.startOf(one) + depth; i < end; i++, at++) {
    if (at === otherEnd) return true
    const difference = (bytes[i] ?? 0) - (bytes[at] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}
