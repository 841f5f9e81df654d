import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { type Blackout, blackoutAt } from '../model/blackout.ts'
import type { Project } from '../model/project.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { RunRequest } from './run-request.ts'

/** Those of the task and those of the project; for a step, whoever runs it keeps those of the project. */
export const blackoutsOf = (
  project: Project,
  { blackout }: TaskDefinition,
  { child }: Pick<RunRequest, 'child'> = {},
): readonly Blackout[] => (child === undefined ? [...blackout, ...project.blackout] : blackout)

/** False: told to stop before the end of the window. */
export async function waitOutBlackout(
  blackouts: readonly Blackout[],
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  while (blackoutAt(blackouts, clock.now()) !== undefined) {
    if (signal?.aborted === true) return false
    // an abort only wakes it up
    await sleep(1_000, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  }
  return true
}
