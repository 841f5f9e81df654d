import type { App } from './app.ts'
import { isoText } from './base/clock.ts'
import { renderDuration } from './base/duration.ts'
import { daemonZone } from './installation.ts'
import type { Installed } from './installed.ts'
import { renderCron } from './model/cron-fields.ts'
import type { ScheduleDocument } from './model/documents.ts'
import { isDrifted, wakesUp } from './model/install-target.ts'
import { renderPattern, type TaskSchedule } from './model/schedule.ts'
import { durationsOf } from './schedules.ts'
import { occurrencesOf } from './task/schedule.ts'
import { wakeUpFields } from './task/wake-up.ts'

export function describeSchedule(app: App, schedule: TaskSchedule, installed: Installed): ScheduleDocument {
  const now = app.clock.now()
  const store = app.storeIfExists()
  const state = store?.schedules.state(schedule.id)
  const [last] = store?.schedules.history(schedule.id, 1) ?? []
  const next: string[] = []
  if (schedule.enabled)
    for (
      let at = occurrencesOf(schedule).next(now);
      at !== undefined && next.length < 3;
      at = occurrencesOf(schedule).next(at)
    )
      next.push(isoText(at))
  const { targets, fault } = installed
  const wakers = targets.filter((target) => wakesUp(target, schedule.id))
  const { average, deviation } = durationsOf(app, schedule.id)
  return {
    schema: 'iqtask/Schedule/1',
    id: schedule.id,
    task: schedule.task,
    cron: renderPattern(schedule),
    timeZone: schedule.timeZone,
    wakeUp: renderCron(wakeUpFields(schedule, daemonZone(), now)),
    enabled: schedule.enabled,
    installed: wakers.length > 0 || (fault === undefined ? false : null),
    targets: wakers.map(({ target }) => target),
    drifted: wakers.some((target) => isDrifted(target, schedule.id)),
    next,
    last:
      last === undefined
        ? null
        : { nominal: last.nominal, outcome: last.outcome, status: last.status, result: last.result },
    missed: store?.schedules.missedSince(schedule.id, isoText(new Date(now.getTime() - 30 * 86_400_000))) ?? 0,
    paused: state?.pausedAt != null,
    pausedUntil: state?.pausedUntil ?? null,
    averageMs: average === undefined ? null : Math.round(average),
    deviationMs: deviation === undefined ? null : Math.round(deviation),
    overlap: overlapOf(next, average, deviation),
  }
}

/** The usual run and twice its deviation are longer than the gap between two fires. */
function overlapOf([first, second]: readonly string[], average: number | undefined, deviation = 0): string | null {
  if (first === undefined || second === undefined || average === undefined) return null
  const gap = Date.parse(second) - Date.parse(first)
  const long = average + 2 * deviation
  return long <= gap
    ? null
    : `a run takes up to ${renderDuration(long)}, the next fire comes after ${renderDuration(gap)}`
}
