import {
  badPattern,
  type CronField,
  type CronFields,
  type FieldName,
  fieldLimits,
  monthNames,
  renderField,
  weekdayNames,
} from './cron-fields.ts'
import { type DayGate, daysOfGate } from './day-gate.ts'

export interface Converted {
  readonly fields: CronFields
  readonly gates: readonly DayGate[]
  /** `gate`: the line alone would fire too often; iqtask lets only the right times through. */
  readonly kind: 'exact' | 'gate'
  readonly reason: string
}

const everything: CronField = { text: '*', values: [] }
const star = (name: FieldName): CronField => ({ ...renderField(name, span(name)), text: '*' })
const span = (name: FieldName): number[] => {
  const [low, high] = fieldLimits[name]
  const end = name === 'weekday' ? 6 : high
  return Array.from({ length: end - low + 1 }, (_, i) => low + i)
}

/** IdentityIQ's patterns as crontab fields and a gate. @throws UserError IQ5001 with the reason of the refusal */
export function convertQuartz(text: string): Converted {
  if (text.includes('%')) throw badPattern(`"${text}" holds a %, which a crontab turns into a newline`)
  const parts = text.trim().toUpperCase().split(/\s+/)
  if (parts.length !== 6 && parts.length !== 7)
    throw quartzFault(
      `"${text}" has ${parts.length} fields, expected seconds, minutes, hours, day, month, weekday and perhaps year`,
    )
  const [seconds = '', minutes = '', hours = '', day = '', month = '', weekday = '', year] = parts
  if (!/^\d{1,2}$/.test(seconds) || Number(seconds) > 59)
    throw quartzFault(`seconds "${seconds}" fire several times a minute, which a crontab cannot`)
  if (isRestricted(day) && isRestricted(weekday))
    throw quartzFault('day and weekday are both restricted: one of them must be ?')
  const days = dayOf(day)
  const weekdays = weekdayOf(weekday)
  const gates = [...days.gates, ...weekdays.gates, ...yearsOf(year)]
  const fields: CronFields = {
    minute: plain('minute', minutes),
    hour: plain('hour', hours),
    // a gate on weekdays narrows the days of the month: one field says both
    day: weekdays.days ?? days.field,
    month: plain('month', month),
    weekday: weekdays.field,
  }
  const said = [
    ...(gates.length > 0
      ? [
          `a crontab cannot say ${[...days.said, ...weekdays.said, ...(year === undefined || year === '*' ? [] : ['years'])].join(' and ')}: the line wakes up more often, and iqtask lets only the right times through`,
        ]
      : []),
    ...(Number(seconds) === 0 ? [] : [`a crontab has no seconds: it fires at second 0 instead of ${Number(seconds)}`]),
  ]
  return {
    fields,
    gates,
    kind: said.length === 0 ? 'exact' : 'gate',
    reason: said.join('; ') || 'every field says the same in a crontab',
  }
}

const quartzFault = (message: string) => badPattern(message, 'for example "0 30 2 ? * MON-FRI"')
const isRestricted = (text: string): boolean => text !== '?' && text !== '*'

interface Days {
  readonly field: CronField
  readonly gates: readonly DayGate[]
  readonly said: readonly string[]
  /** Days of the month that a gate on weekdays needs. */
  readonly days?: CronField
}

function dayOf(text: string): Days {
  if (!isRestricted(text)) return { field: star('day'), gates: [], said: [] }
  const gate = gateOfDay(text)
  if (gate === undefined) return { field: plain('day', text), gates: [], said: [] }
  return { field: renderField('day', daysOfGate(gate)), gates: [gate], said: [text] }
}

function gateOfDay(text: string): DayGate | undefined {
  if (text === 'L') return { kind: 'last', before: 0 }
  if (text === 'LW') return { kind: 'lastWorkday' }
  const before = /^L-(\d{1,2})$/.exec(text)?.[1]
  if (before !== undefined && Number(before) <= 27) return { kind: 'last', before: Number(before) }
  const near = /^(\d{1,2})W$/.exec(text)?.[1]
  if (near !== undefined && Number(near) >= 1 && Number(near) <= 31)
    return { kind: 'nearestWorkday', day: Number(near) }
  if (/[LW]/.test(text)) throw quartzFault(`day "${text}" is not known; there are L, L-3, LW and 15W`)
  return undefined
}

function weekdayOf(text: string): Days {
  const free = { field: star('weekday'), gates: [], said: [] }
  if (!isRestricted(text)) return free
  if (text === 'L') return { field: renderField('weekday', [6]), gates: [], said: [] }
  const last = /^(\w+?)L$/.exec(text)?.[1]
  const nth = /^(\w+)#([1-5])$/.exec(text)
  if (last === undefined && nth === null) return { field: plain('weekday', text), gates: [], said: [] }
  const weekday = numberOf('weekday', last ?? nth?.[1] ?? '')
  const gate: DayGate =
    last === undefined ? { kind: 'nthWeekday', weekday, nth: Number(nth?.[2]) } : { kind: 'lastWeekday', weekday }
  return { ...free, days: renderField('day', daysOfGate(gate)), gates: [gate], said: [text] }
}

function yearsOf(text: string | undefined): DayGate[] {
  if (text === undefined || text === '*') return []
  const years = text.split(',').flatMap((part) => {
    const match = /^(\d{4})(?:-(\d{4}))?(?:\/(\d{1,3}))?$/.exec(part)
    if (match === null) throw quartzFault(`year "${part}" is none`)
    const [, from, to, by] = match
    const end = to === undefined ? (by === undefined ? Number(from) : 2099) : Number(to)
    return Array.from(
      { length: Math.floor((end - Number(from)) / Number(by ?? 1)) + 1 },
      (_, i) => Number(from) + i * Number(by ?? 1),
    )
  })
  return [{ kind: 'years', years }]
}

/** Lists, ranges (also backwards ones) and steps (also from a single number). */
function plain(name: FieldName, text: string): CronField {
  const parts = text.split(',').map((part) => plainPart(name, part))
  if (parts.some((part) => part.text === '*')) return star(name)
  return {
    text: parts.map((part) => part.text).join(','),
    values: [...new Set(parts.flatMap((part) => part.values))].sort((a, b) => a - b),
  }
}

function plainPart(name: FieldName, part: string): CronField {
  const match = /^(?:(\*)|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:\/(\d{1,2}))?$/.exec(part)
  if (match === null) throw quartzFault(`${name} "${part}" cannot be read`)
  const [, any, from, to, by] = match
  const all = span(name)
  const step = Number(by ?? 1)
  if (step < 1) throw quartzFault(`${name} "${part}" has a step of 0`)
  if (any !== undefined) {
    const values = all.filter((_, i) => i % step === 0)
    return by === undefined ? everything : { text: `*/${step}`, values }
  }
  const first = numberOf(name, from ?? '')
  const max = all.at(-1) ?? 0
  if (to === undefined && by === undefined) return { text: String(first), values: [first] }
  const last = to === undefined ? max : numberOf(name, to)
  const run =
    first <= last
      ? all.filter((n) => n >= first && n <= last)
      : [...all.filter((n) => n >= first), ...all.filter((n) => n <= last)]
  const values = run.filter((_, i) => i % step === 0)
  if (first > last) return renderField(name, values)
  return { text: first === last ? String(first) : `${first}-${last}${by === undefined ? '' : `/${step}`}`, values }
}

function numberOf(name: FieldName, text: string): number {
  const names = name === 'month' ? monthNames : name === 'weekday' ? weekdayNames : []
  const named = names.indexOf(text.toLowerCase())
  if (named !== -1) return name === 'month' ? named + 1 : named
  const value = /^\d{1,2}$/.test(text) ? Number(text) - (name === 'weekday' ? 1 : 0) : Number.NaN
  const all = span(name)
  if (!all.includes(value)) throw quartzFault(`${name} "${text}" is outside of what there is`)
  return value
}
