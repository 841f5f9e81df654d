import type { App, RunRequest } from '../../app.ts'
import { parseDuration } from '../../base/duration.ts'
import { AbortError, UserError } from '../../base/errors.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import { median } from '../../model/result-compare.ts'
import {
  type Command,
  type CommandContext,
  type OptionValues,
  passOptions,
  shellWord,
  text,
  wholeNumber,
  widthOf,
} from '../command.ts'
import { detach } from '../detach.ts'
import { createProgress, type ProgressMode, progressModes } from '../progress.ts'
import { groupRejects, renderNext, renderResult, shortId } from '../render/result.ts'
import { usualOf } from '../usual.ts'

const ifRunning = ['fail', 'skip', 'wait'] as const

/** What makes a run smaller than its task. */
export const narrowing = [
  { flags: '--only <expr>', summary: 'only the items for which the CEL expression is true' },
  { flags: '--limit <n>', summary: 'only the first n items' },
  {
    flags: '--forbid <kinds>',
    summary: 'kinds of change that are listed, not made: create, update, delete, disable, …',
  },
] as const

export function narrowed(options: OptionValues): Pick<RunRequest, 'only' | 'limit' | 'forbid'> {
  return {
    only: text(options, 'only'),
    limit: wholeNumber(options, 'limit'),
    forbid: words(options, 'forbid'),
  }
}

export const selectOptions = [
  { flags: '--only <expr>', summary: 'only records with a change for which the CEL expression over `change` is true' },
  { flags: '--except <expr>', summary: 'no records with a change for which it is true' },
] as const

export function selected(options: OptionValues): RunRequest['select'] {
  const [only, except] = [text(options, 'only'), text(options, 'except')]
  return only === undefined && except === undefined ? undefined : { only, except }
}

export const run: Command = {
  name: 'run',
  arguments: '<task...>',
  summary: 'run tasks now',
  examples: [
    'iqtask run aggregation',
    'iqtask run aggregation --dry-run',
    'iqtask run aggregation --set applications=hr,ad',
    'iqtask run aggregation --forbid delete,disable',
    'iqtask run aggregation --json | jq .counts',
  ],
  options: [
    { flags: '--set <key=value>', summary: 'an argument or parameter of the task', repeated: true },
    { flags: '--dry-run', summary: 'plan without applying' },
    ...narrowing,
    { flags: '--expect-no-change', summary: 'any planned change is an error' },
    ...passOptions,
    { flags: '--timeout <duration>', summary: 'stop after this time, for example 90s or 2h' },
    { flags: '--if-running <what>', summary: 'when the task runs already', choices: ifRunning },
    { flags: '--resume', summary: 'continue the last run that died' },
    { flags: '--from <step>', summary: 'of a sequence, this step and those after it' },
    { flags: '--fail-on <what>', summary: 'a run that ends with warnings ends with 1', choices: ['warning'] },
    { flags: '--detach', summary: 'let it run in the background; gives its result at once' },
    { flags: '--progress <mode>', summary: 'how progress is shown', choices: progressModes },
  ],
  async run(context, tasks, options) {
    const app = await context.app()
    // a typo in the second name is told before the first task runs
    for (const task of tasks) app.project.tasks.get(task)
    if (options.detach === true) return detach(context, context.argv)
    const results: TaskResultDocument[] = []
    for (const task of tasks) {
      const result = await runOne(context, task, options)
      results.push(result)
      if (result.status === 'terminated') break
    }
    if (progressMode(context, options) !== 'jsonl')
      await printResults(context, results, ({ task }) => againOf('run', task, context.argv))
    return worstOf(results, options)
  },
}

/** Options that make a run what it is; others say how it is shown, or were given once and for this run. */
const essential = [
  '--set',
  '--only',
  '--except',
  '--limit',
  '--forbid',
  '--accept',
  '--application',
  '--from',
  '--project',
  '--config',
]

/** What was typed, to be typed again. */
export function againOf(command: string, what: string, argv: readonly string[]): string {
  const kept = argv.flatMap((word, index) => {
    if (essential.includes(word)) return [word, argv[index + 1] ?? '']
    return essential.some((option) => word.startsWith(`${option}=`)) ? [word] : []
  })
  return [command, what, ...kept.map(shellWord)].join(' ')
}

/** The worst of several; what a script calls a failure is its own choice. */
function worstOf(results: readonly TaskResultDocument[], options: OptionValues): number {
  const codes = results.map((result) => result.exitCode ?? 1)
  return Math.max(...(options.failOn === 'warning' ? codes.map((code) => (code === 3 ? 1 : code)) : codes))
}

export async function runOne(
  context: CommandContext,
  task: string,
  options: OptionValues,
  set: Readonly<Record<string, string>> = {},
): Promise<TaskResultDocument> {
  return runRequest(context, options, {
    ...requestOf(task, options),
    ...(Object.keys(set).length === 0 ? {} : { set }),
  })
}

/** Runs with progress on the terminal; a signal stops it at the next chunk, a second one now. */
export async function runRequest(
  context: CommandContext,
  options: OptionValues,
  request: RunRequest,
): Promise<TaskResultDocument> {
  const app = await context.app()
  const progress = await createProgress(context.terminal, {
    mode: progressMode(context, options),
    style: context.errorStyle,
    usual: (task) => usualReads(app, task),
  })
  const controller = new AbortController()
  let asked = 0
  const release = context.terminal.onSignal((signal) => {
    asked++
    if (asked === 1) {
      context.terminal.err(
        `\nstopping at the next chunk; ${signal === 'SIGINT' ? 'Ctrl-C' : 'the signal'} again stops now\n`,
      )
      controller.abort(new AbortError(`the run was stopped by ${signal}`, { code: 'IQ3002', cause: signal }))
    } else process.exit(signal === 'SIGINT' ? 130 : 143)
  })
  try {
    return await app.run({
      ...request,
      signal: controller.signal,
      stdin: context.terminal.stdin,
      onEvent: (event) => progress.event(event),
    })
  } finally {
    release()
    progress.end()
  }
}

/** Option, environment, or what fits the output. */
export function progressMode(context: CommandContext, options: OptionValues): ProgressMode {
  const given = text(options, 'progress') ?? context.terminal.env.IQTASK_PROGRESS
  const mode = progressModes.find((one) => one === given)
  if (given !== undefined && given !== '' && mode === undefined)
    throw wrong('IQTASK_PROGRESS', given, progressModes.join(', '))
  return mode ?? (context.printer.machine ? 'none' : 'auto')
}

/** What the last runs of the task read, by section: the median. */
export function usualReads(app: App, task: string): ReadonlyMap<string, number> {
  const earlier = app.storeIfExists()?.results.list({ task, status: ['success', 'warning'], limit: 5 }).items ?? []
  const reads = new Map<string, number[]>()
  for (const { application, counts } of earlier.flatMap((result) => result.sections))
    if ((counts.read ?? 0) > 0) reads.set(application, [...(reads.get(application) ?? []), counts.read ?? 0])
  return new Map([...reads].map(([name, values]) => [name, median(values) ?? 0]))
}

function requestOf(task: string, options: OptionValues): RunRequest {
  const timeout = text(options, 'timeout')
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout)
  if (timeout !== undefined && timeoutMs === undefined)
    throw wrong('--timeout', timeout, 'a duration such as 90s or 2h')
  return {
    task,
    trigger: 'manual',
    set: { ...settings((options.set as string[] | undefined) ?? []), ...startOf(options) },
    dryRun: options.dryRun === true ? true : undefined,
    ...narrowed(options),
    expectNoChange: options.expectNoChange === true ? true : undefined,
    allow: allowed(options),
    timeoutMs,
    ifRunning: ifRunning.find((choice) => choice === options.ifRunning),
    resume: options.resume === true,
  }
}

/** The argument of the sequence. A run that goes on knows where it began. */
function startOf(options: OptionValues): Record<string, string> {
  const from = text(options, 'from')
  if (from === undefined) return {}
  if (options.resume === true)
    throw new UserError('--from and --resume do not go together', {
      code: 'IQ1002',
      hint: '--resume goes on where the run stopped, --from STEP begins a new one',
    })
  return { from }
}

const wrong = (option: string, given: string, expected: string): UserError =>
  new UserError(`${option} is ${JSON.stringify(given)}, expected ${expected}`, { code: 'IQ1002' })

/** Words between commas; undefined where the option was not given. */
export const words = (options: OptionValues, name: string): string[] | undefined =>
  text(options, name)
    ?.split(',')
    .map((word) => word.trim())

export function allowed(options: OptionValues): RunRequest['allow'] {
  const guards = words(options, 'allow')
  const reason = text(options, 'reason')
  if (guards === undefined) return undefined
  if (reason === undefined || reason.trim() === '')
    throw new UserError('--allow needs a reason', { code: 'IQ1002', hint: '--reason "why this is right"' })
  return { guards, reason }
}

export function settings(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw wrong('--set', pair, 'key=value')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

export async function printResults(
  context: CommandContext,
  results: readonly TaskResultDocument[],
  again?: (result: TaskResultDocument) => string,
): Promise<void> {
  const app = await context.app()
  const [only] = results
  if (context.printer.machine && results.length > 1)
    return context.printer.list({ items: results, total: results.length, columns: [], empty: '' })
  if (context.printer.machine && only !== undefined) return context.printer.document(only, () => '')
  for (const result of results) {
    const causes = groupRejects(app.store().results.rejects(result.id))
    await context.terminal.out(
      `${context.style.bold(result.task)}  result ${result.id}\n${renderResult(result, causes, context.style, { ...widthOf(context), usual: usualOf(app.store(), result), again: again?.(result) })}${renderNext(result, context.style)}`,
    )
  }
}

/** Takes a run back: the task `undo` on it. */
export const undo: Command = {
  name: 'undo',
  arguments: '<result>',
  summary: 'take a run back, or a part of it, as a plan of its own, with the same guards',
  examples: [
    'iqtask undo latest --dry-run',
    'iqtask undo 01JD8Q --allow deletes --reason "wrong file"',
    `iqtask undo 01JD8Q --only "change.key.startsWith('ad:')"`,
    'iqtask undo 01JD8Q --accept ad:jdoe',
  ],
  options: [
    { flags: '--dry-run', summary: 'plan without applying' },
    ...selectOptions,
    { flags: '--accept <key>', summary: 'take this back although it changed since', repeated: true },
    ...passOptions,
  ],
  async run(context, [reference = ''], options) {
    const app = await context.app()
    // `latest` must not mean the undo itself
    const { id } = app.store().results.find(reference)
    const accept = (options.accept as string[] | undefined) ?? []
    const result = await runRequest(context, options, {
      task: 'undo',
      trigger: 'manual',
      set: { result: id, ...(accept.length === 0 ? {} : { accept: JSON.stringify(accept) }) },
      dryRun: options.dryRun === true ? true : undefined,
      allow: allowed(options),
      select: selected(options),
    })
    await printResults(context, [result], () => againOf('undo', shortId(id), context.argv))
    return result.exitCode ?? 1
  },
}
