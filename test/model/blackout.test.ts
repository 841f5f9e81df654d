import { describe, expect, it } from 'vitest'
import { type Blackout, blackoutAt, blackoutEnd, parseWeekdays } from '../../src/model/blackout.ts'

const window = (from: string, to: string, days = 'sun-sat', timeZone = 'Europe/Berlin'): Blackout => ({
  from,
  to,
  days: parseWeekdays(days) ?? [],
  timeZone,
  stop: false,
})
const end = (at: string, ...windows: Blackout[]) => blackoutEnd(windows, new Date(at))?.end.toISOString()

describe('a blackout', () => {
  it.each([
    ['2026-11-24T06:59:59Z', undefined],
    ['2026-11-24T07:00:00Z', '2026-11-24T17:00:00.000Z'],
    ['2026-11-24T16:59:59Z', '2026-11-24T17:00:00.000Z'],
    ['2026-11-24T17:00:00Z', undefined],
    ['2026-11-28T12:00:00Z', undefined],
  ])('from 08:00 to 18:00 on workdays: %s ends %s', (at, expected) => {
    expect(end(at, window('08:00', '18:00', 'mon-fri'))).toBe(expected)
  })

  it('goes over midnight on the days on which it begins', () => {
    const night = window('22:00', '06:00', 'fri')
    expect(end('2026-11-28T04:00:00Z', night)).toBe('2026-11-28T05:00:00.000Z')
    expect(end('2026-11-28T22:00:00Z', night)).toBeUndefined()
  })

  it('ends at the wall-clock time on the days on which the clocks jump', () => {
    expect(end('2026-03-29T00:30:00Z', window('01:00', '04:00'))).toBe('2026-03-29T02:00:00.000Z')
    expect(end('2026-10-25T00:30:00Z', window('01:00', '04:00'))).toBe('2026-10-25T03:00:00.000Z')
  })

  it('that follows another without a break ends with the last one', () => {
    const two = [window('08:00', '12:00'), window('12:00', '18:00')]
    expect(end('2026-11-24T08:00:00Z', ...two)).toBe('2026-11-24T17:00:00.000Z')
    expect(blackoutAt([], new Date())).toBeUndefined()
  })

  it.each([
    ['mon-fri', [1, 2, 3, 4, 5]],
    ['sat,sun', [6, 0]],
    ['fri-mon', [5, 6, 0, 1]],
    ['montag', undefined],
    ['', undefined],
  ])('days %j', (text, expected) => {
    expect(parseWeekdays(text)).toEqual(expected)
  })
})
