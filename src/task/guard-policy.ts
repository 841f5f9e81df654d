import type { JsonObject } from '../base/json.ts'
import { checkGuardNames, mergeGuards } from '../model/guard-settings.ts'
import { judge } from '../model/guards.ts'
import type { PlanFigures } from '../model/plan-figures.ts'
import type { Project } from '../model/project.ts'
import type { GuardVerdict } from '../model/result.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { RunRequest } from './run-request.ts'

/**
 * The guards of one run: limits of the project, narrowed by the application, then by the task; `--allow` for this run only.
 * @throws UserError for an unknown guard, in a file or on the command line
 */
export function guardPolicy(
  project: Project,
  definition: TaskDefinition,
  allow: RunRequest['allow'],
  args: JsonObject,
): (figures: PlanFigures) => readonly GuardVerdict[] {
  const allowed = checkGuardNames(allow?.guards ?? [])
  const ofProject = { guards: project.guards, place: { file: project.file } }
  const ofTask = { guards: definition.guards, place: { file: definition.file } }
  // a faulty limit is told before anything is read
  mergeGuards([ofProject, ofTask])
  const threshold = args.checkDeletedThreshold
  return (figures) => {
    const application = project.applications.names().includes(figures.section)
      ? project.applications.get(figures.section)
      : undefined
    const ofApplication =
      application === undefined ? [] : [{ guards: application.guards, place: { file: application.file } }]
    return judge(figures, mergeGuards([ofProject, ...ofApplication, ofTask]), {
      allow: allowed,
      deletesAtMost: typeof threshold === 'number' ? threshold : undefined,
    })
  }
}
