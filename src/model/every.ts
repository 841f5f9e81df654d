import { parseDuration } from '../base/duration.ts'
import { badPattern, type CronFields, parseCron, weekdayNames } from './cron-fields.ts'
import type { DayGate } from './day-gate.ts'
import { convertQuartz } from './quartz.ts'

export type Every =
  | { readonly kind: 'interval'; readonly minutes: number }
  | { readonly kind: 'calendar'; readonly fields: CronFields; readonly gates: readonly DayGate[] }

const examples =
  'for example 90m, "day at 02:30", "weekday at 02:30", "mon,thu at 06:00", "month on last-workday at 22:00", "quarter on 1 at 03:00"'
const fault = (text: string, why: string) => badPattern(`every "${text}" ${why}`, examples)
const ordinals = ['first', 'second', 'third', 'fourth']

/** Words for people, as the same fields and gates that patterns become. @throws UserError IQ5001 */
export function parseEvery(text: string): Every {
  if (text.includes('%')) throw badPattern(`"${text}" holds a %, which a crontab turns into a newline`)
  const interval = parseDuration(text.trim())
  if (interval !== undefined) {
    if (interval < 60_000 || interval % 60_000 !== 0) throw fault(text, 'is not in whole minutes')
    return { kind: 'interval', minutes: interval / 60_000 }
  }
  const match = /^(.+?)(?: on (.+?))?(?: at (\d{1,2}|):(\d\d))?$/.exec(text.trim().toLowerCase())
  const [, unit = '', on, hourText, minuteText = '0'] = match ?? []
  const minute = Number(minuteText)
  const hour = Number(hourText ?? 0)
  if (match === null || minute > 59 || hour > 23) throw fault(text, 'is not understood')
  const cron = (rest: string): Every => ({ kind: 'calendar', fields: parseCron(`${minute} ${rest}`), gates: [] })
  const needsDay = unit === 'month' || unit === 'quarter' || unit === 'year'
  if (on !== undefined && !needsDay) throw fault(text, `cannot have "on": only month, quarter and year have days`)
  if (unit === 'minute') return { kind: 'calendar', fields: parseCron('* * * * *'), gates: [] }
  if (unit === 'hour') return cron('* * * *')
  if (unit === 'day') return cron(`${hour} * * *`)
  if (unit === 'weekday' || unit === 'workday') return cron(`${hour} * * 1-5`)
  if (needsDay) return onDay(text, unit, on ?? '1', minute, hour)
  const days = unit.split(/,\s*/).map((word) => weekdayNames.indexOf(word.slice(0, 3)))
  const known = unit.split(/,\s*/).every((word) => /^(sun|mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?)(day)?$/.test(word))
  if (!known || days.includes(-1)) throw fault(text, 'is not understood')
  return cron(`${hour} * * ${days.join(',')}`)
}

function onDay(text: string, unit: string, on: string, minute: number, hour: number): Every {
  const date = unit === 'year' ? /^(\d\d?)-(\S+)$/.exec(on) : null
  const day = date?.[2] ?? on
  const atEnd = day.startsWith('last')
  const months = { month: '*', quarter: atEnd ? '3,6,9,12' : '1,4,7,10', year: date?.[1] ?? (atEnd ? '12' : '1') }[unit]
  const [quartzDay, quartzWeekday] = dayWords(text, day)
  const { fields, gates } = convertQuartz(`0 ${minute} ${hour} ${quartzDay} ${months} ${quartzWeekday}`)
  return { kind: 'calendar', fields, gates }
}

/** Quartz' day and weekday for the words. */
function dayWords(text: string, day: string): readonly [string, string] {
  if (/^\d{1,2}$/.test(day)) return [day, '?']
  if (day === 'last-day') return ['L', '?']
  if (day === 'last-workday') return ['LW', '?']
  if (day === 'first-day') return ['1', '?']
  if (day === 'first-workday') return ['1W', '?']
  const [which = '', name = ''] = day.split('-')
  const weekday = weekdayNames.indexOf(name.slice(0, 3))
  if (weekday === -1) throw fault(text, `has a day "${day}" that is not known`)
  if (which === 'last') return ['?', `${weekday + 1}L`]
  const nth = ordinals.indexOf(which)
  if (nth === -1) throw fault(text, `has a day "${day}" that is not known`)
  return ['?', `${weekday + 1}#${nth + 1}`]
}
