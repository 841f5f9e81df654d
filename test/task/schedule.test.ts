import { describe, expect, it } from 'vitest'
import { renderCron } from '../../src/model/cron-fields.ts'
import { parsePattern } from '../../src/model/schedule.ts'
import { localText, transitions } from '../../src/model/zoned.ts'
import { occurrencesOf, type Timed } from '../../src/task/schedule.ts'
import { wakeUpFields } from '../../src/task/wake-up.ts'

type Kind = 'cron' | 'quartz' | 'every'
const schedule = (text: string, timeZone: string, kind: Kind = 'cron', more: Partial<Timed> = {}): Timed => ({
  pattern: parsePattern({ kind, text }),
  timeZone,
  exclude: [],
  ...more,
})
const times = (one: Timed, from: string, to: string): string[] =>
  [...occurrencesOf(one).between(new Date(from), new Date(to))].map((at) => at.toISOString().slice(0, 16))

/** Measured with Debian's cron 3.0pl1 under a fake clock; scripts/cron-edges.ts measures again. */
const newYork = 'America/New_York'
const spring = ['2026-03-08T05:00:30Z', '2026-03-08T09:00:30Z'] as const
const autumn = ['2026-11-01T04:00:30Z', '2026-11-01T08:00:30Z'] as const

const twoToThree = ['07:00', '07:10', '07:20', '07:30', '07:40', '07:50']
const hour = (text: string) => ['00', '05', '20', '40'].map((minute) => `${text}:${minute}`)

describe('nominal times', () => {
  it.each([
    ['30 2 * * *', spring, ['07:00']],
    ['*/30 2 * * *', spring, []],
    ['0 3 * * *', spring, ['07:00']],
    ['30 1 * * *', autumn, ['05:30']],
    ['0,30 1 * * *', autumn, ['05:00', '05:30']],
    ['30 * * * *', autumn, ['04:30', '05:30', '06:30', '07:30']],
    ['0 2 * * *', autumn, ['07:00']],
    ['0-59/10 1-2 * * *', spring, ['06:00', '06:10', '06:20', '06:30', '06:40', '06:50', '07:00']],
    ['0-59/10 1-2 * * *', autumn, ['05:00', '05:10', '05:20', '05:30', '05:40', '05:50', ...twoToThree]],
    ['0 0-23 * * *', autumn, ['05:00', '07:00', '08:00']],
    [
      '5,*/20 0-4 * * *',
      spring,
      ['05:05', '05:20', '05:40', ...hour('06'), '07:00', '07:05', '07:20', '07:40', ...hour('08')],
    ],
  ])('%s at a jump of the clocks are those of the daemon', (text, [from, to], expected) => {
    expect(times(schedule(text, newYork), from, to).map((at) => at.slice(11))).toEqual(expected)
  })

  it('come every ten minutes through both edges where the minute is a wildcard', () => {
    expect(times(schedule('*/10 * * * *', newYork), ...spring)).toHaveLength(24)
    expect(times(schedule('*/10 * * * *', newYork), ...autumn)).toHaveLength(24)
  })

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-29', '2026-10-25'],
    ['America/New_York', '30 2 * * *', '2026-03-08', '2026-11-01'],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-04', '2026-04-05'],
    ['America/Santiago', '30 0 * * *', '2026-09-06', '2026-04-05'],
  ])('in %s a daily time is there exactly once on both days of the year', (zone, text, gap, repeat) => {
    for (const day of [gap, repeat]) {
      const at = Date.parse(`${day}T00:00:00Z`)
      const around = times(
        schedule(text, zone),
        new Date(at - 36 * 3_600_000).toISOString(),
        new Date(at + 48 * 3_600_000).toISOString(),
      )
      const there = around.filter((one) => localText(new Date(`${one}Z`), zone).startsWith(day))
      expect(there, day).toHaveLength(1)
    }
  })

  it('keep to leap days, the end of 2038, exclusions, from and until', () => {
    expect(times(schedule('0 2 29 2 *', 'UTC'), '2026-01-01T00:00Z', '2033-01-01T00:00Z')).toEqual([
      '2028-02-29T02:00',
      '2032-02-29T02:00',
    ])
    expect(times(schedule('14 3 19 1 *', 'UTC'), '2038-01-01T00:00Z', '2038-12-01T00:00Z')).toEqual([
      '2038-01-19T03:14',
    ])
    const some = schedule('0 2 * * *', 'Europe/Berlin', 'cron', {
      from: '2026-12-24',
      until: '2026-12-27T01:59',
      exclude: ['2026-12-25'],
    })
    expect(times(some, '2026-12-01T00:00Z', '2027-02-01T00:00Z')).toEqual(['2026-12-24T01:00', '2026-12-26T01:00'])
  })

  it.each([
    ['quartz', '0 0 22 LW * ?', ['2026-01-30', '2026-02-27', '2026-03-31', '2026-04-30', '2026-05-29']],
    ['quartz', '0 0 22 15W * ?', ['2026-01-15', '2026-02-16', '2026-03-16', '2026-04-15', '2026-05-15']],
    ['quartz', '0 0 22 ? * 6#3', ['2026-01-16', '2026-02-20', '2026-03-20', '2026-04-17', '2026-05-15']],
    ['quartz', '0 0 22 ? * 6L', ['2026-01-30', '2026-02-27', '2026-03-27', '2026-04-24', '2026-05-29']],
    ['quartz', '0 0 22 L-3 * ?', ['2026-01-28', '2026-02-25', '2026-03-28', '2026-04-27', '2026-05-28']],
    ['every', 'quarter on last-workday at 22:00', ['2026-03-31']],
  ] as const)('%s: %s', (kind, text, expected) => {
    const found = times(schedule(text, 'UTC', kind), '2026-01-01T00:00Z', '2026-06-01T00:00Z')
    expect(found).toEqual(expected.map((day) => `${day}T22:00`))
  })

  it('are OR-ed days unless one field begins with a star, as in every crontab', () => {
    const days = (text: string) =>
      times(schedule(text, 'UTC'), '2026-06-01T00:00Z', '2026-06-16T00:00Z').map((at) => at.slice(8, 10))
    expect(days('0 2 13 * 5')).toEqual(['05', '12', '13'])
    expect(days('0 2 */2 * 1')).toEqual(['01', '15'])
  })

  it('of an interval are counted in elapsed time', () => {
    expect(
      times(
        schedule('90m', 'Europe/Berlin', 'every', { from: '2026-03-29T00:00' }),
        '2026-03-28T22:00Z',
        '2026-03-29T03:00Z',
      ),
    ).toEqual(['2026-03-28T23:00', '2026-03-29T00:30', '2026-03-29T02:00'])
  })
})

describe('an interval in a zone of odd offsets', () => {
  const minuteMs = 60_000
  // where each zone's midnight of the year 2000 was, and days around which its clocks jump, or do not
  const zones: readonly (readonly [string, string, readonly string[]])[] = [
    ['Asia/Kolkata', '2000-01-01T00:00:00+05:30', ['2026-03-29', '2026-10-25']],
    ['Asia/Kathmandu', '2000-01-01T00:00:00+05:45', ['2026-03-29', '2026-10-25']],
    ['Australia/Lord_Howe', '2000-01-01T00:00:00+11:00', ['2026-04-05', '2026-10-04']],
    ['America/St_Johns', '2000-01-01T00:00:00-03:30', ['2026-03-08', '2026-11-01']],
  ]
  const cases = zones.flatMap(([zone, anchor, days]) =>
    ['90m', '25m', '7h', '1d'].map((text) => [text, zone, anchor, days] as const),
  )
  it.each(cases)(
    'every: %s in %s keeps its step through both jumps, and is woken up each time',
    (text, zone, anchor, days) => {
      const one = schedule(text, zone, 'every')
      const step = { '90m': 90, '25m': 25, '7h': 420, '1d': 1_440 }[text] ?? 0
      for (const day of days) {
        const [from, to] = [-36, 60].map((hours) => new Date(Date.parse(`${day}T00:00:00Z`) + hours * 60 * minuteMs))
        if (from === undefined || to === undefined) throw new Error('no span')
        const found = [...occurrencesOf(one).between(from, to)].map((at) => at.getTime())
        const first = Math.ceil((from.getTime() + 1 - Date.parse(anchor)) / (step * minuteMs))
        const expected: number[] = []
        for (let n = first; ; n++) {
          const at = Date.parse(anchor) + n * step * minuteMs
          if (at > to.getTime()) break
          expected.push(at)
        }
        expect(found).toEqual(expected)
        for (const daemon of ['UTC', 'Europe/Berlin', zone]) {
          const fields = wakeUpFields(one, daemon, from)
          const { next } = occurrencesOf({
            pattern: { kind: 'calendar', fields, gates: [] },
            timeZone: daemon,
            exclude: [],
          })
          for (const at of found)
            expect(next(new Date(at - 1_000))?.getTime(), `${daemon}: ${renderCron(fields)}`).toBe(at)
        }
      }
    },
  )
})

describe('wake-ups', () => {
  const from = new Date('2026-11-24T00:00:00Z')
  it.each([
    ['0 2 * * *', newYork, 'UTC', '0 6,7 * * *'],
    ['30 2 * * 1-5', 'Europe/Berlin', 'UTC', '30 0,1 * * 1-5'],
    ['30 0 * * 1', 'Europe/Berlin', 'UTC', '30 22,23 * * *'],
    ['*/30 2 * * *', newYork, newYork, '*/30 2 * * *'],
    ['0 2 * * *', 'Asia/Kolkata', 'UTC', '30 20 * * *'],
    ['* * * * *', 'Asia/Kolkata', 'Europe/Berlin', '* * * * *'],
  ])('%s of %s on a daemon in %s are %s', (text, zone, daemon, expected) => {
    expect(renderCron(wakeUpFields(schedule(text, zone), daemon, from))).toBe(expected)
  })

  const zones = ['UTC', 'Europe/Berlin', newYork, 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Santiago']
  const patterns: readonly (readonly [Kind, string])[] = [
    ['cron', '30 2 * * *'],
    ['cron', '15 0,1,23 * * 1-5'],
    ['cron', '*/20 1-3 1,15 * *'],
    ['quartz', '0 30 1 LW * ?'],
    ['every', '7h'],
  ]
  it.each(patterns)('%s %s: over ten years and six zones, every nominal time is covered', (kind, text) => {
    const until = new Date('2036-11-24T00:00:00Z')
    const uncovered: string[] = []
    let checked = 0
    for (const [index, zone] of zones.entries())
      for (const daemon of [0, 1, 3].map((step) => zones[(index + step) % zones.length] ?? zone)) {
        const one = schedule(text, zone, kind)
        const wake = wakeUpFields(one, daemon, from, 10)
        const woken = occurrencesOf({
          pattern: { kind: 'calendar', fields: wake, gates: [] },
          timeZone: daemon,
          exclude: [],
        })
        for (const span of spans(from, until, zone, daemon))
          for (const at of occurrencesOf(one).between(...span)) {
            checked++
            if (woken.next(new Date(at.getTime() - 1000))?.getTime() !== at.getTime())
              uncovered.push(`${zone} on ${daemon}: ${at.toISOString()} by ${renderCron(wake)}`)
          }
      }
    expect(uncovered).toEqual([])
    expect(checked).toBeGreaterThan(30)
  })
})

/** The days around every jump of either clock, and one in a hundred of the others. */
function spans(from: Date, until: Date, ...zones: readonly string[]): [Date, Date][] {
  const day = 24 * 3_600_000
  const jumps = zones
    .flatMap((zone) => transitions(zone, from, until))
    .map((at) => [at.getTime() - day, at.getTime() + 1.5 * day])
  const others = Array.from({ length: 36 }, (_, i) => from.getTime() + i * 101 * day).map((at) => [at, at + 1.1 * day])
  return [...jumps, ...others].map(([a = 0, b = 0]) => [new Date(a), new Date(b)])
}
