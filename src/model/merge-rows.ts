import type { Application, AttributeDefinition } from './application.ts'
import { convert } from './convert.ts'
import type { MappingReject } from './mapping.ts'
import { renderPlaces } from './place.ts'
import type { RawValue } from './value.ts'

/** One of several records of an account; `place` says where it stands. */
export interface AccountRow {
  readonly place: number
  readonly values: readonly RawValue[]
}

export type MergeOutcome = { readonly values: readonly RawValue[] } | Disagreement

/** A single attribute has two values. */
interface Disagreement {
  readonly column: string
  readonly rows: readonly [AccountRow, AccountRow]
  readonly texts: readonly [string, string]
}

/**
 * Makes one record of all those of an account (domain §2, `merge`): lists and entitlements are united, a single attribute has to be the same
 * wherever it is given; a row without it does not contradict. Ignored attributes may differ, and are absent then.
 */
export function compileMerge(
  { account, ignoreCase }: Pick<Application, 'account' | 'ignoreCase'>,
  columns: readonly string[],
): (rows: readonly AccountRow[]) => MergeOutcome {
  const declared = new Map(account.attributes.map((attribute) => [attribute.name, attribute]))
  const plan = columns.map((name) => ({
    name,
    attribute: declared.get(name),
    united: isList(declared.get(name)),
    // spelled differently it is still the same account; it is kept as first written
    first: ignoreCase && account.nativeIdentity.includes(name),
  }))
  return (rows) => {
    const [one] = rows
    if (rows.length === 1 && one !== undefined) return { values: one.values }
    const values: RawValue[] = []
    for (const [index, { name, attribute, united, first }] of plan.entries()) {
      if (united) values.push(union(rows, index, attribute?.split))
      else {
        const found = singleValue(rows, index, attribute)
        if ('value' in found || first) values.push('value' in found ? found.value : found.rows[0].values[index])
        else if (attribute?.ignore === true) values.push(undefined)
        else return { column: name, ...found }
      }
    }
    return { values }
  }
}

/** Why all rows of an account are left out. `files`: in the order of the numbers that places have. */
export function disagreement(
  native: string,
  { column, rows, texts }: Disagreement,
  files: readonly string[],
): MappingReject {
  const [one, other] = rows.map((row) => renderPlaces(files, [row.place]))
  const said = texts.map((text) => JSON.stringify(text.slice(0, 60)))
  const reason = `the rows of ${JSON.stringify(native)} disagree: ${column} is ${said[0]} in ${one}, ${said[1]} in ${other}`
  return { code: 'IQ2109', reason, column, native, untrusted: false }
}

const isList = (attribute: AttributeDefinition | undefined): boolean =>
  attribute !== undefined && attribute.expr === undefined && (attribute.multiple || attribute.entitlement)

function union(rows: readonly AccountRow[], index: number, split: string | undefined): RawValue {
  const values = new Set<string>()
  for (const row of rows) {
    const raw = row.values[index]
    if (raw === undefined || raw === '') continue
    if (Array.isArray(raw)) for (const value of raw) values.add(value)
    else if (split === undefined) values.add(String(raw))
    else for (const value of String(raw).split(split)) values.add(value)
  }
  return values.size === 0 ? undefined : [...values]
}

type Single = { readonly value: RawValue } | { rows: [AccountRow, AccountRow]; texts: [string, string] }

function singleValue(rows: readonly AccountRow[], index: number, attribute: AttributeDefinition | undefined): Single {
  let chosen: AccountRow | undefined
  for (const row of rows) {
    const raw = row.values[index]
    if (raw === undefined || raw === '') continue
    const known = chosen?.values[index]
    if (chosen === undefined) chosen = row
    else if (raw !== known && textOf(raw, attribute) !== textOf(known, attribute))
      return { rows: [chosen, row], texts: [textOf(known, attribute), textOf(raw, attribute)] }
  }
  return { value: chosen?.values[index] }
}

/** As it would be kept: `1` and `1.0` are the same number. What does not fit its type is told when the account is mapped. */
function textOf(raw: RawValue, attribute: AttributeDefinition | undefined): string {
  if (Array.isArray(raw)) return [...raw].sort().join('|')
  const done = convert('', raw, attribute?.type ?? 'string', attribute?.format)
  return 'code' in done ? String(raw) : String(done.value)
}
