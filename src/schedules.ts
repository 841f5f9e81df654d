import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { App } from './app.ts'
import { isoText } from './base/clock.ts'
import { IqtaskError, UserError } from './base/errors.ts'
import { didYouMean } from './base/nearest.ts'
import { blackoutAt, renderBlackout } from './model/blackout.ts'
import { type TaskSchedule, timingOf } from './model/schedule.ts'
import { localTime, offsetMinutes } from './model/zoned.ts'
import type { FireRecord } from './store/schedules.ts'
import { blackoutsOf } from './task/blackout-wait.ts'
import { clockToleranceMs } from './task/fire.ts'
import { occurrencesOf } from './task/schedule.ts'
import { digestOf, type WakeUps, wakeUpFile } from './wake-up.ts'

export type { FireOutcome } from './task/fire.ts'

/** Every schedule of the project, by id; a faulty task elsewhere stops nobody. */
export function allSchedules({ project }: Pick<App, 'project'>): TaskSchedule[] {
  return project.tasks.names().flatMap((name) => {
    try {
      return [...project.tasks.get(name).schedule]
    } catch (error) {
      if (!(error instanceof IqtaskError)) throw error
      return []
    }
  })
}

/** Task files that cannot be read: what schedules they have nobody knows, and none of them is shown. */
export function faultyTasks({ project }: Pick<App, 'project'>): IqtaskError[] {
  return project.tasks.names().flatMap((name) => {
    try {
      project.tasks.get(name)
      return []
    } catch (error) {
      if (!(error instanceof IqtaskError)) throw error
      return [error]
    }
  })
}

/** @throws UserError IQ5003 with the nearest name; the fault of the task's own file */
export function findSchedule({ project }: Pick<App, 'project'>, id: string): TaskSchedule {
  const [task = ''] = id.split('/')
  if (project.tasks.names().includes(task)) {
    const found = project.tasks.get(task).schedule.find((one) => one.id === id)
    if (found !== undefined) return found
  }
  const known = allSchedules({ project }).map((one) => one.id)
  throw new UserError(`there is no schedule ${JSON.stringify(id)}`, {
    code: 'IQ5003',
    hint:
      didYouMean(id, known) ?? (known.length === 0 ? 'no task has a schedule: yet' : `there are ${known.join(', ')}`),
  })
}

export interface NextFire {
  readonly id: string
  readonly at: string
  readonly local: string
  readonly note: string | null
}

/** The next nominal times of these schedules, in order; undefined `count`: per schedule. */
export function nextFires(
  app: App,
  schedules: readonly TaskSchedule[],
  { from, count }: { readonly from: Date; readonly count: number },
): NextFire[] {
  const all = schedules.flatMap((schedule) => {
    const times: { readonly schedule: TaskSchedule; readonly at: Date }[] = []
    const { next } = occurrencesOf(schedule)
    for (let at = next(from); at !== undefined && times.length < count; at = next(at)) times.push({ schedule, at })
    return times
  })
  all.sort((a, b) => a.at.getTime() - b.at.getTime())
  return all.slice(0, count).map(({ schedule, at }) => {
    const { date, minutes } = localTime(at, schedule.timeZone)
    const clock = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
    const notes = [jumpNote(schedule, at), blackoutNote(app, schedule, at), collisionNote(app, all, schedule, at)]
    return {
      id: schedule.id,
      at: isoText(at),
      local: `${date} ${clock} ${schedule.timeZone}`,
      note: notes.filter((note) => note !== undefined).join('; ') || null,
    }
  })
}

const hourMs = 3_600_000

/** The clocks of the zone jump on this day: why a time looks odd. */
function jumpNote({ timeZone }: TaskSchedule, at: Date): string | undefined {
  const before = offsetMinutes(new Date(at.getTime() - 3 * hourMs), timeZone)
  const after = offsetMinutes(new Date(at.getTime() + 3 * hourMs), timeZone)
  if (before === after) return undefined
  return `the clocks go ${after > before ? 'forward' : 'back'} ${Math.abs(after - before)} minutes around this time`
}

function blackoutNote({ project }: App, { task, startDeadlineMs }: TaskSchedule, at: Date): string | undefined {
  const closed = blackoutAt(blackoutsOf(project, project.tasks.get(task)), at)
  if (closed === undefined) return undefined
  const late = closed.end.getTime() - at.getTime()
  return `in the blackout ${renderBlackout(closed.blackout)}: ${late <= startDeadlineMs ? `delayed to ${isoText(closed.end)}` : 'missed, startDeadline is before its end'}`
}

/** Longer than this, and two at once are worth a word. */
const heavyMs = 60_000

function collisionNote(
  app: App,
  all: readonly { schedule: TaskSchedule; at: Date }[],
  one: TaskSchedule,
  at: Date,
): string | undefined {
  const others = all.filter(({ schedule, at: start }) => {
    if (schedule.task === one.task || start > at) return false
    const usual = durationsOf(app, schedule.id).average
    return usual !== undefined && usual >= heavyMs && start.getTime() + usual > at.getTime()
  })
  const names = [...new Set(others.map(({ schedule }) => schedule.id))]
  return names.length === 0 ? undefined : `${names.join(', ')} usually still runs then`
}

export interface Durations {
  readonly average: number | undefined
  readonly deviation: number | undefined
}

/** Of the last thirty runs that came to an end. */
export function durationsOf(app: App, id: string): Durations {
  const history: readonly FireRecord[] = app.storeIfExists()?.schedules.history(id, 60) ?? []
  const times = history
    .flatMap(({ status, durationMs }) =>
      (status === 'success' || status === 'warning') && durationMs !== null ? [durationMs] : [],
    )
    .slice(0, 30)
  if (times.length === 0) return { average: undefined, deviation: undefined }
  const average = times.reduce((sum, time) => sum + time, 0) / times.length
  const variance = times.reduce((sum, time) => sum + (time - average) ** 2, 0) / times.length
  return { average, deviation: Math.sqrt(variance) }
}

/** Writes down when each schedule is next due, so that a wake-up that comes too early costs next to nothing. */
export function writeWakeUps(app: App): void {
  const { project } = app
  const now = app.clock.now()
  const store = app.storeIfExists()
  const entries = allSchedules(app).map((schedule) => {
    const state = store?.schedules.state(schedule.id)
    const settled = new Date(now.getTime() + clockToleranceMs)
    const last = store?.schedules.last(schedule.id, isoText(settled))
    const after = [state?.since, last]
      .flatMap((text) => (text == null ? [] : [text]))
      .sort()
      .at(-1)
    const paused = state?.pausedAt == null ? undefined : state.pausedUntil
    const due =
      !schedule.enabled || paused === null
        ? undefined
        : occurrencesOf(schedule).next(new Date(paused ?? after ?? isoText(now)))
    const files = Object.fromEntries(
      [project.file, project.tasks.get(schedule.task).file].map((file) => [file, digestOf(file)]),
    )
    return [schedule.id, { next: due?.getTime() ?? null, files }] as const
  })
  const file = wakeUpFile(project.folder)
  const wakeUps: WakeUps = { at: now.getTime(), schedules: Object.fromEntries(entries) }
  if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(wakeUps), { mode: 0o600 })
  renameSync(`${file}.${process.pid}`, file)
}

/** Pauses a schedule until a time or (null) until somebody resumes it; undefined resumes. Audited. */
export function holdSchedule(app: App, schedule: TaskSchedule, until: string | null | undefined): void {
  const { id } = schedule
  const store = app.store()
  const at = isoText(app.clock.now())
  store.db.write(() => {
    store.schedules.begin(id, at, timingOf(schedule))
    if (until === undefined) store.schedules.resume(id, at)
    else store.schedules.pause(id, at, until)
    store.audit.append({
      at,
      actor: JSON.stringify(app.actor),
      action: until === undefined ? 'schedule.resumed' : 'schedule.paused',
      object: 'schedule',
      key: id,
      run: null,
      body: { until: until ?? null },
    })
  })
  writeWakeUps(app)
}
