import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, isoText } from '../base/clock.ts'
import { BusyError } from '../base/errors.ts'
import type { Concurrency } from '../model/task-definition.ts'
import type { NewRun } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { endDeadRuns } from './lease.ts'

export interface Admission {
  readonly concurrency: Concurrency
  readonly ifRunning: 'fail' | 'skip' | 'wait' | undefined
  readonly signal: AbortSignal
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
  for (;;) {
    const claimed = store.db.write(() => {
      const before = store.runs
        .live()
        .filter((row) => row.task === run.task && (queued === undefined || row.id < queued))
      const [other] = before
      if (other === undefined || admission.concurrency === 'allow') {
        const number = queued ?? store.runs.insert(run)
        store.runs.start(number, isoText(clock.now()))
        return { number, skipped: false }
      }
      const text = `${run.task} runs already: result ${other.result_id}, process ${other.pid} on ${other.host} since ${other.started_at ?? other.queued_at}`
      if (admission.ifRunning === 'skip') return { number: skip(store, clock, run, text), skipped: true }
      if (wait) {
        queued ??= store.runs.insert(run)
        store.runs.heartbeat(queued, isoText(clock.now()))
        return undefined
      }
      throw new BusyError(text, { code: 'IQ3001', hint: 'wait for it: iqtask run … --if-running wait' })
    })
    if (claimed !== undefined) return claimed
    await waitTurn(store, clock, queued, admission.signal)
  }
}

function skip(store: Store, clock: Clock, run: NewRun, text: string): number {
  const number = store.runs.insert(run)
  store.runs.message(number, { level: 'info', code: 'IQ3001', text })
  store.runs.end(
    number,
    {
      status: 'skipped',
      exitCode: 0,
      stoppedBy: undefined,
      counts: {},
      quality: undefined,
      endedAt: isoText(clock.now()),
      durationMs: 0,
    },
    undefined,
  )
  return number
}

/** A queued run that is told to stop leaves the queue. */
async function waitTurn(store: Store, clock: Clock, queued: number | undefined, signal: AbortSignal): Promise<void> {
  try {
    await sleep(200, undefined, { signal })
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
