import { identityStatuses } from '../../model/identity-model.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'

export const identity: CommandGroup = {
  name: 'identity',
  summary: 'people (and services) in the store',
  commands: [
    {
      name: 'find',
      arguments: '[text]',
      summary: 'identities whose name or attributes hold the text; without one all',
      examples: ['iqtask identity find ost', 'iqtask identity find --status inactive --json'],
      options: [{ flags: '--status <status>', summary: 'only in this status', choices: identityStatuses }],
      run: find,
    },
    {
      name: 'show',
      arguments: '<name>',
      summary: 'one identity with its attributes and accounts',
      examples: ['iqtask identity show 100482'],
      run: show,
    },
  ],
}

async function find(context: CommandContext, [part]: readonly string[], options: OptionValues): Promise<undefined> {
  const { identities } = (await context.app()).store()
  const filter = { status: text(options, 'status'), text: part }
  await context.printer.list({
    items: identities.find(filter),
    total: identities.count(filter),
    empty: 'no identity fits',
    columns: [
      { title: 'IDENTITY', value: (one) => one.name },
      { title: 'NAME', value: (one) => renderValue(one.attributes.displayName) },
      { title: 'STATUS', value: (one) => one.status },
      { title: 'MANAGER', value: (one) => one.manager ?? '–', wide: true },
      {
        title: 'ACCOUNTS',
        value: (one) => one.accounts.map((a) => `${a.application}:${a.nativeIdentity}`).join(', ') || '–',
      },
    ],
  })
  return undefined
}

async function show(context: CommandContext, [name = '']: readonly string[]): Promise<undefined> {
  const one = (await context.app()).store().identities.get(name)
  const { style } = context
  await context.printer.document(one, () => {
    const facts = [
      ['status', one.status],
      ['type', one.type],
      ['manager', one.manager ?? '–'],
      ...Object.entries(one.attributes).map(([key, value]) => [key, renderValue(value)]),
      ...one.accounts.map((a) => ['account', `${a.application}:${a.nativeIdentity}`]),
    ]
    const width = Math.max(...facts.map(([key]) => (key ?? '').length))
    const lines = facts.map(([key = '', value = '']) => `  ${style.dim(safe(key).padEnd(width))}  ${safe(value)}`)
    return `${style.bold(safe(one.name))}\n${lines.join('\n')}\n`
  })
  return undefined
}
