import { UserError } from '../base/errors.ts'

/** One field of a crontab line: how it is written, and the numbers that it stands for. */
export interface CronField {
  readonly text: string
  readonly values: readonly number[]
}

export const fieldNames = ['minute', 'hour', 'day', 'month', 'weekday'] as const
export type FieldName = (typeof fieldNames)[number]
export type CronFields = Readonly<Record<FieldName, CronField>>

/** Lowest and highest number; crontabs know Sunday as 0 and as 7. */
export const fieldLimits: Readonly<Record<FieldName, readonly [number, number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  month: [1, 12],
  weekday: [0, 7],
}
export const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
export const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

export const badPattern = (message: string, hint?: string): UserError =>
  new UserError(message, { code: 'IQ5001', hint: hint ?? 'for example "30 2 * * 1-5"' })

/**
 * Five fields as every cron reads them alike: numbers, names, `*`, lists, ranges, steps after `*` or a range. What some daemons take
 * and silently misread is refused.
 * @throws UserError IQ5001
 */
export function parseCron(text: string): CronFields {
  if (text.includes('%')) throw badPattern(`"${text}" holds a %, which a crontab turns into a newline`)
  const written = nicknames[text.trim().toLowerCase()] ?? text
  const parts = written.trim().split(/[ \t]+/)
  if (parts.length === 6 || parts.length === 7)
    throw badPattern(`"${text}" has ${parts.length} fields, a crontab has five`, 'with seconds first it is quartz: "…"')
  if (parts.length !== 5)
    throw badPattern(
      `"${text}" has ${parts[0]?.startsWith('@') ? 'a name that is not known' : `${parts.length} fields`}, expected minute, hour, day, month, weekday`,
    )
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = parts
  return {
    minute: parseField('minute', minute),
    hour: parseField('hour', hour),
    day: parseField('day', day),
    month: parseField('month', month),
    weekday: parseField('weekday', weekday),
  }
}

function parseField(name: FieldName, text: string): CronField {
  const parts = text.split(',').map((part) => parsePart(name, part))
  const values = [...new Set(parts.flatMap((part) => part.values))].sort((a, b) => a - b)
  return { text: parts.map((part) => part.text).join(','), values }
}

function parsePart(name: FieldName, part: string): CronField {
  const [low, high] = fieldLimits[name]
  const fault = (why: string, hint?: string): UserError => badPattern(`${name} "${part}" ${why}`, hint)
  if (/[#LW?]/.test(part)) throw fault('is no crontab', 'L, W, # and ? are written as quartz: "0 0 2 L * ?"')
  const match = /^(?:(\*)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:\/(\d+))?$/i.exec(part)
  if (match === null) throw fault(`is no ${name}`, `a number from ${low} to ${high}, *, a list, a range or a step`)
  const [, star, from, to, by] = match
  const step = by === undefined ? 1 : Number(by)
  if (step < 1 || step > high) throw fault(`has a step of ${step}`)
  if (star !== undefined) return { text: by === undefined ? '*' : `*/${step}`, values: spread(name, low, high, step) }
  const first = numberOf(name, from ?? '', fault)
  if (to === undefined) {
    if (by !== undefined) throw fault('has a step without a range', `write ${first}-${high}/${step}`)
    return { text: String(name === 'weekday' ? first % 7 : first), values: spread(name, first, first, 1) }
  }
  const last = numberOf(name, to, fault)
  if (last < first) throw fault('runs backwards and never fires', `write ${first}-${high},${low}-${last}`)
  const text = `${first}-${last}`
  return { text: by === undefined ? text : `${text}/${step}`, values: spread(name, first, last, step) }
}

function numberOf(name: FieldName, text: string, fault: (why: string) => UserError): number {
  const names = name === 'month' ? monthNames : name === 'weekday' ? weekdayNames : []
  const named = names.indexOf(text.toLowerCase())
  if (named !== -1) return name === 'month' ? named + 1 : named
  const [low, high] = fieldLimits[name]
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= low && value <= high)) throw fault(`is outside of ${low} to ${high}`)
  return value
}

function spread(name: FieldName, first: number, last: number, step: number): number[] {
  const values: number[] = []
  for (let value = first; value <= last; value += step) values.push(name === 'weekday' ? value % 7 : value)
  return [...new Set(values)].sort((a, b) => a - b)
}

/** Numbers as the shortest field: `*`, ranges, a list. */
export function renderField(name: FieldName, values: Iterable<number>): CronField {
  const sorted = [...new Set(values)].sort((a, b) => a - b)
  const [low, high] = fieldLimits[name]
  const count = name === 'weekday' ? 7 : high - low + 1
  if (sorted.length === count) return { text: '*', values: sorted }
  const runs: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++
    if (end - i >= 2) runs.push(`${sorted[i]}-${sorted[end]}`)
    else for (let j = i; j <= end; j++) runs.push(String(sorted[j]))
    i = end + 1
  }
  return { text: runs.join(','), values: sorted }
}

export const renderCron = (fields: CronFields): string => fieldNames.map((name) => fields[name].text).join(' ')

/** Both day fields must fit, or one of them: cron looks at nothing but the first character of each. */
export const daysAreAnded = ({ day, weekday }: CronFields): boolean =>
  day.text.startsWith('*') || weekday.text.startsWith('*')
