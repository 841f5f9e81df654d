import type { CommandContext, CommandGroup, OptionValues } from '../command.ts'
import { text } from '../command.ts'
import { renderTable } from '../render/table.ts'
import { renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'
import { link, never, questions, unlink } from './decisions.ts'

export const account: CommandGroup = {
  name: 'account',
  summary: 'accounts in the store',
  commands: [
    {
      name: 'find',
      arguments: '[text]',
      summary: 'accounts whose id, name or owner holds the text; without one all',
      examples: ['iqtask account find ost', 'iqtask account find --application ad --uncorrelated'],
      options: [
        { flags: '--application <name>', summary: 'only of this application' },
        { flags: '--state <state>', summary: 'only in this state', choices: ['active', 'missing', 'gone'] },
        { flags: '--uncorrelated', summary: 'only those without an identity' },
        { flags: '--holds <entitlement>', summary: 'only those that hold APPLICATION:ATTRIBUTE:VALUE now' },
      ],
      run: find,
    },
    {
      name: 'show',
      arguments: '<application:native>',
      summary: 'one account with its attributes and entitlements',
      examples: ['iqtask account show ad:jdoe'],
      run: show,
    },
    link,
    unlink,
    never,
    questions,
  ],
}

async function find(context: CommandContext, [part]: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const accounts = app.store().accounts
  const application = text(options, 'application')
  if (application !== undefined) app.project.applications.get(application)
  const holds = text(options, 'holds')
  if (holds !== undefined) app.store().catalogue.get(holds)
  const filter = {
    application,
    state: text(options, 'state'),
    text: part,
    uncorrelated: options.uncorrelated === true,
    holds,
  }
  await context.printer.list({
    items: accounts.find(filter),
    total: accounts.count(filter),
    empty: 'no account fits',
    columns: [
      { title: 'ACCOUNT', value: (a) => `${a.application}:${a.nativeIdentity}` },
      { title: 'NAME', value: (a) => a.displayName ?? '–' },
      { title: 'IDENTITY', value: (a) => a.identity ?? '–' },
      { title: 'STATE', value: (a) => (a.disabled ? `${a.state}, disabled` : a.state) },
      { title: 'USE', value: (a) => a.use, wide: true },
      { title: 'ENTITLEMENTS', align: 'right', value: (a) => String(a.entitlements.length) },
    ],
  })
  return undefined
}

async function show(context: CommandContext, [reference = '']: readonly string[]): Promise<undefined> {
  const app = await context.app()
  const a = app.store().accounts.get(reference)
  const { times, style } = context
  await context.printer.document(a, () => {
    const { correlation } = a
    const owner =
      a.identity === null
        ? 'nobody'
        : `${a.identity}  (${correlation.by}${correlation.rule === null ? '' : ` ${correlation.rule}`}, since ${times.render(correlation.since)})`
    const facts = [
      ['name', renderValue(a.displayName)],
      ['identity', owner],
      ['state', [a.state, ...(a.disabled ? ['disabled'] : []), ...(a.locked ? ['locked'] : [])].join(', ')],
      ['use', a.use],
      ['last login', times.render(a.lastLogin)],
      ...Object.entries(a.attributes).map(([name, value]) => [name, renderValue(value)]),
    ]
    const width = Math.max(...facts.map(([name]) => (name ?? '').length))
    const lines = facts.map(([name = '', value = '']) => `  ${style.dim(safe(name).padEnd(width))}  ${safe(value)}`)
    const held =
      a.entitlements.length === 0
        ? ''
        : `\n${renderTable(
            a.entitlements,
            [
              { title: '  ENTITLEMENT', value: (e) => `  ${e.attribute}` },
              { title: 'VALUE', value: (e) => e.value },
              { title: 'SINCE', value: (e) => times.render(e.since) },
            ],
            context.terminal.outIsTerminal ? context.terminal.columns : undefined,
          )}`
    return `${style.bold(safe(`${a.application}:${a.nativeIdentity}`))}\n${lines.join('\n')}\n${held}`
  })
  return undefined
}
