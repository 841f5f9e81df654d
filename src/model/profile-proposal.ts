import { type ColumnFacts, strayShare } from './column-profile.ts'

/** What a feed's identities have in common with the identities of the store, measured on a sample of its rows. */
export interface CorrelationCandidate {
  readonly account: string
  readonly identity: string
  /** Rows of the sample that have a value, that find exactly one identity, that find several. */
  readonly filled: number
  readonly one: number
  readonly several: number
  readonly ignoreCase: boolean
  /** Numbers that only differ in zeros before them. */
  readonly leadingZeros: boolean
}

export interface ProfileFacts {
  readonly rows: number
  readonly rejected: number
  /** Where it is not UTF-8 and the file does not say so. */
  readonly encoding: string | undefined
  readonly columns: readonly ColumnFacts[]
  /** Pairs of columns that are unique together and never empty, where no single one is. */
  readonly pairs: readonly (readonly [string, string])[]
  /** A pair of which one names an account and the other what it holds; in how many accounts the rest of the rows differs. */
  readonly merge:
    | {
        readonly account: string
        readonly value: string
        readonly accounts: number
        readonly disagreeing: number
      }
    | undefined
  readonly correlation: readonly CorrelationCandidate[]
}

export interface Proposal {
  /** The key, and the other columns that could be it. */
  readonly key: readonly string[]
  readonly otherKeys: readonly string[]
  /** A row is an account and one of its entitlements. */
  readonly merge: boolean
  /** Rows that would be rejected with this key: without a value, or with one that comes again. */
  readonly keyFaults: { readonly empty: number; readonly repeats: number }
  readonly uuid: string | undefined
  readonly displayName: string | undefined
  readonly lastLogin: string | undefined
  readonly disabled: { readonly column: string; readonly expr: string | undefined; readonly sure: boolean } | undefined
  readonly locked: string | undefined
  readonly attributes: readonly AttributeProposal[]
  readonly correlation: readonly CorrelationCandidate[]
}

export interface AttributeProposal {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'date'
  readonly format: string | undefined
  /** Other formats that fit as well: the data do not tell. */
  readonly otherFormats: readonly string[]
  readonly split: string | undefined
  readonly multiple: boolean
  readonly entitlement: boolean
}

const keyNames = /(^|_|\b)(id|uid|login|user|account|number|no|samaccountname|employee)|id$|number$|login$/i
const entitlementNames = /(group|role|member|profile|entitlement|permission|privilege|right|access)/i
const nameNames = /^(display_?name|full_?name|cn|name)$/i
const loginNames = /last_?(log|sign|access|used)/i
const lockedNames = /^(is_?)?(locked|lockout|locked_?out)$/i

/** Turns what was measured into a proposal; what the data do not settle is left open, never guessed. */
export function propose(facts: ProfileFacts): Proposal {
  const { columns, pairs } = facts
  const singles = columns.filter((column) => column.list === undefined && mayBeKey(column)).sort(byFaults)
  const uuid = singles.find((column) => column.uuid)
  const names = singles.filter((column) => column !== uuid)
  // a key without a fault goes before one that is named like a key
  const sound = faultsOf(names[0]) === 0 ? names.filter((column) => faultsOf(column) === 0) : names
  const keyColumn = sound.find((column) => keyNames.test(column.name)) ?? sound[0] ?? uuid
  const pair = keyColumn === undefined ? pairs[0] : undefined
  const united = pair === undefined || columns.length === 2 ? pair : unitedBy(facts.merge)
  const merge = united !== undefined
  const key = keyColumn !== undefined ? [keyColumn.name] : (united?.slice(0, 1) ?? [...(pair ?? [])])
  const attributes = columns.map(attributeOf).filter((attribute) => attribute !== undefined)
  return {
    key,
    otherKeys: [
      ...singles.filter((column) => column.name !== key[0]).map((column) => column.name),
      ...(keyColumn === undefined && !merge ? pairs.slice(1).map((other) => other.join(' + ')) : []),
    ],
    merge,
    keyFaults: {
      empty: keyColumn === undefined ? 0 : keyColumn.rows - keyColumn.filled,
      repeats: keyColumn?.repeats ?? 0,
    },
    uuid: uuid !== undefined && uuid !== keyColumn ? uuid.name : undefined,
    displayName: columns.find((column) => nameNames.test(column.name) && column.filled > 0)?.name,
    lastLogin: columns.find((column) => column.dates.length > 0 && loginNames.test(column.name))?.name,
    disabled: disabledOf(columns),
    locked: columns.find((column) => column.boolean && lockedNames.test(column.name))?.name,
    attributes: merge ? [...attributes, ...mergeValue(united[1], attributes)] : attributes,
    correlation: facts.correlation,
  }
}

const unitedBy = (merge: ProfileFacts['merge']): readonly [string, string] | undefined =>
  merge === undefined ? undefined : [merge.account, merge.value]

/** Which of two columns names an account, and which what it holds; undefined when their names do not tell. */
export const mergePair = ([one, other]: readonly [string, string]): [string, string][] | undefined => {
  const fits = (account: string, value: string): boolean => keyNames.test(account) && entitlementNames.test(value)
  return fits(one, other) ? [[one, other]] : fits(other, one) ? [[other, one]] : undefined
}

const faultsOf = (column: ColumnFacts | undefined): number =>
  column === undefined ? 0 : column.rows - column.filled + (column.repeats ?? column.rows)
const byFaults = (a: ColumnFacts, b: ColumnFacts): number => faultsOf(a) - faultsOf(b)
/** Unique and never empty, but for a few rows that would be rejected. */
export const mayBeKey = (column: ColumnFacts): boolean =>
  column.rows > 0 && faultsOf(column) <= Math.max(2, column.rows * strayShare) && faultsOf(column) < column.rows / 2

const mergeValue = (name: string, known: readonly AttributeProposal[]): AttributeProposal[] =>
  known.some((attribute) => attribute.name === name)
    ? []
    : [
        {
          name,
          type: 'string',
          format: undefined,
          otherFormats: [],
          split: undefined,
          multiple: true,
          entitlement: true,
        },
      ]

/** Undefined: a plain text column, which needs no line. */
function attributeOf(column: ColumnFacts): AttributeProposal | undefined {
  const { name, dates, list, boolean, digits } = column
  const plain = { name, format: undefined, otherFormats: [], split: undefined, multiple: false, entitlement: false }
  if (list !== undefined)
    return { ...plain, type: 'string', split: list.separator, multiple: true, entitlement: entitlementNames.test(name) }
  const [format, ...others] = dates
  // digits alone are a number of somebody sooner than a day, unless the name says so
  const asDate = format !== undefined && (!digits || /date|day|since|until|birth|hire|start|end/i.test(name))
  if (asDate) return { ...plain, type: 'date', format: format === 'ISO' ? undefined : format, otherFormats: others }
  if (boolean && !digits) return { ...plain, type: 'boolean' }
  if (boolean && /^(is_|has_)|enabled|disabled|locked|active/i.test(name)) return { ...plain, type: 'boolean' }
  return undefined
}

/** A flag of that name is sure; a state with a few words is shown with its words, for a person to choose. */
function disabledOf(columns: readonly ColumnFacts[]): Proposal['disabled'] {
  const flag = columns.find((column) => column.boolean && /^(is_?)?(disabled|blocked|suspended)$/i.test(column.name))
  if (flag !== undefined) return { column: flag.name, expr: undefined, sure: true }
  const enabled = columns.find((column) => column.boolean && /^(is_?)?(enabled|active)$/i.test(column.name))
  if (enabled !== undefined) return { column: enabled.name, expr: `!${scoped(enabled.name)}`, sure: true }
  const state = columns.find(
    (column) => /^(account_?)?(status|state)$/i.test(column.name) && (column.values?.length ?? 99) <= 8,
  )
  const words = state?.values?.map(([value]) => value) ?? []
  const active = words.find((word) => /^(active|aktiv|enabled|a|1)$/i.test(word)) ?? words[0]
  if (state === undefined || active === undefined) return undefined
  return { column: state.name, expr: `${scoped(state.name)} != '${active.replaceAll("'", "\\'")}'`, sure: false }
}

const scoped = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? `account.${name}` : `account['${name}']`)
