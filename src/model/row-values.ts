import type { Code } from '../base/codes.ts'
import type { AttributeDefinition } from './application.ts'
import { convert, isPlainText, keptText } from './convert.ts'
import type { AttributeType, RawValue, Value } from './value.ts'

/** What an application's expressions see: attributes by name. It has no prototype, so that any name is an ordinary one. */
export type Scope = Record<string, unknown>
export const bareScope = (): Scope => Object.create(null) as Scope

/** Why one row is left out. */
export interface RowReject {
  readonly code: Code
  readonly reason: string
  readonly column?: string | undefined
}

export class RowFault extends Error {
  readonly reject: RowReject
  constructor(reject: RowReject) {
    super(reject.reason)
    this.reject = reject
  }
}

/** Puts a row's values (or `only` those named) into a scope, typed as the definition says. Made once for the columns, so that a row costs one loop. */
export function compileColumns(
  columns: readonly string[],
  attributes: ReadonlyMap<string, AttributeDefinition>,
  only?: ReadonlySet<string>,
): (values: readonly RawValue[], scope: Scope) => void {
  const plan = columns.map((name) =>
    only === undefined || only.has(name) ? { name, attribute: attributes.get(name) } : undefined,
  )
  return (values, scope) => {
    for (let i = 0; i < plan.length; i++) {
      const raw = values[i]
      const column = plan[i]
      // what is computed hides the column of the same name
      if (raw === undefined || raw === '' || column === undefined || column.attribute?.expr !== undefined) continue
      const value = cellValue(column.name, raw, column.attribute)
      if (value !== undefined) scope[column.name] = value
    }
  }
}

function cellValue(name: string, raw: RawValue, attribute: AttributeDefinition | undefined): unknown {
  if (attribute?.multiple === true || Array.isArray(raw)) return listValue(name, raw, attribute?.split)
  const done = convert(name, raw, attribute?.type ?? 'string', attribute?.format)
  if ('code' in done) throw new RowFault({ ...done, column: name })
  return done.value === undefined ? undefined : seen(done.value, attribute?.type)
}

function listValue(name: string, raw: RawValue, split: string | undefined): readonly string[] | undefined {
  const parts = Array.isArray(raw) ? raw : split === undefined ? [String(raw)] : String(raw).split(split)
  const values: string[] = []
  for (const part of parts) {
    const text = keptText(part.trim())
    if (text === undefined)
      throw new RowFault({ code: 'IQ2106', reason: `${name} holds a character that cannot be kept`, column: name })
    if (text !== '') values.push(text)
  }
  return values.length === 0 ? undefined : distinctTexts(values)
}

/** In code-unit order, each once; a list that is so already stays. */
function distinctTexts(values: readonly unknown[]): readonly string[] {
  const inOrder = values.every(
    (value, index) => typeof value === 'string' && (index === 0 || value > (values[index - 1] as string)),
  )
  return inOrder ? (values as readonly string[]) : [...new Set(values.map(String))].sort()
}

/** The raw record, as `where` sees it. */
export function rowScope(columns: readonly string[], values: readonly RawValue[]): Scope {
  const row = bareScope()
  columns.forEach((name, i) => {
    if (values[i] !== undefined && values[i] !== '') row[name] = values[i]
  })
  return row
}

/** A kept value as an expression sees it: dates are timestamps. */
export const seen = (value: Value, type: AttributeType | undefined): unknown =>
  type === 'date' && typeof value === 'string' ? new Date(value) : value

/** The value as it is stored. */
export function kept(value: unknown, type: AttributeType | undefined): Value | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (value instanceof Date) {
    const iso = value.toISOString()
    return iso.endsWith('T00:00:00.000Z') && type === 'date' ? iso.slice(0, 10) : iso
  }
  if (typeof value === 'string') return isPlainText(value) ? value : value.normalize('NFC')
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.length === 0 ? undefined : distinctTexts(value)
  return String(value)
}

/** What an expression or an attribute gave, as text; undefined for nothing. */
export function asText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (value instanceof Date) return kept(value, 'date') as string
  return Array.isArray(value) ? value.join(',') : String(value)
}
