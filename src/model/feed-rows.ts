import type { Times } from './account-readers.ts'
import { compared } from './account-scope.ts'
import type { GrantFeed, ValueSource } from './application.ts'
import { keptText } from './convert.ts'
import { compileExpression, firstLine } from './expression.ts'
import { asText, RowFault, type RowReject, rowScope } from './row-values.ts'
import type { RawValue } from './value.ts'

type ReadRow<Result> = (columns: readonly string[], values: readonly RawValue[]) => Result

/** Which raw records belong to a feed. */
export function compileWhere(source: string | undefined, times: Times): ReadRow<boolean> {
  if (source === undefined) return () => true
  const where = compileExpression(source, { variables: ['row', 'today', 'now'] })
  return (columns, values) => where.evaluate({ row: rowScope(columns, values), ...times }) === true
}

/** A value of a raw record, as distinct texts; none where it is absent. The reader throws RowFault. */
export function compileTexts(field: string, source: ValueSource | undefined, times: Times): ReadRow<readonly string[]> {
  if (source === undefined) return () => []
  if ('attribute' in source) {
    const { attribute } = source
    return (columns, values) => texts(field, values[columns.indexOf(attribute)])
  }
  const { evaluate } = compileExpression(source.expr, { variables: ['row', 'today', 'now'] })
  return (columns, values) => {
    let value: unknown
    try {
      value = evaluate({ row: rowScope(columns, values), ...times })
    } catch (error) {
      throw new RowFault({ code: 'IQ2105', reason: `${field}: ${firstLine(error)}`, column: field })
    }
    return texts(field, value)
  }
}

function texts(field: string, value: unknown): string[] {
  const found = new Set<string>()
  for (const one of [value].flat() as readonly unknown[]) {
    const text = keptText(asText(one)?.trim() ?? '')
    if (text === undefined)
      throw new RowFault({ code: 'IQ2106', reason: `${field} holds a character that cannot be kept`, column: field })
    if (text !== '') found.add(text)
  }
  return [...found].sort()
}

export type GrantOutcome =
  | { readonly native: string; readonly values: readonly string[] }
  | { readonly filtered: true }
  | { readonly reject: RowReject }

/** What one record of a grants feed says: who holds what. */
export function compileGrants(feed: GrantFeed, ignoreCase: boolean, times: Times): ReadRow<GrantOutcome> {
  const wanted = compileWhere(feed.where, times)
  const names = feed.account.map((source) => compileTexts('account', source, times))
  const value = compileTexts('value', feed.value, times)
  return (columns, values) => {
    try {
      if (!wanted(columns, values)) return { filtered: true }
      const parts = names.map((name) => name(columns, values).join(','))
      if (parts.includes('')) return { reject: { code: 'IQ2111', reason: 'the grant names no account' } }
      const held = value(columns, values)
      if (held.length === 0) return { reject: { code: 'IQ2111', reason: 'the grant has no value' } }
      return { native: compared({ ignoreCase }, parts.join(':')), values: held }
    } catch (error) {
      return { reject: error instanceof RowFault ? error.reject : { code: 'IQ2105', reason: firstLine(error) } }
    }
  }
}

/** Columns that a feed's sources name and the records lack. */
export function missingSources(
  sources: readonly (ValueSource | undefined)[],
  columns: readonly string[],
): readonly string[] {
  return sources.flatMap((source) =>
    source !== undefined && 'attribute' in source && !columns.includes(source.attribute) ? [source.attribute] : [],
  )
}
