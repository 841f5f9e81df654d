import { UserError } from '../../base/errors.ts'
import { levelsOf, type Step } from '../../model/sequence.ts'
import type { TaskDefinition } from '../../model/task-definition.ts'
import type { CommandContext, CommandGroup, OptionValues } from '../command.ts'
import { safe } from '../terminal.ts'
import { newTask, types } from './task-new.ts'

export const task: CommandGroup = {
  name: 'task',
  summary: 'task definitions',
  commands: [
    {
      name: 'list',
      summary: 'the tasks of the project and those that come with the tool',
      examples: ['iqtask task list'],
      run: list,
    },
    {
      name: 'show',
      arguments: '<name>',
      summary: 'one definition, its executor and the arguments that it takes',
      examples: ['iqtask task show aggregation', 'iqtask task show nightly --graph'],
      options: [{ flags: '--graph', summary: 'of a sequence, its steps in the order they run' }],
      run: show,
    },
    {
      name: 'validate',
      arguments: '[name]',
      summary: 'check one definition and its arguments, or all',
      examples: ['iqtask task validate aggregation'],
      run: validate,
    },
    newTask,
    types,
  ],
}

const executorOf = (definition: TaskDefinition): string =>
  typeof definition.executor === 'string' ? definition.executor : definition.executor.command.join(' ')

async function list(context: CommandContext): Promise<undefined> {
  const { project } = await context.app()
  const names = project.tasks.names()
  const items = names.map((name) => {
    try {
      const one = project.tasks.get(name)
      const { title, description, shipped } = one
      return { name, executor: executorOf(one), description: title ?? description ?? null, shipped, fault: null }
    } catch (error) {
      return { name, executor: null, description: null, shipped: false, fault: (error as Error).message }
    }
  })
  await context.printer.list({
    items,
    total: items.length,
    empty: 'no tasks',
    columns: [
      { title: 'TASK', value: (item) => item.name },
      { title: 'EXECUTOR', value: (item) => item.executor ?? '–' },
      { title: 'FROM', value: (item) => (item.shipped ? 'iqtask' : 'project') },
      { title: 'DESCRIPTION', value: (item) => (item.fault === null ? (item.description ?? '') : `✖ ${item.fault}`) },
    ],
  })
  return undefined
}

async function show(
  context: CommandContext,
  [name = '']: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const app = await context.app()
  const definition = app.project.tasks.get(name)
  const executor = typeof definition.executor === 'string' ? await app.executorOf(definition) : undefined
  const { z } = await import('zod')
  const schema =
    executor === undefined ? null : z.toJSONSchema(executor.arguments, { io: 'input', unrepresentable: 'any' })
  const { text, sha256, file, shipped } = definition
  const steps = await graphOf(definition)
  await context.printer.document(
    {
      schema: 'iqtask/TaskDefinition/1',
      name,
      executor: executorOf(definition),
      file,
      shipped,
      sha256,
      text,
      argumentsSchema: schema,
      steps: steps ?? null,
    },
    () => {
      if (options.graph === true) return renderGraph(context, name, steps)
      const { style } = context
      const properties = Object.entries((schema?.properties ?? {}) as Record<string, { default?: unknown }>)
      const width = Math.max(0, ...properties.map(([key]) => key.length))
      const lines = properties.map(([key, value]) =>
        `  ${key.padEnd(width)}  ${value.default === undefined ? '' : `default ${JSON.stringify(value.default)}`}`.trimEnd(),
      )
      const about =
        executor === undefined ? '' : `${style.bold(executor.name)}  ${executor.summary}\n${lines.join('\n')}\n`
      return `${style.dim(safe(file))}\n${safe(text)}\n${about}`
    },
  )
  return undefined
}

interface PlacedStep extends Step {
  /** Steps of one level may run side by side. */
  readonly level: number
}

async function graphOf(definition: TaskDefinition): Promise<PlacedStep[] | undefined> {
  const { sequenceSteps } = await import('../../app.ts')
  const steps = definition.executor === 'sequence' ? sequenceSteps(definition.arguments) : undefined
  if (steps === undefined) return undefined
  return levelsOf(steps).flatMap((level, index) => level.map((step) => ({ ...step, level: index + 1 })))
}

function renderGraph({ style }: CommandContext, name: string, steps: readonly PlacedStep[] | undefined): string {
  if (steps === undefined)
    throw new UserError(`${name} is no sequence: it has no steps`, { code: 'IQ1002', hint: `iqtask task show ${name}` })
  const width = (of: (step: PlacedStep) => string): number => Math.max(...steps.map((step) => of(step).length))
  const after = ({ needs }: Step): string => (needs.length === 0 ? 'at once' : `after ${needs.join(', ')}`)
  const [names, afters] = [width(({ name }) => name), width(after)]
  const lines = steps.map((step, index) => {
    const level = steps[index - 1]?.level === step.level ? '' : String(step.level)
    const task = step.task === step.name ? '' : `  runs ${step.task}`
    const when = step.needs.length === 0 ? '' : `when ${step.when}`
    return `${style.dim(level.padStart(3))}  ${style.bold(step.name.padEnd(names))}  ${after(step).padEnd(afters)}  ${when}${task}`.trimEnd()
  })
  return `${lines.join('\n')}\n`
}

async function validate(context: CommandContext, [name]: readonly string[]): Promise<number | undefined> {
  const app = await context.app()
  const names = name === undefined ? app.project.tasks.names() : [name]
  const files = new Set(names.map((one) => app.project.tasks.get(one).file))
  const problems = (await app.validate()).filter((problem) => files.has(problem.place?.file ?? ''))
  const [first] = problems
  if (first !== undefined) throw first
  for (const one of names) {
    const definition = app.project.tasks.get(one)
    if (typeof definition.executor === 'string') await app.executorOf(definition)
  }
  await context.printer.document(
    { schema: 'iqtask/Validation/1', valid: true, tasks: names },
    () => `${names.join(', ')}: valid\n`,
  )
  return undefined
}
