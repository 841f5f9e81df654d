import { Cron } from 'croner'
import { type CronField, daysAreAnded, renderCron } from '../model/cron-fields.ts'
import { dayIsOpen, type TaskSchedule } from '../model/schedule.ts'
import { instantOf, localText } from '../model/zoned.ts'

export type Timed = Pick<TaskSchedule, 'pattern' | 'timeZone' | 'exclude' | 'from' | 'until'>

/** The nominal times of a schedule, as the daemon would have them in the schedule's own zone. */
export interface Occurrences {
  /** The first one after the instant; undefined when none comes any more. */
  next(after: Date): Date | undefined
  /** After `from`, not later than `to`. */
  between(from: Date, to: Date): IterableIterator<Date>
}

/** Excluded years on end are no reason to look for ever. */
const mostMisses = 20_000

export function occurrencesOf(schedule: Timed): Occurrences {
  const candidates =
    schedule.pattern.kind === 'interval' ? intervals(schedule, schedule.pattern.minutes) : calendar(schedule)
  const { timeZone, from, until } = schedule
  const next = (after: Date): Date | undefined => {
    let at: Date | null = after
    for (let tries = 0; tries < mostMisses; tries++) {
      at = candidates(at)
      if (at === null) return undefined
      const local = localText(at, timeZone)
      if (until !== undefined && local.slice(0, until.length) > until) return undefined
      // the daemon runs what a gap skipped after it: the day is still the one that was meant
      if ((from === undefined || local.slice(0, from.length) >= from) && dayIsOpen(schedule, local.slice(0, 10)))
        return at
    }
    return undefined
  }
  return {
    next,
    *between(start, end) {
      for (let at = next(start); at !== undefined && at <= end; at = next(at)) yield at
    },
  }
}

function calendar({ pattern, timeZone }: Timed): (after: Date) => Date | null {
  if (pattern.kind !== 'calendar') throw new Error('an interval has no fields')
  const { minute, hour, ...days } = pattern.fields
  const cron = new Cron(renderCron({ minute: unstepped(minute), hour: unstepped(hour), ...days }), {
    timezone: timeZone,
    mode: '5-part',
    fixedTimeRule: 'no-wildcard',
    domAndDow: daysAreAnded(pattern.fields),
  })
  return (after) => cron.nextRun(after)
}

/** Cron takes a time for a fixed one unless its field begins with a star; croner, unless it holds a star or a step anywhere. */
const unstepped = (field: CronField): CronField =>
  field.text.startsWith('*') ? field : { ...field, text: field.values.join(',') }

/** Counted in elapsed time from `from`, else from a midnight of the zone long ago. */
function intervals({ from, timeZone }: Timed, minutes: number): (after: Date) => Date | null {
  const start = from ?? '2000-01-01'
  const [hour = 0, minute = 0] = start.slice(11).split(':').map(Number)
  const anchor = instantOf(start.slice(0, 10), hour * 60 + minute, timeZone).getTime()
  const step = minutes * 60_000
  return (after) => new Date(anchor + Math.max(0, Math.floor((after.getTime() - anchor) / step) + 1) * step)
}
