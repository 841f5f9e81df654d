import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  addSeen,
  createSeenSlots,
  isSeenOnce,
  markSeen,
  notSeenOnce,
  secondOf,
  slotOf,
} from '../../src/model/seen-records.ts'

it('what was not there again exactly once is told apart from the rest', () => {
  const half = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const record = fc.record({ low: half, high: half, times: fc.nat(3) })
  fc.assert(
    fc.property(fc.uniqueArray(record, { selector: ({ low }) => low }), (records) => {
      const seen = createSeenSlots(new Uint8Array(16), records.length)
      addSeen(seen, Int32Array.from(records.flatMap(({ low, high }) => [low, high])))
      const again = Int32Array.from(
        records.flatMap(({ low, high, times }) => Array<number[]>(times).fill([0, 1, low, high]).flat()),
      )
      expect(markSeen(seen, again)).toBe(again.filter((number, i) => i % 4 === 1 && number === -1).length)
      const rest = notSeenOnce(seen)
      for (const { low, high, times } of records) {
        const none = (low | secondOf(high)) === 0
        expect(isSeenOnce(seen, low, high)).toBe(times === 1 && !none)
        expect(slotOf(rest, low, secondOf(high)) !== -1).toBe(times !== 1 && !none)
      }
    }),
  )
})
