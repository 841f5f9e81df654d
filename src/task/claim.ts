import { isoText } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { JsonObject } from '../base/json.ts'
import type { Message } from '../model/result.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { NewRun, RunRow } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { admit, endWithoutRun } from './admission.ts'
import { blackoutsOf } from './blackout-wait.ts'
import type { Checkpoint } from './drive.ts'
import type { Executor } from './executor.ts'
import { sweepKeptPlans } from './kept-plans.ts'
import { endDeadRuns } from './lease.ts'
import { currentActor, ownProcess } from './process.ts'
import type { RunRequest } from './run-request.ts'
import type { RunnerOptions } from './runner.ts'

/** The right to run, and where to begin. */
export interface Claim {
  readonly number: number
  readonly skipped: boolean
  readonly checkpoint: Checkpoint
  readonly resumed: boolean
  readonly crashed: boolean
}

export function newRun(
  runner: RunnerOptions,
  request: Pick<RunRequest, 'trigger' | 'dryRun' | 'child'>,
  definition: TaskDefinition,
  args: JsonObject,
): NewRun {
  const now = runner.clock.now()
  return {
    resultId: request.child?.resultId ?? newId(now),
    parent: request.child?.parent,
    task: definition.name,
    executor: typeof definition.executor === 'string' ? definition.executor : definition.executor.command.join(' '),
    trigger: request.trigger,
    actor: currentActor(runner.env),
    ...ownProcess(),
    dryRun: request.dryRun ?? definition.dryRun,
    arguments: args,
    definition: { text: definition.text, sha256: definition.sha256, git: runner.gitOf(definition.file) },
    toolVersion: runner.toolVersion,
    queuedAt: isoText(now),
  }
}

/** The run that `resume` means, where there is one. */
function brokenRun(
  store: Store,
  { task, child, stopped }: Pick<RunRequest, 'task' | 'child' | 'stopped'>,
): RunRow | undefined {
  const known = child?.resultId ?? stopped
  return known === undefined ? store.runs.broken().find((row) => row.task === task) : store.runs.resumable(known)
}

/** A run that goes on keeps the arguments it began with: what was asked for then need not be said again. */
export function keptArguments(
  runner: RunnerOptions,
  request: RunRequest,
  executor: Executor,
): { readonly arguments: JsonObject; readonly parsed: unknown } | undefined {
  if (request.resume !== true) return undefined
  const store = runner.store()
  endDeadRuns(store, runner.clock)
  const broken = brokenRun(store, request)
  if (broken === undefined) return undefined
  const kept = JSON.parse(broken.arguments) as JsonObject
  const done = executor.arguments.safeParse(kept)
  return done.success ? { arguments: kept, parsed: done.data } : undefined
}

export async function claimRun(
  runner: RunnerOptions,
  request: RunRequest,
  definition: TaskDefinition,
  run: NewRun,
  signal: AbortSignal,
): Promise<Claim> {
  const store = runner.store()
  if (request.resume === true) {
    endDeadRuns(store, runner.clock)
    const resumed = store.db.write(() => {
      const broken = brokenRun(store, request)
      if (broken === undefined) return undefined
      store.runs.claim(broken.id, run, run.queuedAt)
      store.runs.message(broken.id, { level: 'info', code: 'IQ3003', text: `resumed at ${run.queuedAt}` })
      return {
        number: broken.id,
        skipped: false,
        resumed: true,
        crashed: broken.stopped_by === 'crash',
        checkpoint: JSON.parse(broken.checkpoint ?? '{"done":[]}') as Checkpoint,
      }
    })
    if (resumed !== undefined) return resumed
  }
  // under the eyes of the others: a plan is needed by who lives, and by who can go on
  store.db.write(() =>
    store.accountPlans.sweep([...store.runs.live(), ...store.runs.broken()].map((row) => row.result_id)),
  )
  sweepKeptPlans(store.path, runner.clock.now())
  const admission = {
    concurrency: definition.concurrency,
    ifRunning: request.ifRunning,
    signal,
    blackouts: blackoutsOf(runner.project, definition, request),
    fire: request.fire,
    // nobody would start a step again later
    waitsOutBlackouts: request.ifRunning === 'wait' || request.child !== undefined,
  }
  return {
    ...(await admit(store, runner.clock, run, admission)),
    resumed: false,
    crashed: false,
    checkpoint: { done: [] },
  }
}

/** A row for a start that never came, with the reason. Inside the caller's transaction. */
export function recordMissed(
  runner: RunnerOptions,
  definition: TaskDefinition,
  args: JsonObject,
  why: Message,
): number {
  const store = runner.store()
  const number = store.runs.insert(newRun(runner, { trigger: 'schedule' }, definition, args))
  store.runs.message(number, why)
  endWithoutRun(store, runner.clock, number, 'missed')
  return number
}
