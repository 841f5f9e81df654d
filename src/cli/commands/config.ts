import { renderDuration } from '../../base/duration.ts'
import { counted } from '../../base/plural.ts'
import type { Project } from '../../model/project.ts'
import type { RetentionSettings } from '../../model/retention.ts'
import type { CommandContext, CommandGroup, OptionValues } from '../command.ts'
import { errorDocument, renderError } from '../render/error.ts'
import { renderValue } from '../render/values.ts'

export const config: CommandGroup = {
  name: 'config',
  summary: 'the configuration of the project',
  commands: [
    {
      name: 'show',
      summary: 'the settings in force',
      examples: ['iqtask config show', 'iqtask config show --origin', 'iqtask config show --json'],
      options: [{ flags: '--origin', summary: 'where each comes from' }],
      run: show,
    },
    {
      name: 'validate',
      summary: 'check every file of the project, references between them included',
      examples: ['iqtask config validate'],
      run: validate,
    },
  ],
}

const shownSettings = [
  'name',
  'config',
  'timeZone',
  'store',
  'identity',
  'guards',
  'notify',
  'retention',
  'blackout',
  'metrics',
  'telemetry',
] as const

/** A header may be a secret whatever it is called: only references are shown. */
const withoutValues = (telemetry: Project['telemetry']) =>
  telemetry === undefined
    ? undefined
    : {
        ...telemetry,
        headers: Object.fromEntries(
          Object.entries(telemetry.headers).map(([name, value]) => [name, value.startsWith('${') ? value : '[set]']),
        ),
      }

const agesOf = ({ hold, ...ages }: RetentionSettings): string =>
  [
    ...Object.entries(ages).map(([what, ms]) => `${what} ${renderDuration(ms)}`),
    ...(hold.length === 0 ? [] : [counted(hold.length, 'hold')]),
  ].join(', ')

async function show(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<undefined> {
  const { project } = await context.app()
  const { env } = context.terminal
  const settings = { ...project, config: project.file, telemetry: withoutValues(project.telemetry) } as const
  const items = shownSettings.map((key) => {
    const from = project.origin(key)
    const found = options.config === undefined ? (options.project === undefined ? undefined : '--project') : '--config'
    const variable = ['IQTASK_CONFIG', 'IQTASK_PROJECT'].find((name) => env[name] !== undefined)
    const file =
      found ?? (variable === undefined ? `searched upward from ${context.terminal.cwd}` : `environment ${variable}`)
    const origin = from.name === null ? 'default' : from.kind === 'environment' ? `environment ${from.name}` : from.name
    return { key, value: settings[key] ?? null, origin: key === 'config' ? file : origin }
  })
  await context.printer.list({
    items,
    total: items.length,
    empty: '',
    columns: [
      { title: 'SETTING', value: (item) => item.key },
      ...(options.origin === true ? [{ title: 'FROM', value: (item: { origin: string }) => item.origin }] : []),
      // the longest: whatever comes after it is far away
      {
        title: 'VALUE',
        value: ({ key, value }) => (key === 'retention' ? agesOf(project.retention) : renderValue(value)),
      },
    ],
  })
  return undefined
}

async function validate(context: CommandContext): Promise<number | undefined> {
  const app = await context.app()
  const problems = await app.validate()
  const names = [...app.project.applications.names(), ...app.project.tasks.names()]
  await context.printer.document(
    {
      schema: 'iqtask/Validation/1',
      valid: problems.length === 0,
      objects: names.length,
      problems: problems.map(errorDocument),
    },
    () =>
      problems.length === 0
        ? `${counted(names.length, 'object')}, nothing wrong\n`
        : `${problems.map((problem) => renderError(problem, context.style)).join('')}${counted(problems.length, 'problem')}\n`,
  )
  return problems.length === 0 ? undefined : 2
}
