import type { ZodType } from 'zod'
import { IqtaskError, UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Registry } from '../base/registry.ts'
import type { Application, Feed } from '../model/application.ts'
import { findDeadRule } from '../model/dead-rule.ts'
import type { Project } from '../model/project.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import { bindArguments } from './arguments.ts'
import { parseFile } from './text.ts'

export interface Known {
  readonly executors: Registry<{ readonly name: string; readonly arguments: ZodType }>
  readonly connectors: Registry<{ readonly name: string; readonly connection: ZodType }>
}

/** The settings of one of the application's feeds by the connector's own schema. @throws UserError with the place in the file */
export function checkSettings(application: Application, feed: Feed, schema: ZodType, settings: JsonObject): unknown {
  const done = schema.safeParse(settings)
  if (done.success) return done.data
  // a mistyped key says more than what is missing because of it
  const issue = done.error.issues.find((one) => one.code === 'unrecognized_keys') ?? done.error.issues[0]
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const parsed = parseFile(application.file)
  const path = [...pathOf(application, feed, parsed.value), ...(issue?.path ?? []), ...keys.slice(0, 1)]
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : []
  throw new UserError(
    keys.length > 0
      ? `${feed.connector} has no setting "${keys[0]}"`
      : `${path.join('.')}: ${issue?.message ?? 'not right'}`,
    {
      code: keys.length > 0 ? 'IQ1103' : 'IQ1104',
      place: parsed.place(path),
      hint: didYouMean(keys[0] ?? '', known) ?? (known.length > 0 ? `it has ${known.join(', ')}` : undefined),
    },
  )
}

/** Where the feed stands in the application's file; the catalogue may be one feed or a list. */
function pathOf(application: Application, feed: Feed, file: unknown): PropertyKey[] {
  const grants = (application.grants as readonly Feed[]).indexOf(feed)
  if (grants !== -1) return ['grants', grants]
  const catalogue = (application.entitlements as readonly Feed[]).indexOf(feed)
  if (catalogue === -1) return ['connection']
  return Array.isArray((file as JsonObject).entitlements) ? ['entitlements', catalogue] : ['entitlements']
}

/** Everything that is wrong in the project's files, references between objects included. */
export function validateProject(project: Project, known: Known): IqtaskError[] {
  const problems: IqtaskError[] = []
  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof IqtaskError)) throw error
      problems.push(error)
    }
  }
  attempt(() => void project.identity)
  for (const name of project.applications.names())
    attempt(() => {
      const application = project.applications.get(name)
      attempt(() => checkRules(project, application))
      for (const feed of [application, ...application.grants, ...application.entitlements])
        attempt(() => {
          const kind = known.connectors.get(feed.connector)
          // references stand in for values that only the run knows
          if (!JSON.stringify(feed.connection).includes('${'))
            checkSettings(application, feed, kind.connection, feed.connection)
        })
    })
  for (const name of project.tasks.names())
    attempt(() => {
      const task = project.tasks.get(name)
      if (typeof task.executor !== 'string' || task.executor.startsWith('.')) return
      const executor = known.executors.get(task.executor)
      for (const [index, schedule] of task.schedule.entries())
        attempt(() => checkSchedule(task, index, executor.arguments, schedule.arguments))
      if (task.parameters.some((parameter) => parameter.required)) return
      const bound = bindArguments(task, executor.arguments, { set: {} })
      const named = bound.arguments.applications
      const steps = task.executor === 'sequence' ? (bound.arguments.tasks as { task: string }[]) : []
      for (const step of steps) attempt(() => void project.tasks.get(step.task))
      for (const application of Array.isArray(named) ? (named as string[]) : [])
        if (!/[*?]/.test(application)) attempt(() => void project.applications.get(application))
    })
  return [
    ...new Map(problems.map((problem) => [`${problem.message} ${JSON.stringify(problem.place)}`, problem])).values(),
  ]
}

/** The rules fit the identity model. @throws UserError with the place of the one that does not */
function checkRules(project: Project, application: Application): void {
  const fault = findDeadRule(application, project.identity)
  if (fault === undefined) return
  throw new UserError(fault.text, {
    code: 'IQ1105',
    place: parseFile(application.file).place(['correlation', fault.index, 'identity']),
    hint: fault.hint,
  })
}

/** What a schedule sets is what the executor takes. @throws UserError with its place */
function checkSchedule(task: TaskDefinition, index: number, schema: ZodType, given: JsonObject): void {
  try {
    bindArguments(task, schema, { set: {}, arguments: given })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const place = parseFile(task.file).place(['schedule', index, 'arguments'])
    throw new UserError(error.message, { code: error.code, hint: error.hint, place, cause: error })
  }
}
