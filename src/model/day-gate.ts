/** What a crontab cannot say about a day; the line wakes up on more days, and the gate lets the right ones through. */
export type DayGate =
  | { readonly kind: 'last'; readonly before: number }
  | { readonly kind: 'lastWorkday' }
  | { readonly kind: 'nearestWorkday'; readonly day: number }
  | { readonly kind: 'lastWeekday'; readonly weekday: number }
  | { readonly kind: 'nthWeekday'; readonly weekday: number; readonly nth: number }
  | { readonly kind: 'years'; readonly years: readonly number[] }

const weekdayOf = (year: number, month: number, day: number): number =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay()
export const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

/** Does the day (`2026-11-24`) pass? */
export function passesGate(gate: DayGate, date: string): boolean {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
  const last = daysIn(year, month)
  switch (gate.kind) {
    case 'years':
      return gate.years.includes(year)
    case 'last':
      return day === last - gate.before
    case 'lastWorkday':
      return day === nearestWorkday(year, month, last)
    case 'nearestWorkday':
      return gate.day <= last && day === nearestWorkday(year, month, gate.day)
    case 'lastWeekday':
      return weekdayOf(year, month, day) === gate.weekday && day > last - 7
    case 'nthWeekday':
      return weekdayOf(year, month, day) === gate.weekday && Math.ceil(day / 7) === gate.nth
  }
}

/** The workday (Monday to Friday) next to the day without leaving the month. */
function nearestWorkday(year: number, month: number, day: number): number {
  const weekday = weekdayOf(year, month, day)
  if (weekday === 6) return day === 1 ? 3 : day - 1
  if (weekday === 0) return day === daysIn(year, month) ? day - 2 : day + 1
  return day
}

/** Days of the month on which the gate can be open at all. */
export function daysOfGate(gate: DayGate): readonly number[] {
  const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  switch (gate.kind) {
    case 'last':
      return span(28 - gate.before, 31 - gate.before)
    case 'lastWorkday':
      return span(26, 31)
    case 'nearestWorkday':
      return span(Math.max(1, gate.day - 2), Math.min(31, gate.day + 2))
    case 'lastWeekday':
      return span(22, 31)
    case 'nthWeekday':
      return span(gate.nth * 7 - 6, Math.min(31, gate.nth * 7))
    case 'years':
      return span(1, 31)
  }
}
