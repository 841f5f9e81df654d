import { type Clock, isoText } from '../base/clock.ts'
import { AbortError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { type Blackout, blackoutAt, renderBlackout } from '../model/blackout.ts'
import type { Store } from '../store/store.ts'
import { heartbeatMs } from './lease.ts'
import type { RunRequest } from './run-request.ts'

/** How a run is told to end early. */
export interface Stopper {
  /** Where the run is, for the next heartbeat. */
  progress?: JsonObject
  readonly signal: AbortSignal
  stop(error: AbortError): void
  end(): void
}

/** One signal for all that ends a run early: the caller's, its timeout, `iqtask stop`. */
export function stopper(request: RunRequest, clock: Clock, timeoutMs: number | undefined): Stopper {
  const controller = new AbortController()
  const stop = (error: AbortError): void => controller.abort(error)
  const forward = (): void => {
    const reason: unknown = request.signal?.reason
    stop(
      reason instanceof AbortError ? reason : new AbortError('the run was stopped', { code: 'IQ3002', cause: reason }),
    )
  }
  if (request.signal?.aborted === true) forward()
  request.signal?.addEventListener('abort', forward)
  const startedMs = clock.monotonicMs()
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1)
          stop(new AbortError(`the run was stopped by its timeout after ${seconds} s`, { code: 'IQ3005' }))
        }, timeoutMs)
  return {
    signal: controller.signal,
    stop,
    end() {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', forward)
    },
  }
}

/** Says that the run lives, hears `iqtask stop`, and knows when a blackout begins. */
export function heartbeat(
  store: Store,
  number: number,
  clock: Clock,
  abort: Stopper,
  blackouts: readonly Blackout[],
): NodeJS.Timeout {
  const stopping = blackouts.filter((blackout) => blackout.stop)
  const timer = setInterval(() => {
    const { stopRequested } = store.db.write(() => store.runs.heartbeat(number, isoText(clock.now()), abort.progress))
    const closed = blackoutAt(stopping, clock.now())
    if (closed !== undefined)
      abort.stop(
        new AbortError(
          `stopped by the blackout ${renderBlackout(closed.blackout)}; it goes on after ${isoText(closed.end)}`,
          { code: 'IQ3006', cause: 'blackout' },
        ),
      )
    if (stopRequested !== null) abort.stop(new AbortError(stopRequested, { code: 'IQ3002', cause: 'stop' }))
  }, heartbeatMs)
  return timer.unref()
}
