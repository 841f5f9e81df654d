import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import { type PlanWriter, planValidMs, writePlan } from './plan-file.ts'
import type { PlanSink, RunRequest } from './run-request.ts'

const folderOf = (storePath: string): string => join(dirname(storePath), 'plans')

/** Where the plan is kept that a guard stopped: as a plan file, for people to look at and to apply. */
export const keptPlanPath = (storePath: string, resultId: string): string =>
  join(folderOf(storePath), `${resultId}.plan`)

export interface PlanKeeper extends PlanSink {
  finish(request: RunRequest, result: TaskResultDocument, now: Date): void
  discard(): void
}

/** Makes no file before there is something to keep. */
export function planKeeper(path: string): PlanKeeper {
  let writer: PlanWriter | undefined
  return {
    section(name, hash) {
      writer ??= writePlan(path)
      writer.section(name, hash)
    },
    change: (change) => writer?.change(change),
    finish: (request, result, now) => void writer?.finish(request, result, now),
    discard: () => writer?.discard(),
  }
}

/** @throws UserError IQ1006 where the result keeps none */
export function findKeptPlan(storePath: string, result: TaskResultDocument): string {
  const path = keptPlanPath(storePath, result.id)
  if (existsSync(path)) return path
  throw new UserError(`result ${result.id} keeps no plan`, {
    code: 'IQ1006',
    hint: result.stoppedBy === 'guard' ? 'plans are kept for 24 hours: run it again' : 'only a guard stop keeps one',
  })
}

/** Plans that can no longer be applied, and what a dead run left of one. */
export function sweepKeptPlans(storePath: string, now: Date): void {
  const folder = folderOf(storePath)
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (now.getTime() - statSync(path).mtimeMs > planValidMs) rmSync(path, { force: true })
  }
}
