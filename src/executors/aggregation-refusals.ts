import { UserError } from '../base/errors.ts'
import type { Application } from '../model/application.ts'
import { findDeadRule } from '../model/dead-rule.ts'
import type { TaskContext } from '../task/executor.ts'

/** Silently finding nobody would look like a feed of strangers. */
export function refuseDeadRules(application: Application, context: TaskContext): void {
  const fault = findDeadRule(application, context.project.identity)
  if (fault === undefined) return
  throw new UserError(fault.text, { code: 'IQ1105', hint: fault.hint, place: { file: application.file } })
}
