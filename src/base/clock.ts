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

/** The calendar day in a time zone (IANA name), as midnight UTC of that day: what `today` means in expressions. */
export function dayIn(date: Date, timeZone: string): Date {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(date)
  const part = (type: string): string => parts.find((entry) => entry.type === type)?.value ?? ''
  return new Date(`${part('year')}-${part('month')}-${part('day')}T00:00:00.000Z`)
}
