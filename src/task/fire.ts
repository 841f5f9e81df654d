import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isoText } from '../base/clock.ts'
import { renderDuration } from '../base/duration.ts'
import { BusyError } from '../base/errors.ts'
import { counted } from '../base/plural.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import type { Message } from '../model/result.ts'
import { type TaskSchedule, timingOf } from '../model/schedule.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { Store } from '../store/store.ts'
import { recordMissed } from './claim.ts'
import type { Fire, RunRequest } from './run-request.ts'
import type { RunnerOptions } from './runner.ts'
import { occurrencesOf } from './schedule.ts'

export interface FireOutcome {
  readonly id: string
  /** `ran` also when it ended badly or was skipped: the result says so. */
  readonly did: 'ran' | 'nothing' | 'missed'
  readonly reason: string
  readonly nominal: string | null
  /** How many nominal times went by without a run. */
  readonly missed: number
  readonly result: TaskResultDocument | null
}

export interface FireOptions extends Pick<RunRequest, 'signal' | 'onEvent'> {
  /** Runs a task with all that belongs to a run. */
  readonly run: (request: RunRequest) => Promise<TaskResultDocument>
}

/** A clock that is a little behind the daemon's still finds its own minute. */
export const clockToleranceMs = 5_000
/** More than so many missed times of one outage are told in one row. */
const mostRows = 100

class TakenError extends BusyError {}

/** Runs what is due of a schedule, once for each nominal time whoever asks, and records what was missed. */
export async function fireSchedule(
  runner: RunnerOptions,
  schedule: TaskSchedule,
  options: FireOptions,
): Promise<FireOutcome> {
  const store = runner.store()
  const nothing = (reason: string): FireOutcome => ({
    id: schedule.id,
    did: 'nothing',
    reason,
    nominal: null,
    missed: 0,
    result: null,
  })
  if (!schedule.enabled) return nothing('it is switched off (enabled: false)')
  const now = runner.clock.now()
  const paused = pausedSince(store, schedule, now)
  if (paused !== undefined) return nothing(paused)
  const due = dueTimes(store, schedule, now)
  const newest = due.at(-1)
  if (newest === undefined) return nothing('nothing is due')
  const definition = runner.project.tasks.get(schedule.task)
  const late = now.getTime() - newest.getTime()
  const onTime = late <= schedule.startDeadlineMs
  const madeGood = !onTime && schedule.misfire === 'once' && late <= schedule.catchUpWindowMs
  const lost = onTime || madeGood ? due.slice(0, -1) : due
  const missed = recordAll(runner, schedule, definition, lost, onTime || madeGood ? newest : undefined)
  const outcome = { ...nothing(''), nominal: isoText(newest), missed }
  if (!onTime && !madeGood)
    return { ...outcome, did: 'missed', reason: `${isoText(newest)} went by ${renderDuration(late)} ago` }
  if (onTime) await jitter(schedule, newest, runner, options.signal)
  return run(runner, schedule, definition, { newest, onTime }, outcome, options)
}

async function run(
  runner: RunnerOptions,
  schedule: TaskSchedule,
  definition: TaskDefinition,
  { newest, onTime }: { readonly newest: Date; readonly onTime: boolean },
  outcome: FireOutcome,
  options: FireOptions,
): Promise<FireOutcome> {
  const store = runner.store()
  const nominal = isoText(newest)
  const late = runner.clock.now().getTime() - newest.getTime()
  const fire: Fire = {
    startBy: new Date(
      newest.getTime() + (onTime ? schedule.startDeadlineMs + schedule.jitterMs : schedule.catchUpWindowMs),
    ),
    messages: [
      {
        level: 'info',
        code: onTime ? 'IQ5009' : 'IQ5004',
        text: `for ${schedule.id} at ${nominal}${onTime ? '' : `, made good ${renderDuration(late)} late`}`,
      },
    ],
    take(number, kind) {
      if (!store.schedules.claim(schedule.id, nominal, { run: number, at: isoText(runner.clock.now()), outcome: kind }))
        throw new TakenError(`${schedule.id} at ${nominal} is taken`, { code: 'IQ3001' })
    },
  }
  try {
    const { run: start, ...rest } = options
    const result = await start({
      ...rest,
      task: schedule.task,
      trigger: 'schedule',
      set: {},
      arguments: schedule.arguments,
      // `queue` and `allow` are the definition's own way
      ifRunning: definition.concurrency === 'forbid' ? 'skip' : undefined,
      fire,
    })
    const did = result.status === 'missed' ? 'missed' : 'ran'
    const reason = result.status === 'missed' || result.status === 'skipped' ? result.messages.at(-1)?.text : undefined
    return {
      ...outcome,
      did,
      result,
      reason: reason ?? `at ${nominal}`,
      missed: outcome.missed + (did === 'missed' ? 1 : 0),
    }
  } catch (error) {
    if (!(error instanceof TakenError)) throw error
    return { ...outcome, did: 'nothing', reason: error.message }
  }
}

/** Why it may not run; a pause that is over ends here, and nothing of it was missed. */
function pausedSince(store: Store, schedule: TaskSchedule, now: Date): string | undefined {
  countFromNow(store, schedule, now)
  const state = store.schedules.state(schedule.id)
  if (state === undefined || state.pausedAt === null) return undefined
  const { pausedAt, pausedUntil } = state
  if (pausedUntil === null || pausedUntil > isoText(now))
    return `it is paused since ${pausedAt}${pausedUntil === null ? '' : ` until ${pausedUntil}`}`
  store.db.write(() => store.schedules.resume(schedule.id, pausedUntil))
  return undefined
}

/** What is new, or has another timing than it had, begins with the time that it was called for: nothing is missed from before. */
function countFromNow(store: Store, schedule: TaskSchedule, now: Date): void {
  const timing = timingOf(schedule)
  if (store.schedules.state(schedule.id)?.timing === timing) return
  const from = new Date(now.getTime() - schedule.startDeadlineMs)
  const newest = [...occurrencesOf(schedule).between(from, new Date(now.getTime() + clockToleranceMs))].at(-1)
  const since = isoText(newest === undefined ? now : new Date(newest.getTime() - 1))
  store.db.write(() => store.schedules.begin(schedule.id, since, timing))
}

/** Nominal times that nobody took, oldest first. */
export function dueTimes(store: Store, schedule: TaskSchedule, now: Date): Date[] {
  const end = new Date(now.getTime() + clockToleranceMs)
  const { since } = store.schedules.state(schedule.id) ?? { since: isoText(now) }
  const last = store.schedules.last(schedule.id, isoText(end)) ?? ''
  const after = new Date(since > last ? since : last)
  return [...occurrencesOf(schedule).between(after, end)].filter((at) => !store.schedules.has(schedule.id, isoText(at)))
}

function recordAll(
  runner: RunnerOptions,
  schedule: TaskSchedule,
  definition: TaskDefinition,
  lost: readonly Date[],
  madeGoodBy: Date | undefined,
): number {
  if (lost.length === 0) return 0
  const { schedules, db } = runner.store()
  const why = madeGoodBy === undefined ? 'it is too late to make it good' : `made good by ${isoText(madeGoodBy)}`
  const message = (what: string): Message => ({
    level: 'warning',
    code: 'IQ5004',
    text: `missed: ${schedule.id} ${what} was not started in time (machine off, or nothing woke it up); ${why}`,
  })
  const keep = (times: readonly Date[], what: string): number =>
    db.write(() => {
      const open = times.filter((at) => !schedules.has(schedule.id, isoText(at)))
      if (open.length === 0) return 0
      const number = recordMissed(runner, definition, schedule.arguments, message(what))
      const at = isoText(runner.clock.now())
      for (const time of open) schedules.claim(schedule.id, isoText(time), { run: number, at, outcome: 'missed' })
      return open.length
    })
  if (lost.length <= mostRows) return lost.reduce((sum, at) => sum + keep([at], `at ${isoText(at)}`), 0)
  const [first, last] = [lost[0], lost.at(-1)]
  return keep(
    lost,
    `${counted(lost.length, 'time')} from ${first === undefined ? '' : isoText(first)} to ${last === undefined ? '' : isoText(last)}`,
  )
}

/** Always the same part of the window for one schedule on one host: the ledger keeps the nominal time. */
export function jitterOf({ id, jitterMs }: Pick<TaskSchedule, 'id' | 'jitterMs'>, host: string): number {
  if (jitterMs === 0) return 0
  const hash = createHash('sha256').update(`${id} ${host}`).digest().readUInt32BE()
  return Math.floor((hash / 2 ** 32) * jitterMs)
}

async function jitter(
  schedule: TaskSchedule,
  nominal: Date,
  { clock }: RunnerOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const start = nominal.getTime() + jitterOf(schedule, hostname())
  while (clock.now().getTime() < start && signal?.aborted !== true)
    await sleep(
      Math.min(1_000, start - clock.now().getTime()),
      undefined,
      signal === undefined ? {} : { signal },
    ).catch(() => undefined)
}
