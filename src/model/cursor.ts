import type { Application } from './application.ts'
import { convert } from './convert.ts'
import type { RawValue } from './value.ts'

/** When a record changed, by the application's cursor column, in a form that can be compared; undefined where the record does not say. */
export function compileCursor(
  { account, cursor }: Pick<Application, 'account' | 'cursor'>,
  columns: readonly string[],
): (values: readonly RawValue[]) => string | undefined {
  const index = cursor === undefined ? -1 : columns.indexOf(cursor)
  if (cursor === undefined || index === -1) return () => undefined
  const attribute = account.attributes.find((one) => one.name === cursor)
  return (values) => {
    const done = convert(cursor, values[index], attribute?.type ?? 'string', attribute?.format)
    return 'code' in done || done.value === undefined ? undefined : String(done.value)
  }
}

const numeric = /^-?\d+(\.\d+)?$/

/** Numbers by size, everything else (ISO dates among it) as text. */
export function isBefore(a: string, b: string): boolean {
  if (!numeric.test(a) || !numeric.test(b)) return a < b
  // sequence numbers may be larger than a double can hold
  return a.includes('.') || b.includes('.') ? Number(a) < Number(b) : BigInt(a) < BigInt(b)
}
