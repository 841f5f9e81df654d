import type { Clock } from '../../src/base/clock.ts'

/** A clock that only moves by hand; it begins where no real one has been, so that what waits for it waits for it alone. */
export function handClock(start = '2036-11-24T02:00:00.000Z'): Clock & { forward(ms: number): void } {
  let now = Date.parse(start)
  return {
    now: () => new Date(now),
    monotonicMs: () => now,
    forward(ms) {
      now += ms
    },
  }
}
