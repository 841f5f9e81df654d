import type { EntitlementDocument } from '../../model/documents.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { renderCount, renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'
import { decisionOptions, reasonOf } from './decisions.ts'
import { printResults, runOne } from './run.ts'
import { existingStore } from './store.ts'

export const entitlement: CommandGroup = {
  name: 'entitlement',
  summary: 'the catalogue: groups, permissions, roles of connected systems',
  commands: [
    {
      name: 'find',
      arguments: '[text]',
      summary: 'entitlements whose value, name or description holds the text; without one all',
      examples: ['iqtask entitlement find payroll', 'iqtask entitlement find --application erp --tag privileged'],
      options: [
        { flags: '--application <name>', summary: 'only of this application' },
        { flags: '--attribute <name>', summary: 'only of this attribute' },
        { flags: '--state <state>', summary: 'only in this state', choices: ['active', 'gone'] },
        { flags: '--tag <tag>', summary: 'only with this tag' },
      ],
      run: find,
    },
    {
      name: 'show',
      arguments: '<application:attribute:value>',
      summary: 'one entitlement: what it is, what it gives, how many hold it',
      examples: ['iqtask entitlement show erp:groups:AP_ENTRY'],
      run: show,
    },
    {
      name: 'tag',
      arguments: '<application:attribute:value> <tag...>',
      summary: 'say what an entitlement is, in words that policies and reviews go by; no feed changes it',
      examples: [
        'iqtask entitlement tag erp:groups:VENDOR_CREATE privileged --reason "list of the auditors"',
        'iqtask entitlement tag erp:groups:VENDOR_CREATE privileged --remove --reason "no longer"',
      ],
      options: [{ flags: '--remove', summary: 'take the tags away' }, ...decisionOptions],
      run: tag,
    },
  ],
}

async function tag(
  context: CommandContext,
  [entitlement = '', ...tags]: readonly string[],
  options: OptionValues,
): Promise<number> {
  const reason = reasonOf(options)
  existingStore(await context.app()).catalogue.get(entitlement)
  const set = { entitlement, tags: tags.join(','), remove: String(options.remove === true) }
  const result = await runOne(context, 'tag', options, { ...set, reason })
  await printResults(context, [result])
  return result.exitCode ?? 1
}

const keyOf = (e: EntitlementDocument): string => `${e.application}:${e.attribute}:${e.value}`

async function find(context: CommandContext, [part]: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const { catalogue } = app.store()
  const application = text(options, 'application')
  if (application !== undefined) app.project.applications.get(application)
  const filter = {
    application,
    attribute: text(options, 'attribute'),
    state: text(options, 'state'),
    tag: text(options, 'tag'),
    text: part,
  }
  await context.printer.list({
    items: catalogue.find(filter),
    total: catalogue.count(filter),
    empty: 'no entitlement fits',
    columns: [
      { title: 'ENTITLEMENT', value: keyOf },
      { title: 'NAME', value: (e) => e.displayName ?? '–' },
      { title: 'OWNER', value: (e) => e.owner ?? '–' },
      { title: 'STATE', value: (e) => e.state },
      { title: 'TAGS', value: (e) => e.tags.join(', ') || '–' },
      { title: 'HOLDERS', align: 'right', value: (e) => renderCount(e.holders) },
      { title: 'DESCRIPTION', value: (e) => e.description ?? '–', wide: true },
    ],
  })
  return undefined
}

async function show(context: CommandContext, [reference = '']: readonly string[]): Promise<undefined> {
  const one = (await context.app()).store().catalogue.get(reference)
  const { style } = context
  await context.printer.document(one, () => {
    const facts: [string, string][] = [
      ['name', one.displayName ?? '–'],
      ['description', one.description ?? '–'],
      ['owner', one.owner ?? '–'],
      ['state', one.state],
      ['tags', renderValue(one.tags)],
      ['gives', one.gives.join(', ') || '–'],
      ['given by', one.givenBy.join(', ') || '–'],
      ['holders', renderCount(one.holders)],
    ]
    const lines = facts.map(([name, value]) => `  ${style.dim(name.padEnd(11))}  ${safe(value)}`)
    return `${style.bold(safe(keyOf(one)))}\n${lines.join('\n')}\n  who: iqtask account find --holds ${safe(keyOf(one))}\n`
  })
  return undefined
}
