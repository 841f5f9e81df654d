import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { type CronFields, daysAreAnded, parseCron, renderCron } from './cron-fields.ts'
import { type DayGate, passesGate } from './day-gate.ts'
import { parseEvery } from './every.ts'
import { convertQuartz } from './quartz.ts'

/** When, in the schedule's zone: crontab fields with what they cannot say, or an interval. */
export type Pattern =
  | { readonly kind: 'calendar'; readonly fields: CronFields; readonly gates: readonly DayGate[] }
  | { readonly kind: 'interval'; readonly minutes: number }

export const patternKinds = ['cron', 'quartz', 'every'] as const
export const misfires = ['once', 'skip'] as const

export interface TaskSchedule {
  /** `task/schedule`. */
  readonly id: string
  readonly task: string
  readonly name: string
  readonly written: { readonly kind: (typeof patternKinds)[number]; readonly text: string }
  readonly pattern: Pattern
  readonly timeZone: string
  readonly misfire: (typeof misfires)[number]
  readonly startDeadlineMs: number
  readonly catchUpWindowMs: number
  readonly jitterMs: number
  /** Days in the schedule's zone. */
  readonly exclude: readonly string[]
  /** `2026-12-01` or `2026-12-01T06:00` in the schedule's zone; `until` is included. */
  readonly from?: string | undefined
  readonly until?: string | undefined
  readonly arguments: JsonObject
  readonly enabled: boolean
}

/** @throws UserError IQ5001 */
export function parsePattern({ kind, text }: TaskSchedule['written']): Pattern {
  if (kind === 'cron') return { kind: 'calendar', fields: parseCron(text), gates: [] }
  if (kind === 'every') return parseEvery(text)
  const { fields, gates } = convertQuartz(text)
  return { kind: 'calendar', fields, gates }
}

type Days = Pick<TaskSchedule, 'pattern' | 'exclude' | 'from' | 'until'>

/** Does the day itself allow a fire, whatever the time of day? `2026-11-24` */
export function dayIsOpen({ pattern, exclude, from, until }: Days, date: string): boolean {
  if (exclude.includes(date)) return false
  if (from !== undefined && date < from.slice(0, 10)) return false
  if (until !== undefined && date > until.slice(0, 10)) return false
  if (pattern.kind === 'interval') return true
  if (!pattern.gates.every((gate) => passesGate(gate, date))) return false
  const [, month = 0, day = 0] = date.split('-').map(Number)
  const { fields } = pattern
  const byDay = fields.day.values.includes(day)
  const byWeekday = fields.weekday.values.includes(new Date(`${date}T00:00:00Z`).getUTCDay())
  return fields.month.values.includes(month) && (daysAreAnded(fields) ? byDay && byWeekday : byDay || byWeekday)
}

/** The calendar repeats itself after 28 years, centuries aside; `from` moves the beginning. */
export function neverFires(days: Days): boolean {
  const start = Date.parse(`${(days.from ?? '2024-01-01').slice(0, 10)}T00:00:00Z`)
  for (let day = 0; day < 28 * 366; day++)
    if (dayIsOpen(days, new Date(start + day * 86_400_000).toISOString().slice(0, 10))) return false
  return true
}

export const neverFiresError = (text: string): UserError =>
  new UserError(`"${text}" never fires`, {
    code: 'IQ5002',
    hint: 'no day fits; look at day, month, exclude, from and until',
  })

/** What makes its nominal times; the days it leaves out aside, which a person may add to at any time. */
export const timingOf = ({ written, timeZone, from }: Pick<TaskSchedule, 'written' | 'timeZone' | 'from'>): string =>
  [written.kind, written.text, timeZone, ...(from === undefined ? [] : [from])].join(' ')

/** How a pattern is shown where space is short. */
export const renderPattern = ({ pattern, written }: Pick<TaskSchedule, 'pattern' | 'written'>): string =>
  written.kind === 'cron' && pattern.kind === 'calendar' ? renderCron(pattern.fields) : written.text
