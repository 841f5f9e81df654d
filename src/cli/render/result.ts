import type { RejectRecord } from '../../app.ts'
import type { Code } from '../../base/codes.ts'
import { renderDuration } from '../../base/duration.ts'
import { counted } from '../../base/plural.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { Quality } from '../../model/quality.ts'
import type { Message, RunStatus } from '../../model/result.ts'
import { safe } from '../terminal.ts'
import type { Usual } from '../usual.ts'
import { renderQuality } from './quality.ts'
import { labelOf, renderSections } from './sections.ts'
import type { Style } from './style.ts'
import { displayWidth, renderTable, wrapped } from './table.ts'
import { renderCount } from './values.ts'

/** The beginning of an id that people type: enough of the time to be unique for them. */
export const shortId = (id: string): string => id.slice(0, 12)

const looks = {
  success: ['✔', 'green'],
  warning: ['⚠', 'yellow'],
  error: ['✖', 'red'],
  terminated: ['✖', 'red'],
  skipped: ['–', 'dim'],
  missed: ['–', 'yellow'],
  running: ['…', 'cyan'],
  queued: ['…', 'dim'],
} as const satisfies Record<RunStatus, readonly [string, keyof Style]>

/** `⚠ warning`, `✖ guard`, without colour. */
export const statusText = (result: TaskResultDocument): string =>
  result.stoppedBy === 'guard' ? '✖ guard' : `${looks[result.status][0]} ${result.status}`

/** Why a run never began, began late, or was stopped: one sentence of those that it left. */
export function whyOf({ status, messages, guards }: TaskResultDocument): string {
  const told = (code: string): string | undefined => messages.findLast((one) => one.code === code)?.text
  if (status === 'skipped') return told('IQ3001') ?? ''
  if (status === 'missed') return told('IQ5004') ?? ''
  const tripped = guards.find(({ verdict }) => verdict === 'tripped')
  if (tripped !== undefined) return `${tripped.guard}: ${tripped.text}`
  const failure = messages.find(({ level }) => level === 'error')
  return told('IQ5005') ?? (status === 'error' ? failure?.text : undefined) ?? ''
}

export const paintStatus = (text: string, result: TaskResultDocument, style: Style): string =>
  style[looks[result.status][1]](text)

interface ResultOptions {
  readonly columns?: number
  /** Long sentences go on in the next line from there; in a pipe each stays one line. */
  readonly wrapAt?: number | undefined
  readonly usual?: Usual | undefined
  /** The command that would allow what a guard stopped. */
  readonly again?: string | undefined
}

/** What a run did, for people: status, one block a section, why things were left aside, what to type next. */
export function renderResult(
  result: TaskResultDocument,
  causes: readonly Cause[],
  style: Style,
  { columns = 120, wrapAt = Number.POSITIVE_INFINITY, usual, again = commandOf(result) }: ResultOptions = {},
): string {
  const median =
    usual === undefined ? '' : ` (median of ${counted(usual.runs, 'run')} ${renderDuration(usual.durationMs)})`
  const duration = result.durationMs === null ? '' : ` in ${renderDuration(result.durationMs)}${style.dim(median)}`
  const dry = result.dryRun ? style.cyan('  dry run: nothing was changed') : ''
  const head =
    result.stoppedBy === 'guard'
      ? style.red('✖ stopped by guard, nothing changed there (exit 4)')
      : `${paintStatus(statusText(result), result, style)}${duration}`
  const lines = [`${head}${dry}`]
  lines.push(...renderSections(result, style, columns))
  // what is to be copied stays in one line
  const say = (hanging: number, ...said: readonly string[]): void =>
    void lines.push(...said.map((line) => (line.includes('iqtask ') ? line : wrapped(line, wrapAt, hanging))))
  say(6, ...renderGuards(result, style, again))
  for (const message of result.messages.filter((one) => !isKeptPlan(one))) {
    const sign = message.level === 'error' ? style.red('✖') : message.level === 'warning' ? style.yellow('⚠') : ' '
    say(
      4,
      `  ${sign} ${message.item === undefined ? '' : `${safe(message.item)}: `}${safe(message.text)} ${style.dim(`(${message.code})`)}`,
    )
  }
  for (const notice of result.notices)
    if (notice.state !== 'sent' && notice.error !== null)
      say(
        4,
        `  ${style.yellow('⚠')} ${safe(notice.channel)} was not told: ${safe(notice.error)} ${style.dim(notice.nextAt === null ? '(given up)' : '(iqtask notify list)')}`,
      )
  if (result.quality !== null)
    say(11, ...renderQuality(result.quality as unknown as Record<string, Quality>).map((line) => style.dim(line)))
  if (causes.length > 0) say(20, '  rejects', ...causes.slice(0, 12).map((cause) => `    ${renderCause(cause, style)}`))
  return `${lines.join('\n')}\n`
}

function renderGuards(result: TaskResultDocument, style: Style, again: string): string[] {
  const spoken = result.guards.filter((guard) => guard.verdict === 'tripped' || guard.verdict === 'off')
  const width = Math.max(0, ...spoken.map((guard) => displayWidth(`${guard.application}  ${guard.guard}`)))
  const lines = spoken.map((guard) => {
    const name = `${safe(guard.application)}  ${guard.guard}`.padEnd(width)
    const first =
      guard.first.length === 0
        ? ''
        : `   first: ${guard.first.map(safe).join(', ')}${guard.value > guard.first.length ? ', …' : ''}`
    return `  ${guard.verdict === 'tripped' ? style.red(name) : style.dim(name)}   ${safe(guard.text)}${first}`
  })
  const tripped = spoken.filter((guard) => guard.verdict === 'tripped').map((guard) => guard.guard)
  const kept = result.messages.find(isKeptPlan)
  if (kept !== undefined) lines.push(`  ${kept.text}`)
  // what this run was allowed is not allowed the next one: the command has to name all
  const allowed = result.guards.filter((guard) => guard.verdict === 'allowed').map((guard) => guard.guard)
  const all = [...new Set([...allowed, ...tripped])].join(',')
  if (tripped.length > 0) lines.push(`  If this is right:  iqtask ${again} --allow ${all} --reason "…"`)
  return lines
}

const isKeptPlan = (message: Message): boolean => message.code === 'IQ4001' && message.item === undefined

/** What makes exactly what was planned; without a plan the task, as far as the result knows. */
function commandOf(result: TaskResultDocument): string {
  const { id, task, executor, arguments: args } = result
  if (result.messages.some(isKeptPlan)) return `apply ${shortId(id)}`
  return executor === 'undo' ? `undo ${shortId(String(args.result))}` : `run ${task}`
}

/** What is other than in the run before and than usual. */
export function renderUsual(usual: Usual | undefined, style: Style): string {
  if (usual === undefined) return ''
  if (usual.different.length === 0)
    return `  ${style.dim(`every count as in the run before, ${shortId(usual.before)}`)}\n`
  const runs = `MEDIAN OF ${usual.runs + 1}`
  return renderTable(usual.different, [
    { title: '  AGAINST', value: (one) => `  ${labelOf(one.name)}` },
    { title: 'NOW', align: 'right', value: (one) => renderCount(one.last) },
    { title: shortId(usual.before), align: 'right', value: (one) => renderCount(one.before ?? 0) },
    { title: runs, align: 'right', value: (one) => renderCount(one.median) },
  ])
}

/** What to type next. */
export function renderNext(result: TaskResultDocument, style: Style): string {
  const id = shortId(result.id)
  const steps =
    result.status === 'terminated'
      ? [`go on: iqtask run ${result.task} --resume`, `look: iqtask results show ${id}`]
      : result.rejects.total > 0
        ? [`look: iqtask results failures ${id}`, `retry: iqtask retry ${id}`]
        : [`look: iqtask results show ${id}`]
  return `  ${style.dim(steps.join('      '))}\n`
}

/** Rejects with one reason: what differs from row to row is left out of the comparison. */
export interface Cause {
  readonly code: Code
  readonly application: string
  readonly reason: string
  readonly count: number
  readonly file: string
  readonly lines: readonly number[]
}

export function groupRejects(rejects: Iterable<RejectRecord>): Cause[] {
  const groups = new Map<string, { -readonly [Key in keyof Cause]: Cause[Key] } & { lines: number[] }>()
  for (const reject of rejects) {
    const general = reject.reason.replace(/"(?:[^"\\]|\\.)*"/g, '"…"').replace(/\d+/g, '#')
    const key = `${reject.application} ${reject.code} ${general}`
    const { application, code, reason, file, line } = reject
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, { application, code, reason, file, count: 1, lines: line === undefined ? [] : [line] })
      continue
    }
    group.count++
    // a feed may be several files: the lines are those of the one that is named
    if (line === undefined || file !== group.file) continue
    if (line < (group.lines[0] ?? 0)) group.reason = reason
    group.lines.splice(place(group.lines, line), 0, line)
    group.lines.length = Math.min(group.lines.length, mostLines)
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0))
}

const mostLines = 5

/** Where it belongs among lines in order: the feed's, not the order in which it was found out. */
function place(lines: readonly number[], line: number): number {
  const next = lines.findIndex((other) => other > line)
  return next === -1 ? lines.length : next
}

export function renderCause(cause: Cause, style: Style): string {
  const more = cause.count > cause.lines.length ? ', …' : ''
  const file = cause.file.split('/').pop() ?? cause.file
  const where =
    cause.lines.length === 0
      ? file
      : `${file} line${cause.lines.length === 1 ? '' : 's'} ${cause.lines.join(', ')}${more}`
  return `${renderCount(cause.count)} ×  ${style.dim(cause.code)}  ${safe(cause.reason)}  ${style.dim(safe(where))}`
}
