import { renderDuration } from '../../base/duration.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { writeOutput } from '../output-file.ts'
import { csvLine } from '../render/printer.ts'
import { groupRejects, paintStatus, renderNext, renderResult, shortId, statusText } from '../render/result.ts'
import { renderCount } from '../render/values.ts'
import { resultFilter } from './results-filter.ts'
import { ack, diff, exportResults, stats, wait } from './results-more.ts'
import { existingStore } from './store.ts'

export const results: CommandGroup = {
  name: 'results',
  summary: 'what runs left behind',
  commands: [
    {
      name: 'list',
      summary: 'runs, latest first',
      examples: [
        'iqtask results',
        'iqtask results --since 7d --status error',
        'iqtask results --json | jq .items[0].id',
      ],
      options: [
        { flags: '--task <name>', summary: 'only this task' },
        { flags: '--status <status>', summary: 'only runs that ended so, separated by commas' },
        { flags: '--since <when>', summary: 'a duration ago (7d) or a date' },
        { flags: '--until <when>', summary: 'a duration ago or a date' },
        { flags: '--limit <n>', summary: 'at most n; default 20' },
        { flags: '--all', summary: 'without a limit' },
      ],
      run: list,
    },
    {
      name: 'show',
      arguments: '[id]',
      summary: 'one run: an id, its beginning, latest, TASK@latest, TASK@-2',
      examples: ['iqtask results show', 'iqtask results show aggregation@-2', 'iqtask results show latest --json'],
      run: show,
    },
    {
      name: 'failures',
      arguments: '[id]',
      summary: 'what a run rejected, grouped by cause',
      examples: ['iqtask results failures', 'iqtask results failures latest --items --output csv'],
      options: [
        { flags: '--items', summary: 'every item instead of the causes' },
        { flags: '--out <file>', summary: 'write the items as CSV' },
      ],
      run: failures,
    },
    diff,
    stats,
    wait,
    ack,
    exportResults,
  ],
}

async function list(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const store = app.storeIfExists()
  const limit = options.all === true || context.printer.machine ? undefined : Number(text(options, 'limit') ?? 20)
  const found =
    store === undefined
      ? { items: [], total: 0 }
      : store.results.list({
          ...resultFilter(app, options),
          limit: text(options, 'limit') === undefined ? limit : Number(text(options, 'limit')),
        })
  await context.printer.list({
    ...found,
    empty: 'no runs yet; iqtask task list shows what can be run',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'RESULT', value: (result) => shortId(result.id) },
      { title: 'TASK', value: (result) => result.task },
      { title: 'TRIGGER', value: (result) => result.trigger },
      { title: 'STARTED', value: (result) => context.times.render(result.startedAt ?? result.queuedAt) },
      {
        title: 'DURATION',
        align: 'right',
        value: (result) => (result.durationMs === null ? '–' : renderDuration(result.durationMs)),
      },
      {
        title: 'STATUS',
        value: (result) => statusText(result) + (result.dryRun ? ' (dry run)' : ''),
        paint: (shown, result) => paintStatus(shown, result, context.style),
      },
      { title: 'READ', align: 'right', value: (result) => renderCount(result.counts.read ?? 0) },
      { title: 'CREATED', align: 'right', value: (result) => renderCount(result.counts.created ?? 0) },
      { title: 'CHANGED', align: 'right', value: (result) => renderCount(result.counts.changed ?? 0) },
      { title: 'REJECTED', align: 'right', value: (result) => renderCount(result.rejects.total) },
      { title: 'BY', wide: true, value: (result) => String(result.actor.user ?? '') },
    ],
  })
  return undefined
}

async function show(context: CommandContext, [reference]: readonly string[]): Promise<undefined> {
  const store = existingStore(await context.app())
  const result = store.results.find(reference ?? 'latest')
  await context.printer.document(result, () => {
    const { style, times } = context
    const head = [
      `${style.bold(result.task)}  result ${result.id}`,
      `  started ${times.render(result.startedAt)} ${times.zone}  by ${String(result.actor.user)} (${result.trigger})  on ${result.host}, process ${result.pid}`,
      `  definition ${result.definition.sha256.slice(0, 12)}  iqtask ${result.toolVersion}  audit event ${result.auditSeq ?? '–'}`,
    ]
    return `${head.join('\n')}\n${renderResult(result, groupRejects(store.results.rejects(result.id)), style)}${renderNext(result, style)}`
  })
  return undefined
}

async function failures(
  context: CommandContext,
  [reference]: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const store = existingStore(await context.app())
  const result = store.results.find(reference ?? 'latest')
  const out = text(options, 'out')
  if (out !== undefined) {
    const items = [...store.results.rejects(result.id)]
    const names = ['application', 'code', 'reason', 'file', 'line', 'column', 'native', 'fragment'] as const
    writeOutput(context.terminal.cwd, out, [
      csvLine(names),
      ...items.map((item) => csvLine(names.map((name) => String(item[name] ?? '')))),
    ])
    context.terminal.err(`${renderCount(items.length)} items written to ${out}\n`)
    return undefined
  }
  const { total } = result.rejects
  if (options.items === true)
    await context.printer.list({
      items: store.results.rejects(result.id),
      total,
      empty: `${shortId(result.id)} rejected nothing`,
      columns: [
        { title: 'APPLICATION', value: (reject) => reject.application },
        { title: 'CODE', value: (reject) => reject.code },
        { title: 'LINE', align: 'right', value: (reject) => String(reject.line ?? '–') },
        { title: 'COLUMN', value: (reject) => reject.column ?? '–' },
        { title: 'ACCOUNT', value: (reject) => reject.native ?? '–' },
        { title: 'REASON', value: (reject) => reject.reason },
        { title: 'ROW', wide: true, value: (reject) => reject.fragment ?? '–' },
      ],
    })
  else {
    const causes = groupRejects(store.results.rejects(result.id))
    await context.printer.list({
      items: causes,
      total: causes.length,
      empty: `${shortId(result.id)} rejected nothing`,
      footer: 'every item: --items    as a file: --out FILE',
      columns: [
        { title: 'COUNT', align: 'right', value: (cause) => renderCount(cause.count) },
        { title: 'APPLICATION', value: (cause) => cause.application },
        { title: 'CODE', value: (cause) => cause.code },
        { title: 'LINES', value: (cause) => cause.lines.join(', ') + (cause.count > cause.lines.length ? ', …' : '') },
        { title: 'FOR EXAMPLE', value: (cause) => cause.reason },
      ],
    })
  }
  return undefined
}
