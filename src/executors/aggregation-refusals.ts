import { UserError } from '../base/errors.ts'
import type { Application } from '../model/application.ts'
import { findDeadRule } from '../model/dead-rule.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'

/** Feeds in other shapes are declared in the contract and come later: they are refused, never read wrongly. */
export function refuseUnknownShapes(application: Application, args: AggregationArguments): void {
  const shapes = {
    deltaAggregation: args.deltaAggregation,
  }
  const shape = Object.entries(shapes).find(([, used]) => used)?.[0]
  if (shape === undefined) return
  throw new UserError(`${application.name}: ${shape} is not supported by this version`, {
    code: 'IQ1104',
    hint: 'leave it out, or run a newer iqtask',
    place: { file: application.file },
  })
}

/** Silently finding nobody would look like a feed of strangers. */
export function refuseDeadRules(application: Application, context: TaskContext): void {
  const fault = findDeadRule(application, context.project.identity)
  if (fault === undefined) return
  throw new UserError(fault.text, { code: 'IQ1105', hint: fault.hint, place: { file: application.file } })
}
