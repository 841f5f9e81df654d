import { renderDuration } from '../../base/duration.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { Usual } from '../usual.ts'
import { type Cause, statusText } from './result.ts'
import { labelOf } from './sections.ts'
import { renderCount, type Times } from './values.ts'

/** Everything that data may hold, as text. */
const escaped = (value: unknown): string =>
  String(value ?? '–').replace(/[&<>"'\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) =>
    /[&<>"']/.test(char) ? `&#${char.charCodeAt(0)};` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )

const css = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
th{border-bottom:1px solid}td.n{text-align:right;font-variant-numeric:tabular-nums}pre{overflow:auto}`

interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => unknown
  readonly number?: boolean
}

function table<Row>(title: string, rows: readonly Row[], columns: readonly Column<Row>[]): string {
  if (rows.length === 0) return ''
  const head = columns.map((column) => `<th scope="col">${escaped(column.title)}</th>`).join('')
  const line = (row: Row): string =>
    columns.map((one) => `<td${one.number === true ? ' class="n"' : ''}>${escaped(one.value(row))}</td>`).join('')
  return `<h2>${escaped(title)}</h2>\n<table><thead><tr>${head}</tr></thead><tbody>\n${rows
    .map((row) => `<tr>${line(row)}</tr>`)
    .join('\n')}\n</tbody></table>\n`
}

const numbers = (counts: Readonly<Record<string, number>>): [string, number][] => Object.entries(counts)

/** One page that needs nothing else: no script, no picture, no address. */
export function renderHtml(
  result: TaskResultDocument,
  causes: readonly Cause[],
  usual: Usual | undefined,
  times: Times,
): string {
  const facts: [string, unknown][] = [
    ['status', `${statusText(result)}${result.dryRun ? ' (dry run)' : ''}`],
    ['started', `${times.render(result.startedAt)} ${times.zone}`],
    ['duration', result.durationMs === null ? '–' : renderDuration(result.durationMs)],
    ['by', `${String(result.actor.user)} (${result.trigger}) on ${result.host}`],
    ['definition', result.definition.sha256],
    ['audit event', result.auditSeq],
  ]
  const title = `${escaped(result.task)}: result ${escaped(result.id)}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>${title}</title><style>${css}</style></head><body>
<h1>${title}</h1>
${table('What', facts, [
  { title: '', value: ([name]) => name },
  { title: '', value: ([, value]) => value },
])}${result.sections
  .map((section) =>
    table(`${section.application}: ${section.status}`, numbers(section.counts), [
      { title: 'count', value: ([name]) => labelOf(name) },
      { title: '', value: ([, count]) => renderCount(count), number: true },
    ]),
  )
  .join('')}${table(`Against the ${usual?.runs ?? 0} runs before`, usual?.different ?? [], [
  { title: 'count', value: (one) => labelOf(one.name) },
  { title: 'now', value: (one) => renderCount(one.last), number: true },
  { title: 'before', value: (one) => (one.before === null ? '–' : renderCount(one.before)), number: true },
  { title: 'median', value: (one) => renderCount(one.median), number: true },
])}${table('Guards', result.guards, [
  { title: 'application', value: (one) => one.application },
  { title: 'guard', value: (one) => one.guard },
  { title: 'verdict', value: (one) => one.verdict },
  { title: '', value: (one) => one.text },
])}${table('Messages', result.messages, [
  { title: 'level', value: (one) => one.level },
  { title: 'code', value: (one) => one.code },
  { title: 'about', value: (one) => one.item },
  { title: '', value: (one) => one.text },
])}${table('Rejects', causes, [
  { title: 'count', value: (one) => renderCount(one.count), number: true },
  { title: 'code', value: (one) => one.code },
  { title: 'reason', value: (one) => one.reason },
  { title: 'file', value: (one) => one.file },
  { title: 'lines', value: (one) => `${one.lines.join(', ')}${one.count > one.lines.length ? ', …' : ''}` },
])}<h2>Definition</h2>\n<pre>${escaped(result.definition.text)}</pre>
</body></html>
`
}
