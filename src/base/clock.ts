/** The only source of time. `now` is wall-clock time; `monotonicMs` only ever grows and measures durations. */
export interface Clock {
  now(): Date
  monotonicMs(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
}

/** UTC text with milliseconds, as rows and JSON carry it. */
export const isoText = (date: Date): string => date.toISOString()
