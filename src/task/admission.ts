import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, isoText } from '../base/clock.ts'
import { BusyError } from '../base/errors.ts'
import { type Blackout, type BlackoutWindow, blackoutEnd, renderBlackout } from '../model/blackout.ts'
import type { Message } from '../model/result.ts'
import type { Concurrency } from '../model/task-definition.ts'
import type { NewRun } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { endDeadRuns } from './lease.ts'
import type { Fire } from './run-request.ts'

export interface Admission {
  readonly concurrency: Concurrency
  readonly ifRunning: 'fail' | 'skip' | 'wait' | undefined
  readonly signal: AbortSignal
  /** The windows in which nothing starts. */
  readonly blackouts: readonly Blackout[]
  readonly fire: Fire | undefined
  /** A start without a deadline waits for the end of the window, however far that is. */
  readonly waitsOutBlackouts: boolean
}

/**
 * Claims the right to run: of many starts at once exactly one of a `forbid` task gets it, because the look and the claim are one
 * immediate transaction. Gives the run's number, or the number of the `skipped` row.
 * @throws BusyError IQ3001
 */
export async function admit(
  store: Store,
  clock: Clock,
  run: NewRun,
  admission: Admission,
): Promise<{ number: number; skipped: boolean }> {
  endDeadRuns(store, clock)
  const wait =
    admission.ifRunning === 'wait' || (admission.ifRunning === undefined && admission.concurrency === 'queue')
  let queued: number | undefined
  const enqueue = (why: Message | undefined): undefined => {
    if (queued === undefined) {
      queued = insert(store, run, admission.fire, 'run')
      if (why !== undefined) store.runs.message(queued, why)
    }
    store.runs.heartbeat(queued, isoText(clock.now()))
  }
  for (;;) {
    const closed = blackoutEnd(admission.blackouts, clock.now())
    const claimed = store.db.write(() => {
      if (closed !== undefined) {
        const refused = queued === undefined ? refuseInBlackout(store, clock, run, admission, closed) : undefined
        return refused === undefined ? enqueue(delayed(clock.now(), closed)) : refused
      }
      const before = store.runs
        .live()
        .filter((row) => row.task === run.task && (queued === undefined || row.id < queued))
      const [other] = before
      if (other === undefined || admission.concurrency === 'allow') {
        const number = queued ?? insert(store, run, admission.fire, 'run')
        store.runs.start(number, isoText(clock.now()))
        return { number, skipped: false }
      }
      const text = `${run.task} runs already: result ${other.result_id}, process ${other.pid} on ${other.host} since ${other.started_at ?? other.queued_at}`
      if (admission.ifRunning === 'skip')
        return {
          number: settle(store, clock, run, admission.fire, 'skipped', { level: 'info', code: 'IQ3001', text }),
          skipped: true,
        }
      if (wait) return enqueue(undefined)
      throw new BusyError(text, { code: 'IQ3001', hint: 'wait for it: iqtask run … --if-running wait' })
    })
    if (claimed !== undefined) return claimed
    await waitTurn(store, clock, queued, admission.signal, closed === undefined ? 200 : 1_000)
  }
}

function insert(store: Store, run: NewRun, fire: Fire | undefined, outcome: 'run' | 'missed'): number {
  const number = store.runs.insert(run)
  fire?.take(number, outcome)
  for (const message of fire?.messages ?? []) store.runs.message(number, message)
  return number
}

const delayed = (now: Date, { blackout, end }: BlackoutWindow): Message => ({
  level: 'info',
  code: 'IQ5005',
  text: `the start was delayed from ${isoText(now)} to ${isoText(end)} by the blackout ${renderBlackout(blackout)}`,
})

/** A fire that cannot wait so long is missed; a person is told when to come again. @throws BusyError IQ3006 */
function refuseInBlackout(
  store: Store,
  clock: Clock,
  run: NewRun,
  { fire, waitsOutBlackouts }: Admission,
  { blackout, end }: BlackoutWindow,
): { number: number; skipped: boolean } | undefined {
  const text = `${run.task} does not start in the blackout ${renderBlackout(blackout)}, which ends ${isoText(end)}`
  if (fire === undefined && waitsOutBlackouts) return undefined
  if (fire === undefined)
    throw new BusyError(text, { code: 'IQ3006', hint: 'wait for its end: iqtask run … --if-running wait' })
  if (end <= fire.startBy) return undefined
  const why = `missed: ${text}, after the deadline ${isoText(fire.startBy)}`
  return {
    number: settle(store, clock, run, fire, 'missed', { level: 'warning', code: 'IQ5004', text: why }),
    skipped: true,
  }
}

/** A row that tells why there was no run. */
function settle(
  store: Store,
  clock: Clock,
  run: NewRun,
  fire: Fire | undefined,
  status: 'skipped' | 'missed',
  why: Message,
): number {
  const number = insert(store, run, fire, status === 'missed' ? 'missed' : 'run')
  store.runs.message(number, why)
  endWithoutRun(store, clock, number, status)
  return number
}

/** Ends a row that never ran. */
export function endWithoutRun(store: Store, clock: Clock, number: number, status: 'skipped' | 'missed'): void {
  const endedAt = isoText(clock.now())
  const end = { status, exitCode: 0, stoppedBy: undefined, counts: {}, quality: undefined, endedAt, durationMs: 0 }
  store.runs.end(number, end, undefined)
}

/** A queued run that is told to stop leaves the queue. */
async function waitTurn(
  store: Store,
  clock: Clock,
  queued: number | undefined,
  signal: AbortSignal,
  ms: number,
): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (queued !== undefined)
      store.db.write(() =>
        store.runs.end(
          queued,
          {
            status: 'terminated',
            exitCode: 1,
            stoppedBy: 'stop',
            counts: {},
            quality: undefined,
            endedAt: isoText(clock.now()),
            durationMs: 0,
          },
          undefined,
        ),
      )
    throw signal.reason instanceof Error ? signal.reason : error
  }
  endDeadRuns(store, clock)
}
