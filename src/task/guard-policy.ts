import type { JsonObject } from '../base/json.ts'
import { checkGuardNames, type GuardName, type GuardSettings, mergeGuards } from '../model/guard-settings.ts'
import { judge } from '../model/guards.ts'
import type { PlanFigures } from '../model/plan-figures.ts'
import type { Project } from '../model/project.ts'
import type { GuardVerdict } from '../model/result.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { RunRequest } from './run-request.ts'

export interface GuardPolicy {
  judge(figures: PlanFigures): readonly GuardVerdict[]
  /** The guard is neither switched off for the section nor allowed for this run. */
  speaks(guard: GuardName, section: string): boolean
}

/**
 * The guards of one run: limits of the project, narrowed by the application, then by the task, then by the sequences whose step it is;
 * `--allow` for this run only.
 * @throws UserError for an unknown guard, in a file or on the command line
 */
export function guardPolicy(
  project: Project,
  definition: TaskDefinition,
  { allow, callers = [] }: Pick<RunRequest, 'allow' | 'callers'>,
  args: JsonObject,
): GuardPolicy {
  const allowed = checkGuardNames(allow?.guards ?? [])
  const ofProject = { guards: project.guards, place: { file: project.file } }
  const ofTasks = [definition, ...callers].map(({ guards, file }) => ({ guards, place: { file } }))
  // a faulty limit is told before anything is read
  mergeGuards([ofProject, ...ofTasks])
  const threshold = args.checkDeletedThreshold
  const settingsOf = (section: string): GuardSettings => {
    const application = project.applications.names().includes(section) ? project.applications.get(section) : undefined
    const ofApplication =
      application === undefined ? [] : [{ guards: application.guards, place: { file: application.file } }]
    return mergeGuards([ofProject, ...ofApplication, ...ofTasks])
  }
  return {
    judge: (figures) =>
      judge(figures, settingsOf(figures.section), {
        allow: allowed,
        deletesAtMost: typeof threshold === 'number' ? threshold : undefined,
      }),
    speaks: (guard, section) => settingsOf(section)[guard] !== 'off' && !allowed.includes(guard),
  }
}
