import { existsSync } from 'node:fs'
import type { App } from './app.ts'
import { isoText } from './base/clock.ts'
import { renderDuration } from './base/duration.ts'
import { IqtaskError } from './base/errors.ts'
import { daemonZone, drift } from './installation.ts'
import { renderCron } from './model/cron-fields.ts'
import type { ScheduleDocument } from './model/documents.ts'
import { renderPattern, type TaskSchedule } from './model/schedule.ts'
import { durationsOf } from './schedules.ts'
import { occurrencesOf } from './task/schedule.ts'
import { wakeUpFields } from './task/wake-up.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What the crontab has of this project; `fault` tells why nobody knows. */
export interface Installed {
  readonly lines: readonly string[]
  readonly drifted: readonly string[]
  /** Paths that its lines call and that are not there any more. */
  readonly gone: readonly string[]
  readonly fault: string | undefined
}

export function installedNow(app: App, env: Env): Installed {
  try {
    const { installed, diff } = drift(app, env)
    const lines = installed?.split('\n') ?? []
    return { lines, drifted: installed === undefined ? [] : diff, gone: gonePaths(lines), fault: undefined }
  } catch (error) {
    if (!(error instanceof IqtaskError)) throw error
    return { lines: [], drifted: [], gone: [], fault: error.message }
  }
}

/** Every absolute path among the words of the lines is there, or it is named. */
function gonePaths(lines: readonly string[]): string[] {
  const words = lines
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) =>
      [...line.matchAll(/'((?:[^']|'\\'')*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll(`'\\''`, `'`) ?? plain ?? '',
      ),
    )
  return [...new Set(words)].filter((word) => word.startsWith('/') && !existsSync(word))
}

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
  const line = installed.lines.some((one) => one.includes(` schedule fire ${schedule.id} `))
  const { average, deviation } = durationsOf(app, schedule.id)
  return {
    schema: 'iqtask/Schedule/1',
    id: schedule.id,
    task: schedule.task,
    cron: renderPattern(schedule),
    timeZone: schedule.timeZone,
    wakeUp: renderCron(wakeUpFields(schedule, daemonZone(), now)),
    enabled: schedule.enabled,
    installed: installed.fault === undefined ? line : null,
    drifted: line && installed.drifted.some((one) => !one.startsWith(' ') && one.includes(schedule.id)),
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
