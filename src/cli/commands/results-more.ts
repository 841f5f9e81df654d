import { setTimeout as sleep } from 'node:timers/promises'
import { parseDuration, renderDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { counted } from '../../base/plural.ts'
import { diffFailures, type FailedItem, trendsOf } from '../../model/result-compare.ts'
import { type Command, type CommandContext, type OptionValues, passOptions, text, wholeNumber } from '../command.ts'
import { writeOutput } from '../output-file.ts'
import { shortId, statusText } from '../render/result.ts'
import { renderTable } from '../render/table.ts'
import { renderCount } from '../render/values.ts'
import { safe } from '../terminal.ts'
import { resultFilter } from './results-filter.ts'
import { againOf, printResults, runOne } from './run.ts'
import { existingStore } from './store.ts'

export const diff: Command = {
  name: 'diff',
  arguments: '<from> <to>',
  summary: 'two runs: whose failures are new, gone or standing, and how the counts differ',
  examples: ['iqtask results diff aggregation@-2 aggregation@latest', 'iqtask results diff 01JD8Q 01JD9A --json'],
  async run(context, [a = '', b = '']) {
    const { results } = existingStore(await context.app())
    const [from, to] = [results.find(a), results.find(b)]
    const failures = diffFailures(results.rejects(from.id), results.rejects(to.id))
    const names = [...new Set([...Object.keys(from.counts), ...Object.keys(to.counts)])]
    const counts = names
      .map((name) => ({ name, from: from.counts[name] ?? 0, to: to.counts[name] ?? 0 }))
      .filter((one) => one.from !== one.to)
    await context.printer.document(
      { schema: 'iqtask/ResultDiff/1', from: from.id, to: to.id, counts, failures },
      () =>
        `${shortId(from.id)} → ${shortId(to.id)}\n${countLines(counts)}${failureLines('new', failures.new)}${failureLines('gone', failures.gone)}${failureLines('standing', failures.standing)}`,
    )
    return undefined
  },
}

const countLines = (
  counts: readonly { readonly name: string; readonly from: number; readonly to: number }[],
): string =>
  counts.length === 0
    ? '  the same counts\n'
    : renderTable(counts, [
        { title: '  COUNT', value: (one) => `  ${one.name}` },
        { title: 'FROM', align: 'right', value: (one) => renderCount(one.from) },
        { title: 'TO', align: 'right', value: (one) => renderCount(one.to) },
      ])

const failureLines = (title: string, items: readonly FailedItem[]): string =>
  [
    `  ${renderCount(items.length)} ${title}`,
    ...items
      .slice(0, 10)
      .map((one) => `    ${one.code}  ${safe(one.application)}  ${safe(one.native ?? '')}  ${safe(one.reason)}`),
    ...(items.length > 10 ? ['    …'] : []),
    '',
  ].join('\n')

export const stats: Command = {
  name: 'stats',
  arguments: '<task>',
  summary: "a task's runs: how they ended, how long they took, how counts compare with the usual",
  examples: ['iqtask results stats aggregation', 'iqtask results stats aggregation --last 90'],
  options: [{ flags: '--last <n>', summary: 'over so many runs; default 30' }],
  async run(context, [task = ''], options) {
    const app = await context.app()
    const last = wholeNumber(options, 'last') ?? 30
    const store = existingStore(app)
    const found = store.results.list({ task, limit: last })
    if (found.total === 0) app.project.tasks.get(task)
    const done = found.items.filter((one) => one.status === 'success' || one.status === 'warning')
    const byStatus: Record<string, number> = {}
    for (const one of found.items) byStatus[one.status] = (byStatus[one.status] ?? 0) + 1
    const trends = trendsOf(done.filter((one) => !one.dryRun))
    await context.printer.document(
      { schema: 'iqtask/ResultStats/1', task, runs: found.total, looked: found.items.length, byStatus, trends },
      () =>
        `${context.style.bold(task)}  ${counted(found.total, 'run')}, of the last ${found.items.length}: ${Object.entries(
          byStatus,
        )
          .map(([status, count]) => `${count} ${status}`)
          .join(', ')}\n${renderTable(
          trends.filter((one) => one.last !== 0 || one.median !== 0),
          [
            { title: '  WHAT', value: (one) => `  ${one.name === 'durationMs' ? 'duration' : one.name}` },
            { title: 'LAST', align: 'right', value: (one) => shown(one.name, one.last) },
            {
              title: 'BEFORE',
              align: 'right',
              value: (one) => (one.before === null ? '–' : shown(one.name, one.before)),
            },
            { title: 'MEDIAN', align: 'right', value: (one) => shown(one.name, one.median) },
          ],
        )}`,
    )
    return undefined
  },
}

const shown = (name: string, value: number): string =>
  name === 'durationMs' ? renderDuration(value) : renderCount(value)

export const wait: Command = {
  name: 'wait',
  arguments: '<id>',
  summary: 'until a run has ended; ends with its exit code',
  examples: ['iqtask results wait 01JD8Q', 'iqtask results wait aggregation@latest --timeout 2h'],
  options: [{ flags: '--timeout <duration>', summary: 'wait no longer; ends with 5 then' }],
  async run(context, [reference = ''], options) {
    const app = await context.app()
    const given = text(options, 'timeout')
    const timeoutMs = given === undefined ? Number.POSITIVE_INFINITY : parseDuration(given)
    if (timeoutMs === undefined)
      throw new UserError(`--timeout is ${JSON.stringify(given)}, expected a duration such as 90s`, { code: 'IQ1002' })
    const { id } = existingStore(app).results.find(reference)
    const started = app.clock.monotonicMs()
    for (;;) {
      app.findDead()
      const result = existingStore(app).results.find(id)
      if (result.status !== 'queued' && result.status !== 'running') {
        await context.printer.document(result, () => `${shortId(id)} ${statusText(result)}\n`)
        return result.exitCode ?? 1
      }
      if (app.clock.monotonicMs() - started > timeoutMs) {
        context.terminal.err(`${shortId(id)} runs still\n`)
        return 5
      }
      await sleep(200)
    }
  },
}

export const ack: Command = {
  name: 'ack',
  arguments: '<id>',
  summary: 'say that you have looked at a result; audited',
  examples: ['iqtask results ack 01JD8Q --comment "ticket 4711"'],
  options: [{ flags: '--comment <text>', summary: 'what came of it' }],
  async run(context, [reference = ''], options) {
    const app = await context.app()
    const comment = text(options, 'comment') ?? ''
    if (comment.trim() === '')
      throw new UserError('a sign-off needs a comment', { code: 'IQ1002', hint: '--comment "what came of it"' })
    const store = existingStore(app)
    const { id } = store.results.find(reference)
    store.acknowledge(id, comment, app.clock.now(), JSON.stringify(app.actor))
    await context.printer.document(store.results.find(id), () => `${shortId(id)} is signed off\n`)
    return undefined
  },
}

/** The task `prune`, of results alone: gone accounts have an age of their own. */
export const prune: Command = {
  name: 'prune',
  summary: 'remove results, rejects and before images that have reached their age (`retention` in iqtask.config.yaml)',
  examples: ['iqtask results prune --dry-run', 'iqtask results prune', 'iqtask explain retention'],
  options: [{ flags: '--dry-run', summary: 'plan without applying' }, ...passOptions],
  async run(context, _args, options) {
    const result = await runOne(context, 'prune', options, { prune: 'results' })
    await printResults(context, [result], () => againOf('results', 'prune', context.argv))
    return result.exitCode ?? 1
  },
}

function* lines(items: Iterable<object>): Generator<string, undefined> {
  for (const item of items) yield `${JSON.stringify(item)}\n`
  return undefined
}

export const exportResults: Command = {
  name: 'export',
  summary: 'results as JSON lines in a file: whole or absent, readable only by you',
  examples: [
    'iqtask results export --out results.jsonl',
    'iqtask results export --since 30d --status error --out e.jsonl',
  ],
  options: [
    { flags: '--out <file>', summary: 'where to' },
    { flags: '--task <name>', summary: 'only this task' },
    { flags: '--status <status>', summary: 'only runs that ended so, separated by commas' },
    { flags: '--since <when>', summary: 'a duration ago (7d) or a date' },
    { flags: '--until <when>', summary: 'a duration ago or a date' },
  ],
  async run(context: CommandContext, _args: readonly string[], options: OptionValues) {
    const out = text(options, 'out')
    if (out === undefined) throw new UserError('export needs a file', { code: 'IQ1002', hint: '--out results.jsonl' })
    const app = await context.app()
    const { items, total } = existingStore(app).results.each(resultFilter(app, options))
    writeOutput(context.terminal.cwd, out, lines(items))
    await context.printer.document(
      { schema: 'iqtask/Export/1', path: out, rows: total },
      () => `${counted(total, 'result')} in ${out}\n`,
    )
    return undefined
  },
}
