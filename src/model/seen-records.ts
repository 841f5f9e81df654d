import { giveBack } from './bytes.ts'

/**
 * Records that the last read saw, by 62 bits of their hashes: two numbers a slot, open addressing. Two bits of the second say `seen` and `seen
 * twice`. Its memory moves to the thread that reads, and back to who asks for the marks.
 */
export interface SeenSlots {
  readonly key: Uint8Array
  slots: Int32Array<ArrayBuffer>
  /** Records that were there again, whether one was so more than once, and nothing of meaning. */
  marks: Int32Array<ArrayBuffer>
}

/** What moves. */
export const memoryOfSlots = ({ slots, marks }: SeenSlots): ArrayBuffer[] => [slots.buffer, marks.buffer]

export function releaseSlots(seen: SeenSlots): void {
  giveBack(seen.slots)
  seen.slots = new Int32Array(0)
}

/** So full is a table that is made for its hashes: what is not known is told soon. There may be some more. */
const full = 0.8
const mostFull = 0.9

/** Room for so many hashes; none is known yet. */
export function createSeenSlots(key: Uint8Array, known: number): SeenSlots {
  return { key, slots: new Int32Array(known === 0 ? 0 : 2 * (Math.ceil(known / full) + 16)), marks: new Int32Array(3) }
}

/** How many hashes there is room for at most. */
export const roomOf = ({ slots }: SeenSlots): number => Math.floor((slots.length / 2) * mostFull)

/** Two low bits of the second number are for the marks. */
export const secondOf = (high: number): number => high & -4

/** Adds hashes, two numbers each; zero means that none is known. Gives how many there were. Plain variables: there are millions. */
export function addSeen({ slots }: SeenSlots, macs: Int32Array): number {
  const count = slots.length / 2
  const scale = count / 2 ** 32
  let added = 0
  for (let i = 0; i < macs.length; i += 2) {
    const low = macs[i] ?? 0
    const second = secondOf(macs[i + 1] ?? 0)
    if ((low | second) === 0) continue
    let slot = Math.floor((low >>> 0) * scale)
    while (((slots[2 * slot] ?? 0) | (slots[2 * slot + 1] ?? 0)) !== 0) if (++slot === count) slot = 0
    slots[2 * slot] = low
    slots[2 * slot + 1] = second
    added++
  }
  return added
}

/** The slot of a hash; -1 where it is not known. */
export function slotOf({ slots }: SeenSlots, low: number, second: number): number {
  const count = slots.length / 2
  if (count === 0 || (low | second) === 0) return -1
  let slot = Math.floor((low >>> 0) * (count / 2 ** 32))
  for (;;) {
    const there = slots[2 * slot + 1] ?? 0
    if (slots[2 * slot] === low && secondOf(there) === second) return slot
    if (there === 0 && slots[2 * slot] === 0) return -1
    if (++slot === count) slot = 0
  }
}

/** So many are looked for together: waits for memory overlap. */
const together = 64

/**
 * Marks which of these records are there again: four numbers each, the third and fourth its hash. The second of those that are becomes
 * negative. Gives how many there were. Plain variables: there are millions.
 */
export function markSeen(seen: SeenSlots, records: Int32Array): number {
  const { slots, marks } = seen
  const count = slots.length / 2
  if (count === 0) return 0
  const scale = count / 2 ** 32
  let found = 0
  let warmed = 0
  for (let from = 0; from < records.length; from += 4 * together) {
    const to = Math.min(from + 4 * together, records.length)
    for (let i = from + 2; i < to; i += 4) warmed |= slots[2 * Math.floor(((records[i] ?? 0) >>> 0) * scale)] ?? 0
    for (let i = from; i < to; i += 4) {
      const slot = slotOf(seen, records[i + 2] ?? 0, secondOf(records[i + 3] ?? 0))
      if (slot === -1) continue
      const before = slots[2 * slot + 1] ?? 0
      if ((before & 3) !== 0) marks[1] = 1
      slots[2 * slot + 1] = before | ((before & 1) === 0 ? 1 : 2)
      records[i + 1] = -(records[i + 1] ?? 0)
      found++
    }
  }
  marks[0] = (marks[0] ?? 0) + found
  // nobody asks; but what is of no use to anybody is left out by the engine
  marks[2] = warmed
  return found
}

/** What was not there again, or not only once, in a table of its own: a small one stays in the processor's cache. */
export function notSeenOnce({ key, slots }: SeenSlots): SeenSlots {
  const macs: number[] = []
  for (let i = 0; i < slots.length; i += 2) {
    const [low, second] = [slots[i] ?? 0, slots[i + 1] ?? 0]
    if ((low | second) !== 0 && (second & 3) !== 1) macs.push(low, secondOf(second))
  }
  const rest = createSeenSlots(key, macs.length / 2)
  addSeen(rest, Int32Array.from(macs))
  return rest
}

/** It was there again, and only once. */
export function isSeenOnce(seen: SeenSlots, low: number, high: number): boolean {
  const slot = slotOf(seen, low, secondOf(high))
  return slot !== -1 && ((seen.slots[2 * slot + 1] ?? 0) & 3) === 1
}
