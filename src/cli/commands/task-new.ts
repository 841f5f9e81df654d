import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { App } from '../../app.ts'
import { UserError } from '../../base/errors.ts'
import { type Command, type CommandContext, type OptionValues, text } from '../command.ts'
import { isOwnExecutor, writeExecutor } from './executor-files.ts'
import { settings } from './run.ts'

/** The JSON Schema of an executor's arguments, as far as it is used here. */
interface ArgumentsSchema {
  readonly properties?: Readonly<Record<string, { readonly default?: unknown; readonly description?: string }>>
  readonly required?: readonly string[]
}

async function argumentsOf(app: App, executor: string): Promise<ArgumentsSchema> {
  const { z } = await import('zod')
  return z.toJSONSchema(app.executors.get(executor).arguments, {
    io: 'input',
    unrepresentable: 'any',
  }) as ArgumentsSchema
}

export const types: Command = {
  name: 'types',
  summary: 'the executors there are, with the arguments that each takes',
  examples: ['iqtask task types', 'iqtask task types --output wide', 'iqtask task types --json'],
  async run(context) {
    const app = await context.app()
    const items: { name: string; summary: string; required: string[]; optional: string[] }[] = []
    for (const name of app.executors.names) {
      const { properties = {}, required = [] } = await argumentsOf(app, name)
      const optional = Object.keys(properties).filter((one) => !required.includes(one))
      items.push({ name, summary: app.executors.get(name).summary, required: [...required], optional })
    }
    await context.printer.list({
      items,
      total: items.length,
      empty: 'there are none',
      footer: 'make a task of one: iqtask task new NAME --executor EXECUTOR',
      columns: [
        { title: 'EXECUTOR', value: (item) => item.name },
        { title: 'NEEDS', value: (item) => item.required.join(', ') || '–' },
        { title: 'DOES', value: (item) => item.summary },
        { title: 'TAKES', wide: true, value: (item) => item.optional.join(', ') },
      ],
    })
    return undefined
  },
}

export const newTask: Command = {
  name: 'new',
  arguments: '[name]',
  summary: 'a task definition in tasks/; asks at a terminal for what the options leave open',
  examples: [
    'iqtask task new',
    'iqtask task new nightly-hr --executor account-aggregation --set applications=hr',
    'iqtask task new clean-up --executor ./clean-up.ts',
    'iqtask task new full-read --executor account-aggregation --set applications=hr,ad --description "every account again"',
  ],
  options: [
    {
      flags: '--executor <executor>',
      summary: 'what it runs: iqtask task types, or ./FILE.ts, which is written with a test',
    },
    { flags: '--set <key=value>', summary: 'an argument of the executor', repeated: true },
    { flags: '--description <text>', summary: 'what it is for' },
  ],
  async run(context, [given], options) {
    const app = await context.app()
    const name = nameOf(app, given ?? (await answer(context, options, 'name of the task', 'iqtask task new NAME')))
    const executor =
      text(options, 'executor') ??
      (await answer(context, options, `executor (${app.executors.names.join(', ')})`, '--executor NAME'))
    const { required = [] } = isOwnExecutor(executor) ? {} : await argumentsOf(app, executor)
    const set = settings((options.set as string[] | undefined) ?? [])
    for (const key of required)
      set[key] ??= await answer(context, options, `${key} (several: with commas between)`, `--set ${key}=VALUE`)
    const file = join(app.project.folder, 'tasks', `${name}.yaml`)
    const definition = await definitionOf(app, { name, executor, set, file, description: text(options, 'description') })
    // it belongs to the repository, not to one person
    mkdirSync(dirname(file), { recursive: true })
    const own = isOwnExecutor(executor) ? writeExecutor(dirname(file), name, executor) : []
    writeFileSync(file, definition, { flag: 'wx' })
    const { sha256, shipped, text: written } = app.project.tasks.get(name)
    const schema = { schema: 'iqtask/TaskDefinition/1' as const, name, executor, file, shipped, sha256 }
    await context.printer.document(
      { ...schema, text: written, argumentsSchema: null, steps: null },
      () => `made ${[file, ...own].join('\n     ')}\n  try it: iqtask run ${name} --dry-run\n`,
    )
    return undefined
  },
}

function nameOf({ project }: App, name: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    throw new UserError(`a task cannot be named ${JSON.stringify(name)}`, {
      code: 'IQ1002',
      hint: 'a name is made of a-z, 0-9, ".", "_", "-" and starts with a letter or digit',
    })
  if (existsSync(join(project.folder, 'tasks', `${name}.yaml`)))
    throw new UserError(`there is a task named "${name}" already`, {
      code: 'IQ1110',
      hint: `iqtask task show ${name}; choose another name`,
    })
  return name
}

/** The file's text; arguments checked and typed by the executor's schema before anything is written. @throws UserError */
async function definitionOf(
  app: App,
  task: {
    readonly name: string
    readonly executor: string
    readonly set: Readonly<Record<string, string>>
    readonly file: string
    readonly description: string | undefined
  },
): Promise<string> {
  const { typedArguments } = await import('../../app.ts')
  const {
    default: { stringify },
  } = await import('yaml')
  const { name, executor, description } = task
  const given = isOwnExecutor(executor)
    ? ownArguments(task)
    : typedArguments(task, app.executors.get(executor).arguments)
  const definition = { kind: 'TaskDefinition', name, description, executor, arguments: given }
  return `# yaml-language-server: $schema=../.schema/taskdefinition.json\n${stringify(definition)}`
}

/** What an executor takes that is not written yet, nobody knows. */
function ownArguments({ set }: { readonly set: Readonly<Record<string, string>> }): undefined {
  if (Object.keys(set).length === 0) return undefined
  throw new UserError('an executor of your own gets its arguments in its files', {
    code: 'IQ1002',
    hint: 'leave out --set; write `arguments` into the two files',
  })
}

/** What somebody types at the terminal. @throws UserError IQ1010 with the option that says it */
async function answer(context: CommandContext, options: OptionValues, what: string, option: string): Promise<string> {
  const typed = options.input === false ? undefined : (await context.terminal.ask(`${what}: `))?.trim()
  if (typed !== undefined && typed !== '') return typed
  throw new UserError(`${what}: not given`, { code: 'IQ1010', hint: option })
}
