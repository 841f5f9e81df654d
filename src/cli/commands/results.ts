import type { App } from '../../app.ts'
import { renderDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { mends } from '../../base/mends.ts'
import { counted } from '../../base/plural.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text, wholeNumber, widthOf } from '../command.ts'
import { writeOutput } from '../output-file.ts'
import {
  groupRejects,
  paintStatus,
  renderNext,
  renderResult,
  renderUsual,
  shortId,
  statusText,
  whyOf,
} from '../render/result.ts'
import { renderCount } from '../render/values.ts'
import { usualOf } from '../usual.ts'
import { resultFilter } from './results-filter.ts'
import { ack, diff, exportResults, prune, stats, wait } from './results-more.ts'
import { rejectedApplication } from './retry.ts'
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
      summary: 'one run, against the runs before it: an id, its beginning, latest, TASK@latest, TASK@-2',
      examples: [
        'iqtask results show',
        'iqtask results show aggregation@-2',
        'iqtask results show latest --json',
        'iqtask results show latest --html result.html',
      ],
      options: [{ flags: '--html <file>', summary: 'write it as one page that needs nothing else' }],
      run: show,
    },
    {
      name: 'failures',
      arguments: '[id]',
      summary: 'what a run rejected, grouped by cause',
      examples: [
        'iqtask results failures',
        'iqtask results failures latest --items --output csv',
        'iqtask results failures --out rows.csv',
      ],
      options: [
        { flags: '--items', summary: 'every item instead of the causes' },
        {
          flags: '--out <file>',
          summary: 'write the rows as they stand in the source, to be corrected for `iqtask retry --from`',
        },
        { flags: '--application <name>', summary: 'with --out: only the rows of this application' },
      ],
      run: failures,
    },
    diff,
    stats,
    wait,
    ack,
    exportResults,
    prune,
  ],
}

async function list(context: CommandContext, _args: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const store = app.storeIfExists()
  const all = options.all === true || context.printer.machine
  const limit = wholeNumber(options, 'limit') ?? (all ? undefined : 20)
  const filter = resultFilter(app, options)
  const found = store === undefined ? { items: [], total: 0 } : store.results.each({ ...filter, limit })
  const isNarrow = Object.values(filter).some((one) => one !== undefined)
  await context.printer.list({
    ...found,
    empty: isNarrow ? 'no run fits' : 'no runs yet; iqtask task list shows what can be run',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'RESULT', value: (result) => shortId(result.id) },
      { title: 'TASK', value: (result) => result.task },
      { title: 'TRIGGER', optional: true, value: (result) => result.trigger },
      { title: 'STARTED', value: (result) => context.times.render(result.startedAt ?? result.queuedAt) },
      {
        title: 'DURATION',
        align: 'right',
        value: (result) => (result.durationMs === null ? '–' : renderDuration(result.durationMs)),
      },
      {
        title: 'STATUS',
        kept: true,
        value: (result) => statusText(result) + (result.dryRun ? ' (dry run)' : ''),
        paint: (shown, result) => paintStatus(shown, result, context.style),
      },
      { title: 'READ', align: 'right', value: (result) => renderCount(result.counts.read ?? 0) },
      { title: 'CREATED', align: 'right', optional: true, value: (result) => renderCount(result.counts.created ?? 0) },
      { title: 'CHANGED', align: 'right', value: (result) => renderCount(result.counts.changed ?? 0) },
      { title: 'REJECTED', align: 'right', value: (result) => renderCount(result.rejects.total) },
      { title: 'BY', wide: true, value: (result) => String(result.actor.user ?? '') },
      { title: 'WHY', rare: true, value: whyOf },
    ],
  })
  return undefined
}

async function show(
  context: CommandContext,
  [reference]: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const store = existingStore(await context.app())
  const result = store.results.find(reference ?? 'latest')
  const causes = groupRejects(store.results.rejects(result.id))
  const usual = usualOf(store, result)
  const html = text(options, 'html')
  if (html !== undefined) {
    const { renderHtml } = await import('../render/html.ts')
    writeOutput(context.terminal.cwd, html, [renderHtml(result, causes, usual, context.times)])
    context.terminal.err(`${html} written\n`)
    return undefined
  }
  await context.printer.document(result, () => {
    const { style, times } = context
    // it would point to itself
    const next = result.status === 'terminated' || result.rejects.total > 0 ? renderNext(result, style) : ''
    const head = [
      `${style.bold(result.task)}  result ${result.id}`,
      `  started ${times.render(result.startedAt)} ${times.zone}  by ${String(result.actor.user)} (${result.trigger})  on ${result.host}, process ${result.pid}`,
      `  definition ${result.definition.sha256.slice(0, 12)}  iqtask ${result.toolVersion}  audit event ${result.auditSeq ?? '–'}`,
    ]
    return `${head.join('\n')}\n${renderResult(result, causes, style, { ...widthOf(context), usual })}${renderUsual(usual, style)}${next}`
  })
  return undefined
}

async function failures(
  context: CommandContext,
  [reference]: readonly string[],
  options: OptionValues,
): Promise<undefined> {
  const app = await context.app()
  const store = existingStore(app)
  const result = store.results.find(reference ?? 'latest')
  const out = text(options, 'out')
  if (out !== undefined) return rowsToFile(context, app, result, options, out)
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
    const causes = groupRejects(store.results.rejects(result.id)).map((cause) => ({
      ...cause,
      mend: mends[cause.code],
    }))
    const codes = new Map(causes.map(({ code, mend }) => [code, mend]))
    await context.printer.list({
      items: causes,
      total: causes.length,
      empty: `${shortId(result.id)} rejected nothing`,
      footer: `${[...codes].map(([code, mend]) => `${code}  ${mend}`).join('\n')}\nevery item: --items    to correct: --out FILE, then iqtask retry ${shortId(result.id)} --from FILE`,
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

/** The rejected rows as they stand in the source, to be corrected and given back. */
async function rowsToFile(
  context: CommandContext,
  app: App,
  result: TaskResultDocument,
  options: OptionValues,
  out: string,
): Promise<undefined> {
  const application = rejectedApplication(app.store().results.rejects(result.id), options, result)
  const rows = [...app.store().results.rejects(result.id)].flatMap(({ application: name, file, line }) =>
    name === application && line !== undefined ? [{ file, line }] : [],
  )
  const connection = await app.connect(application)
  try {
    if (connection.extract === undefined)
      throw new UserError(`rows of ${application} cannot be taken out of its source`, { code: 'IQ2010' })
    const evidence = result.sections.find((section) => section.application === application)?.evidence
    writeOutput(context.terminal.cwd, out, [await connection.extract({ rows, digest: evidence?.digest })])
  } finally {
    await connection.close()
  }
  const { id } = result
  context.terminal.err(
    `${counted(rows.length, 'row')} written to ${out}; correct them, then: iqtask retry ${shortId(id)} --from ${out}\n`,
  )
  return undefined
}
