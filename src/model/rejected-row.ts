import type { Reject } from './result.ts'
import type { RawValue } from './value.ts'

/** A row that could not become a record, with its place. */
export interface RejectedRow extends Reject {
  /** Its native identity cannot be told. */
  readonly untrusted: boolean
  /** What can be read of it all the same, in the order of the columns: it may tell whose row it is. */
  readonly values?: readonly RawValue[] | undefined
}

/** As a result keeps it. */
export const rejectOf = ({ untrusted: _, values: __, ...reject }: RejectedRow): Reject => reject

/** With its native identity, where the values tell it. */
export function named(row: RejectedRow, nativeOf: (values: readonly RawValue[]) => string | undefined): RejectedRow {
  const native = row.values === undefined ? undefined : nativeOf(row.values)
  return native === undefined ? row : { ...row, native, untrusted: false }
}
