import { type CronFields, parseCron, renderField } from '../model/cron-fields.ts'
import { localTime, offsetMinutes, transitions } from '../model/zoned.ts'
import { occurrencesOf, type Timed } from './schedule.ts'

const hourMs = 3_600_000
const yearMs = 366 * 24 * hourMs

/**
 * The crontab fields, in the daemon's zone, at which the schedule has to be looked at during the next years: never too few; the gate makes
 * too many harmless.
 */
export function wakeUpFields(schedule: Timed, daemonZone: string, from: Date, years = 5): CronFields {
  const { pattern, timeZone } = schedule
  // the daemon and the evaluator agree where they have one clock
  if (pattern.kind === 'calendar' && timeZone === daemonZone) return pattern.fields
  const to = new Date(from.getTime() + years * yearMs)
  const zones = [transitions(timeZone, from, to), transitions(daemonZone, from, to)]
  const jumps = zones.flat().sort((a, b) => a.getTime() - b.getTime())
  const projected = { minutes: new Set<number>(), hours: new Set<number>(), crosses: false }
  if (pattern.kind === 'interval') projectInterval(schedule, pattern.minutes, daemonZone, [from, ...jumps], projected)
  else projectCalendar(pattern.fields, timeZone, daemonZone, [from, ...jumps], projected)
  if (projected.minutes.size * projected.hours.size < 1440)
    for (const jump of jumps) projectAround(schedule, daemonZone, jump, projected)
  const minute = renderField('minute', projected.minutes)
  const hour = renderField('hour', projected.hours)
  const days = pattern.kind === 'calendar' && !projected.crosses ? pattern.fields : parseCron('* * * * *')
  return {
    minute,
    // a fixed hour would not be woken up again when the daemon's clocks go back: a field that begins with a star is
    hour:
      (zones[1]?.length ?? 0) > 0 && !hour.text.startsWith('*') && !minute.text.startsWith('*')
        ? starred(hour.values)
        : hour,
    day: days.day,
    month: days.month,
    weekday: days.weekday,
  }
}

const starred = (hours: readonly number[]): CronFields['hour'] => {
  const rest = hours.filter((hour) => hour !== 0 && hour !== 23)
  return parseCron(`* ${['*/23', ...rest].join(',')} * * *`).hour
}

interface Projected {
  readonly minutes: Set<number>
  readonly hours: Set<number>
  /** Some of them fall on another day in the daemon's zone. */
  crosses: boolean
}

/** Between two jumps the zones differ by one constant. */
function projectCalendar(
  fields: CronFields,
  zone: string,
  daemonZone: string,
  spans: readonly Date[],
  projected: Projected,
): void {
  const differences = new Set(spans.map((at) => offsetMinutes(at, daemonZone) - offsetMinutes(at, zone)))
  for (const difference of differences)
    for (const hour of fields.hour.values)
      for (const minute of fields.minute.values) {
        const moved = hour * 60 + minute + difference
        if (moved < 0 || moved >= 1440) projected.crosses = true
        add(projected, ((moved % 1440) + 1440) % 1440)
      }
}

function projectInterval(
  schedule: Timed,
  minutes: number,
  daemonZone: string,
  spans: readonly Date[],
  projected: Projected,
): void {
  const { next } = occurrencesOf(schedule)
  for (const at of spans) {
    const first = next(at)
    if (first === undefined) continue
    const start = localTime(first, daemonZone).minutes
    for (let i = 0; i < 1440; i++) {
      const moved = (start + i * minutes) % 1440
      if (i > 0 && moved === start) break
      add(projected, moved)
    }
  }
}

/** What a jump does to fixed times, in either zone, is not reckoned but looked up. */
function projectAround(schedule: Timed, daemonZone: string, jump: Date, projected: Projected): void {
  const { between } = occurrencesOf(schedule)
  for (const at of between(new Date(jump.getTime() - 3 * hourMs), new Date(jump.getTime() + 3 * hourMs))) {
    const local = localTime(at, daemonZone)
    if (local.date !== localTime(at, schedule.timeZone).date) projected.crosses = true
    add(projected, local.minutes)
  }
}

function add(projected: Projected, minutes: number): void {
  projected.hours.add(Math.floor(minutes / 60))
  projected.minutes.add(minutes % 60)
}
