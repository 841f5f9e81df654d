import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseCron, renderCron } from '../../src/model/cron-fields.ts'
import { transitions } from '../../src/model/zoned.ts'
import { occurrencesOf } from '../../src/task/schedule.ts'
import { wakeUpFields } from '../../src/task/wake-up.ts'

/**
 * Cron minute by minute, written from what its daemon does: it knows nothing of the evaluator's library. Its clock is the minutes that
 * the wall shows; after a jump forward of less than three hours it runs the fixed times that were skipped, after one back it runs only
 * times with a star, until the wall has caught up.
 */
function daemon(text: string, zone: string, from: number, to: number): number[] {
  const fields = text.split(' ')
  const [minutes, hours, days, months, weekdays] = fields.map((field, index) => {
    const [low, high] =
      [
        [0, 59],
        [0, 23],
        [1, 31],
        [1, 12],
        [0, 7],
      ][index] ?? []
    return valuesOf(field, low ?? 0, high ?? 0)
  })
  const wild = fields[0]?.startsWith('*') === true || fields[1]?.startsWith('*') === true
  const both = fields[2]?.startsWith('*') === true || fields[4]?.startsWith('*') === true
  const matches = (wall: number): boolean => {
    const at = new Date(wall * 60_000)
    const byDay = days?.has(at.getUTCDate()) === true
    const weekday = at.getUTCDay()
    const byWeekday = weekdays?.has(weekday) === true || (weekday === 0 && weekdays?.has(7) === true)
    return (
      minutes?.has(at.getUTCMinutes()) === true &&
      hours?.has(at.getUTCHours()) === true &&
      months?.has(at.getUTCMonth() + 1) === true &&
      (both ? byDay && byWeekday : byDay || byWeekday)
    )
  }
  const found: number[] = []
  let virtual = wallOf(zone, from)
  for (let at = from + 60_000; at <= to; at += 60_000) {
    const wall = wallOf(zone, at)
    const ahead = wall - virtual
    let fires = false
    if (ahead === 1) {
      virtual = wall
      fires = matches(wall)
    } else if (ahead > 1) {
      fires = wild && matches(wall)
      while (virtual < wall) fires = (matches(++virtual) && !wild) || fires
    } else fires = wild && matches(wall)
    if (fires) found.push(at)
  }
  return found
}

function valuesOf(field: string, low: number, high: number): Set<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/')
    const [first, last] = range === '*' ? [low, high] : range.split('-').map(Number)
    for (let n = first ?? 0; n <= (last ?? first ?? 0); n += Number(step)) values.add(n)
  }
  return values
}

const quarterMs = 900_000
const offsets = new Map<string, number>()

/** The wall's clock in minutes: looked up minute by minute in the quarter of an hour in which it jumps. */
function wallOf(zone: string, at: number): number {
  const quarter = Math.floor(at / quarterMs) * quarterMs
  const [before, after] = [offsetAt(zone, quarter), offsetAt(zone, quarter + quarterMs)]
  return Math.floor(at / 60_000) + (before === after ? before : offsetAt(zone, at))
}

const formats = new Map<string, Intl.DateTimeFormat>()
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric' as const
  const known = formats.get(timeZone)
  const format =
    known ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric },
    })
  formats.set(timeZone, format)
  return format
}

function offsetAt(zone: string, at: number): number {
  const key = `${zone} ${at}`
  let offset = offsets.get(key)
  if (offset === undefined) {
    const parts = formatOf(zone).formatToParts(at)
    const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value)
    const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'))
    offset = Math.round((wall - Math.floor(at / 60_000) * 60_000) / 60_000)
    offsets.set(key, offset)
  }
  return offset
}

const field = (low: number, high: number, around: readonly number[]) => {
  const number = fc.oneof(fc.integer({ min: low, max: high }), fc.constantFrom(...around))
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max: Math.max(2, Math.floor(high / 2)) })
  const part = fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([r, s]) => `${r}/${s}`),
  )
  return fc.oneof(
    fc.constant('*'),
    step.map((n) => `*/${n}`),
    number.map(String),
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
  )
}
const day = fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, { weight: 1, arbitrary: field(1, 31, [1, 28, 31]) })
const weekday = fc.oneof(
  { weight: 3, arbitrary: fc.constant('*') },
  { weight: 1, arbitrary: field(0, 7, [0, 1, 6, 7]) },
)
const month = fc.oneof({ weight: 5, arbitrary: fc.constant('*') }, { weight: 1, arbitrary: field(1, 12, [3, 10]) })
const pattern = fc
  .tuple(field(0, 59, [0, 15, 30, 45]), field(0, 23, [0, 1, 2, 3, 23]), day, month, weekday)
  .map((fields) => fields.join(' '))
const zone = fc.constantFrom(
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Santiago'],
  ...['Pacific/Auckland', 'Africa/Casablanca', 'America/St_Johns', 'Asia/Kathmandu', 'America/Havana', 'Asia/Gaza'],
)
const dayMs = 86_400_000

it('the nominal times are those of a daemon that looks every minute, whatever the pattern, zone and year', () => {
  fc.assert(
    fc.property(pattern, zone, fc.integer({ min: 2000, max: 2037 }), fc.nat(), (text, timeZone, year, choice) => {
      const [from, to] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)]
      const jumps = transitions(timeZone, new Date(from), new Date(to))
      const jump = jumps.length === 0 ? undefined : jumps[choice % jumps.length]
      const start = (jump?.getTime() ?? from + (choice % 360) * dayMs) - 1.25 * dayMs
      const end = start + 2.75 * dayMs
      const { between } = occurrencesOf({
        pattern: { kind: 'calendar', fields: parseCron(text), gates: [] },
        timeZone,
        exclude: [],
      })
      const ours = [...between(new Date(start), new Date(end))].map((at) => at.toISOString())
      expect(ours).toEqual(daemon(text, timeZone, start, end).map((at) => new Date(at).toISOString()))
    }),
    {
      numRuns: 150,
      examples: [
        ['0 0-23 * * *', 'America/New_York', 2026, 1],
        ['0-59/10 1-2 * * *', 'Europe/Berlin', 2026, 1],
        ['5,*/20 0-4 * * *', 'Australia/Lord_Howe', 2026, 0],
      ],
    },
  )
})

it('wake-ups cover every nominal time, whatever the pattern, its zone and that of the daemon', () => {
  fc.assert(
    fc.property(
      pattern,
      zone,
      zone,
      fc.integer({ min: 2026, max: 2030 }),
      fc.nat(),
      (text, timeZone, machine, year, choice) => {
        const schedule = {
          pattern: { kind: 'calendar', fields: parseCron(text), gates: [] },
          timeZone,
          exclude: [],
        } as const
        const from = new Date('2026-01-01T00:00:00Z')
        const wake = renderCron(wakeUpFields(schedule, machine, from, 6))
        const span = [new Date(Date.UTC(year, 0, 1)), new Date(Date.UTC(year + 1, 0, 1))] as const
        const jumps = [...transitions(timeZone, ...span), ...transitions(machine, ...span)]
        const jump = jumps.length === 0 ? undefined : jumps[choice % jumps.length]
        const start = (jump?.getTime() ?? Date.UTC(year, 0, 1) + (choice % 360) * dayMs) - 1.25 * dayMs
        const end = start + 2.75 * dayMs
        const woken = new Set(daemon(wake, machine, start, end))
        const nominal = [...occurrencesOf(schedule).between(new Date(start), new Date(end))]
        expect(nominal.filter((at) => !woken.has(at.getTime())).map((at) => `${at.toISOString()} by ${wake}`)).toEqual(
          [],
        )
      },
    ),
    { numRuns: 40 },
  )
})
