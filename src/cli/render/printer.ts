import { UserError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { didYouMean } from '../../base/nearest.ts'
import { safe, type Terminal } from '../terminal.ts'
import { type Column, displayWidth, renderTable, sized, wrapped } from './table.ts'
import { renderValue } from './values.ts'

export const outputs = ['table', 'wide', 'json', 'jsonl', 'csv', 'yaml'] as const
export type Output = (typeof outputs)[number]

export interface PrinterOptions {
  readonly output: Output
  readonly fields: readonly string[] | undefined
}

export interface ListOf<Item> {
  readonly items: Iterable<Item>
  readonly total: number
  readonly columns: readonly Column<Item>[]
  /** Said under the table. */
  readonly footer?: string | undefined
  readonly empty: string
}

/** Every document says what it is; `iqtask schema` publishes what may be relied on. */
export interface Documented {
  readonly schema: `iqtask/${string}/${number}`
}

/** One place for results: the same data as table, JSON, JSON lines, CSV or YAML. */
export interface Printer {
  readonly machine: boolean
  list<Item extends object>(list: ListOf<Item>): Promise<void>
  /** One object; `human` gives the text for people. */
  document<Document extends Documented>(document: Document, human: () => string): Promise<void>
}

export function createPrinter(terminal: Terminal, options: PrinterOptions): Printer {
  const { output, fields } = options
  const pick = (item: object): object => (fields === undefined ? item : picked(item as JsonObject, fields))
  const yaml = async (value: unknown): Promise<string> => {
    // a CommonJS package: bundled, an import at run time finds its names only below `default`
    const {
      default: { stringify },
    } = await import('yaml')
    return stringify(value)
  }
  return {
    machine: output !== 'table' && output !== 'wide',
    async list(list) {
      if (output === 'jsonl' || output === 'csv') return stream(terminal, output, list.items, pick, fields)
      const items = [...list.items]
      if (output === 'json' || output === 'yaml') {
        const document = { schema: 'iqtask/List/1', items: items.map(pick), total: list.total, cursor: null }
        await terminal.out(output === 'json' ? `${JSON.stringify(document, null, 2)}\n` : await yaml(document))
        return
      }
      if (items.length === 0) return void (await terminal.out(`${list.empty}\n`))
      const [first] = items
      // a name that is mistyped would be a column of dashes
      if (first !== undefined) pick(first)
      const columns =
        fields === undefined
          ? list.columns.filter((column) => output === 'wide' || column.wide !== true)
          : fields.map((field) => ({
              title: field,
              value: (item: object) => renderValue(valueAt(item as JsonObject, field)),
            }))
      const more = list.total > items.length ? `${items.length} of ${list.total}; --all shows the rest\n` : ''
      // a pipe has no width, and who asks for all columns gets them whole
      const width = terminal.outIsTerminal && output === 'table' ? terminal.columns : undefined
      await terminal.out(renderTable(items, columns, width) + more + footerOf(list.footer, width))
    },
    async document(document, human) {
      if (output === 'table' || output === 'wide')
        await terminal.out(fields === undefined ? human() : factsOf(pick(document) as JsonObject))
      else if (output === 'yaml') await terminal.out(await yaml(pick(document)))
      else if (output === 'csv') await stream(terminal, 'csv', [document], pick, fields)
      else await terminal.out(`${JSON.stringify(pick(document), null, output === 'json' ? 2 : undefined)}\n`)
    },
  }
}

/** The fields that were asked for, one a line. */
function factsOf(facts: JsonObject): string {
  const width = Math.max(0, ...Object.keys(facts).map(displayWidth))
  return Object.entries(facts)
    .map(([name, value]) => `${sized(name, width)}  ${safe(renderValue(value))}\n`)
    .join('')
}

/** What is to be copied stays in one line. */
function footerOf(footer: string | undefined, width = Number.POSITIVE_INFINITY): string {
  if (footer === undefined) return ''
  const lines = footer.split('\n').map((line) => (line.includes('iqtask ') ? line : wrapped(line, width, 8)))
  return `${lines.join('\n')}\n`
}

async function stream(
  terminal: Terminal,
  output: 'jsonl' | 'csv',
  items: Iterable<object>,
  pick: (item: object) => object,
  fields: readonly string[] | undefined,
): Promise<void> {
  let names: readonly string[] | undefined
  let buffer = ''
  for (const item of items) {
    if (output === 'jsonl') buffer += `${JSON.stringify(pick(item))}\n`
    else {
      if (names === undefined) {
        pick(item)
        names = fields ?? Object.keys(item).filter((name) => name !== 'schema')
        buffer += csvLine(names)
      }
      buffer += csvLine(names.map((name) => csvValue(valueAt(item as JsonObject, name))))
    }
    if (buffer.length < 64 * 1024) continue
    if (!(await terminal.out(buffer))) return
    buffer = ''
  }
  if (buffer !== '') await terminal.out(buffer)
}

export const csvLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`

/** Plain lists as people write them; a list of objects as JSON, which a program can read back. */
function csvValue(value: unknown): string {
  if (value === null || value === undefined) return ''
  return Array.isArray(value) && value.some((one) => typeof one === 'object')
    ? JSON.stringify(value)
    : renderValue(value)
}

function valueAt(item: JsonObject, path: string): unknown {
  let value: unknown = item
  for (const key of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined
  return value
}

function picked(item: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(
    fields.map((field) => {
      const [top = ''] = field.split('.')
      if (!(top in item))
        throw new UserError(`there is no field "${field}"`, {
          code: 'IQ1002',
          hint: didYouMean(top, Object.keys(item)) ?? `there are ${Object.keys(item).join(', ')}`,
        })
      return [field, (valueAt(item, field) ?? null) as never]
    }),
  )
}
