import type { Times } from './account-readers.ts'
import type { CatalogueFeed } from './application.ts'
import { firstLine } from './expression.ts'
import { compileTexts, compileWhere } from './feed-rows.ts'
import { RowFault, type RowReject } from './row-values.ts'
import type { RawValue } from './value.ts'

/** One entry of a catalogue; `value` and `gives` as they are compared. */
export interface MappedEntitlement {
  readonly attribute: string
  readonly value: string
  readonly shown: string
  readonly display: string | undefined
  readonly description: string | undefined
  readonly owner: string | undefined
  readonly gives: readonly string[]
}

export type CatalogueOutcome =
  | { readonly entry: MappedEntitlement }
  | { readonly filtered: true }
  | { readonly reject: RowReject & { readonly value?: string } }

/** What one record of a catalogue feed says. */
export function compileCatalogue(
  feed: CatalogueFeed,
  times: Times,
): (columns: readonly string[], values: readonly RawValue[]) => CatalogueOutcome {
  const wanted = compileWhere(feed.where, times)
  const texts = (field: 'value' | 'displayName' | 'description' | 'owner' | 'gives') =>
    compileTexts(field, feed[field], times)
  const [value, display, description, owner, gives] = [
    texts('value'),
    texts('displayName'),
    texts('description'),
    texts('owner'),
    texts('gives'),
  ]
  const compared = (text: string): string => (feed.valuesIgnoreCase ? text.toLowerCase() : text)
  return (columns, values) => {
    let shown: string | undefined
    try {
      if (!wanted(columns, values)) return { filtered: true }
      const found = value(columns, values)
      shown = found[0]
      if (shown === undefined) return { reject: { code: 'IQ2102', reason: 'the entitlement has no value' } }
      if (found.length > 1) return { reject: { code: 'IQ2104', reason: `the entitlement has ${found.length} values` } }
      const one = (read: typeof value): string | undefined => {
        const all = read(columns, values)
        return all.length === 0 ? undefined : all.join(', ')
      }
      return {
        entry: {
          attribute: feed.as,
          value: compared(shown),
          shown,
          display: one(display),
          description: one(description),
          owner: one(owner),
          gives: [...new Set(gives(columns, values).map(compared))],
        },
      }
    } catch (error) {
      const fault = error instanceof RowFault ? error.reject : { code: 'IQ2105' as const, reason: firstLine(error) }
      return { reject: shown === undefined ? fault : { ...fault, value: compared(shown) } }
    }
  }
}
