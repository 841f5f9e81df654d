import { counted } from '../../base/plural.ts'
import type { SectionDocument, TaskResultDocument } from '../../model/documents.ts'
import { safe } from '../terminal.ts'
import type { Style } from './style.ts'
import { displayWidth, sized } from './table.ts'
import { renderCount } from './values.ts'

/** Counts that are shown although they are zero: the shape of every run. */
const always = new Set(['read', 'created', 'changed', 'unchanged', 'rejected'])
const labels: Readonly<Record<string, string>> = {
  identitiesCreated: 'identities created',
  grantsAdded: 'grants added',
  grantsEnded: 'grants ended',
  grantsRejected: 'grants rejected',
  entitlementsCreated: 'entitlements new',
  stillHeld: 'gone but held',
  givesAdded: 'steps of the hierarchy added',
  givesEnded: 'steps ended',
  givesRejected: 'steps rejected',
  uncorrelated: 'accounts uncorrelated',
}
/** Labels that count a noun, for one of it. */
const singular: Readonly<Record<string, string>> = {
  identities: 'identity',
  grants: 'grant',
  entitlements: 'entitlement',
  steps: 'step',
  accounts: 'account',
  questions: 'question',
  results: 'result',
  images: 'image',
  backups: 'backup',
}

/** What a count of that many is called; without a number as the name of the count. */
export function labelOf(name: string, count?: number): string {
  const label = labels[name] ?? name
  const [noun = '', ...rest] = label.split(' ')
  return count === 1 && singular[noun] !== undefined ? [singular[noun], ...rest].join(' ') : label
}
const firstLine = [
  'read',
  'created',
  'changed',
  'unchanged',
  'returned',
  'renamed',
  'missing',
  'gone',
  'protected',
  'filtered',
  'rejected',
]
const gap = '    '

/** One block a section; the same count stands in the same column, as far as the terminal is wide. */
export function renderSections({ sections }: TaskResultDocument, style: Style, columns: number): string[] {
  const width = Math.max(0, ...sections.map((section) => displayWidth(safe(section.application))))
  const rest = [...new Set(sections.flatMap((section) => Object.keys(section.counts)))].filter(
    (name) => !firstLine.includes(name),
  )
  const room = columns - width - 4
  const blocks = [firstLine, rest].map((names) => {
    const shown = names.filter((name) => sections.some((section) => isShown(section, name)))
    const rows = sections.map((section) => cellsOf(section, shown, sections))
    const aligned = rows.every((row) => displayWidth(row.join(gap).trimEnd()) <= room)
    return aligned ? rows.map((row) => [row.join(gap).trimEnd()]) : rows.map((row) => wrapped(row, room))
  })
  return sections.flatMap((section, index) => {
    const [first = [], second = []] = blocks.map((rows) => (rows[index] ?? []).filter((line) => line.trim() !== ''))
    const rate = renderRate(section)
    const last = second.at(-1)
    if (rate !== '' && last !== undefined && displayWidth(last + gap + rate) <= room)
      second[second.length - 1] = last + gap + rate
    else if (rate !== '') second.push(rate)
    const [head = '', ...more] = first
    const indent = ' '.repeat(width + 4)
    return [
      `  ${style.bold(sized(safe(section.application), width))}  ${head}`.trimEnd(),
      ...more.map((line) => indent + line),
      ...second.map((line) => indent + style.dim(line)),
      // its counts were kept when it began to write
      ...(section.status === 'terminated' && first.length + second.length > 0
        ? [indent + style.yellow('stopped on the way: these were planned, not all of them are done')]
        : []),
    ]
  })
}

const isShown = ({ counts }: SectionDocument, name: string): boolean =>
  (counts[name] ?? 0) > 0 || (always.has(name) && counts[name] !== undefined)

/** Each as wide as the widest of its column; blank where the section has none. */
function cellsOf(section: SectionDocument, names: readonly string[], all: readonly SectionDocument[]): string[] {
  return names.map((name) => {
    const digits = Math.max(
      ...all.filter((one) => isShown(one, name)).map((one) => renderCount(one.counts[name] ?? 0).length),
    )
    const label = (section: SectionDocument): string => labelOf(name, section.counts[name])
    const width = Math.max(...all.filter((one) => isShown(one, name)).map((one) => label(one).length))
    if (!isShown(section, name)) return ' '.repeat(digits + 1 + width)
    return `${renderCount(section.counts[name] ?? 0).padStart(digits)} ${label(section).padEnd(width)}`
  })
}

function wrapped(cells: readonly string[], room: number): string[] {
  const lines: string[] = []
  for (const cell of cells.map((one) => one.trim()).filter((one) => one !== '')) {
    const last = lines.at(-1)
    if (last !== undefined && displayWidth(last + gap + cell) <= room) lines[lines.length - 1] = last + gap + cell
    else lines.push(cell)
  }
  return lines
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** `97.1 % correlated (median of 12 runs 98.0 %)`; nothing where everybody has an owner, as ever. */
function renderRate({ correlation }: SectionDocument): string {
  if (correlation === null || (correlation.rate === 1 && correlation.earlier.every((rate) => rate === 1))) return ''
  const { rate, earlier } = correlation
  const median = [...earlier].sort((a, b) => a - b)[Math.floor(earlier.length / 2)]
  const before = median === undefined ? '' : ` (median of ${counted(earlier.length, 'run')} ${percent(median)})`
  return `${percent(rate)} correlated${before}`
}
