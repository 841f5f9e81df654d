import type { Code } from '../base/codes.ts'
import { type Application, accountTimes, accountUses, type ValueSource } from './application.ts'
import { convert, keptText, toDate } from './convert.ts'
import { compileExpression, firstLine } from './expression.ts'
import type { MappedAccount } from './mapped-account.ts'
import { evenOut } from './normalize.ts'
import type { AttributeType, RawValue, Value } from './value.ts'

export interface MappingReject {
  readonly code: Code
  readonly reason: string
  readonly column?: string | undefined
  readonly native?: string | undefined
  /** Its native identity cannot be told. */
  readonly untrusted: boolean
}

export type MapOutcome =
  | { readonly account: MappedAccount }
  | { readonly filtered: true }
  | { readonly reject: MappingReject }

export interface Mapping {
  /** Columns that the definition uses and the source lacks. */
  missingColumns(columns: readonly string[]): string[]
  forColumns(columns: readonly string[]): (values: readonly RawValue[]) => MapOutcome
}

type Scope = Record<string, unknown>
type Read = (account: Scope) => unknown

class RowFault extends Error {
  readonly reject: Omit<MappingReject, 'native' | 'untrusted'>
  constructor(reject: Omit<MappingReject, 'native' | 'untrusted'>) {
    super(reject.reason)
    this.reject = reject
  }
}

const bareScope = (): Scope => Object.create(null) as Scope

/** Text of the kept form as an expression sees it: dates are timestamps. */
export const seen = (value: Value, type: AttributeType | undefined): unknown =>
  type === 'date' && typeof value === 'string' ? new Date(value) : value

/** Turns source records into accounts by an application's definition (domain: Stage). `now` is what expressions see. */
export function compileMapping(
  application: Application,
  options: { readonly now: Date; readonly today: Date },
): Mapping {
  const { account: definition } = application
  const declared = new Map(definition.attributes.map((attribute) => [attribute.name, attribute]))
  const variables = { now: options.now, today: options.today }
  const where =
    application.where === undefined
      ? undefined
      : compileExpression(application.where, { variables: ['row', 'today', 'now'] })

  const reader = (field: string, source: ValueSource | undefined): Read | undefined => {
    if (source === undefined) return undefined
    if ('attribute' in source) return (account) => account[source.attribute]
    const compiled = compileExpression(source.expr, { variables: ['account', 'today', 'now'] })
    return (account) => {
      try {
        return compiled.evaluate({ account, ...variables })
      } catch (error) {
        throw new RowFault({ code: 'IQ2105', reason: `${field}: ${firstLine(error)}`, column: field })
      }
    }
  }
  const computed = definition.attributes.flatMap((attribute) =>
    attribute.expr === undefined ? [] : [{ attribute, read: reader(attribute.name, { expr: attribute.expr }) }],
  )
  const rules = [...application.correlation, ...(application.authoritative?.sameAs ?? [])]
  const keyReaders = rules.map((rule) => ({ rule, read: reader('correlation', rule.from) }))
  const flag = { disabled: reader('disabled', definition.disabled), locked: reader('locked', definition.locked) }
  const display = reader('displayName', definition.displayName)
  const owner = reader('owner', definition.owner)
  const use = typeof definition.use === 'string' ? undefined : reader('use', definition.use)
  const times = accountTimes.flatMap((name) => {
    const source = definition.times[name]
    return source === undefined ? [] : [{ name, read: reader(name, source.from) }]
  })

  const attributeNames = (source: ValueSource | undefined): string[] =>
    source !== undefined && 'attribute' in source ? [source.attribute] : []
  const used = new Set([
    ...definition.nativeIdentity,
    ...(definition.uuid === undefined ? [] : [definition.uuid]),
    ...definition.attributes.filter((a) => a.expr === undefined).map((a) => a.name),
    ...[
      definition.disabled,
      definition.locked,
      definition.displayName,
      definition.owner,
      ...rules.map((rule) => rule.from),
    ].flatMap(attributeNames),
    ...accountTimes.flatMap((name) => attributeNames(definition.times[name]?.from)),
  ])

  const base = (columns: readonly string[], values: readonly RawValue[], scope: Scope): void => {
    for (let i = 0; i < columns.length; i++) {
      const name = columns[i] ?? ''
      const raw = values[i]
      const attribute = declared.get(name)
      if (raw === undefined || raw === '' || attribute?.expr !== undefined) continue
      if (attribute?.multiple === true || Array.isArray(raw)) {
        const parts = Array.isArray(raw)
          ? raw
          : attribute?.split === undefined
            ? [String(raw)]
            : String(raw).split(attribute.split)
        const list = [...new Set(parts.map((part) => text(name, part.trim())).filter((part) => part !== ''))].sort()
        if (list.length > 0) scope[name] = list
        continue
      }
      const done = convert(name, raw, attribute?.type ?? 'string', attribute?.format)
      if ('code' in done) throw new RowFault({ ...done, column: name })
      if (done.value !== undefined) scope[name] = seen(done.value, attribute?.type)
    }
  }
  const text = (name: string, part: string): string => {
    const kept = keptText(part)
    if (kept === undefined)
      throw new RowFault({ code: 'IQ2106', reason: `${name} holds a character that cannot be kept`, column: name })
    return kept
  }
  const truth = (field: string, value: unknown): boolean => {
    if (value === undefined) return false
    const done = convert(field, value as RawValue, 'boolean', undefined)
    if ('code' in done) throw new RowFault({ ...done, column: field })
    return done.value === true
  }

  const map = (columns: readonly string[], values: readonly RawValue[], known: { native?: string }): MapOutcome => {
    if (where !== undefined && !matches(where.evaluate({ row: rowScope(columns, values), ...variables })))
      return { filtered: true }
    const early = nativeOf(application, columns, values)
    if (early !== undefined) known.native = early.native
    const scope = bareScope()
    base(columns, values, scope)
    // before anything is computed from a row that names no account
    refuseNameless(
      definition.nativeIdentity.filter((part) => declared.get(part)?.expr === undefined),
      scope,
    )
    const flags = { disabled: truth('disabled', flag.disabled?.(scope)), locked: truth('locked', flag.locked?.(scope)) }
    // an attribute hides a flag of the same name in the application's own expressions
    for (const [name, value] of Object.entries(flags)) if (!(name in scope)) scope[name] = value
    for (const { attribute, read } of computed) {
      const value = read?.(scope)
      if (value !== undefined && value !== null && value !== '') scope[attribute.name] = value
    }
    refuseNameless(definition.nativeIdentity, scope)
    const shown = definition.nativeIdentity.map((part) => asText(scope[part]))
    const native = shown.join(':')
    known.native = application.ignoreCase ? native.toLowerCase() : native
    const useValue = use === undefined ? definition.use : asText(use(scope))
    const accountUse = accountUses.find((candidate) => candidate === useValue)
    if (accountUse === undefined)
      throw new RowFault({ code: 'IQ2105', reason: `use is none of ${accountUses.join(', ')}`, column: 'use' })
    return {
      account: {
        native: known.native,
        shown: native,
        uuid: definition.uuid === undefined ? undefined : asText(scope[definition.uuid]),
        displayName: asText(display?.(scope)),
        use: accountUse,
        owner: asText(owner?.(scope)),
        ...flags,
        times: Object.fromEntries(times.flatMap(({ name, read }) => timeEntry(name, read?.(scope)))),
        ...split(scope),
        keys: keyReaders.map(({ rule, read }) => {
          const value = read?.(scope)
          return Array.isArray(value) ? null : (evenOut(rule, asText(value) ?? '') ?? null)
        }),
      },
    }
  }

  const split = (scope: Scope): Pick<MappedAccount, 'attributes' | 'entitlements'> => {
    const attributes: Record<string, Value> = Object.create(null) as Record<string, Value>
    const entitlements: { attribute: string; value: string; shown: string }[] = []
    for (const name of Object.keys(scope).sort()) {
      const attribute = declared.get(name)
      const value = kept(scope[name], attribute?.type)
      if (value === undefined || attribute?.ignore === true) continue
      if (attribute?.entitlement === true) {
        for (const one of Array.isArray(value) ? value : [String(value)]) {
          entitlements.push({
            attribute: name,
            value: attribute.valuesIgnoreCase ? one.toLowerCase() : one,
            shown: one,
          })
        }
      } else if (attribute !== undefined || !isFlag(name) || sourceColumns.has(name)) attributes[name] = value
    }
    return { attributes, entitlements }
  }
  let sourceColumns: ReadonlySet<string> = new Set()

  return {
    missingColumns: (columns) => {
      const there = new Set(columns)
      return [...used].filter((name) => !there.has(name) && declared.get(name)?.expr === undefined)
    },
    forColumns(columns) {
      sourceColumns = new Set(columns)
      return (values) => {
        const known: { native?: string } = {}
        try {
          return map(columns, values, known)
        } catch (error) {
          const fault = error instanceof RowFault ? error.reject : { code: 'IQ2105' as const, reason: firstLine(error) }
          return { reject: { ...fault, native: known.native, untrusted: known.native === undefined } }
        }
      }
    },
  }
}

function refuseNameless(parts: readonly string[], scope: Scope): void {
  const absent = parts.filter((part) => asText(scope[part]) === undefined)
  if (absent.length > 0)
    throw new RowFault({
      code: 'IQ2102',
      reason: `no native identity: ${absent.join(', ')} is empty`,
      column: absent[0],
    })
}

const isFlag = (name: string): boolean => name === 'disabled' || name === 'locked'
const matches = (value: unknown): boolean => value === true

function rowScope(columns: readonly string[], values: readonly RawValue[]): Scope {
  const row = bareScope()
  columns.forEach((name, i) => {
    if (values[i] !== undefined && values[i] !== '') row[name] = values[i]
  })
  return row
}

/** The native identity straight from the row, so that a row rejected for another reason still names its account. */
function nativeOf(
  application: Application,
  columns: readonly string[],
  values: readonly RawValue[],
): { native: string } | undefined {
  const parts: string[] = []
  for (const name of application.account.nativeIdentity) {
    const raw = values[columns.indexOf(name)]
    const part = raw === undefined || Array.isArray(raw) ? undefined : keptText(String(raw))
    if (part === undefined || part === '') return undefined
    parts.push(part)
  }
  const native = parts.join(':')
  return { native: application.ignoreCase ? native.toLowerCase() : native }
}

/** What an expression or an attribute gave, as text; undefined for nothing. */
export function asText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (value instanceof Date) return kept(value, 'date') as string
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** The value as it is stored. */
export function kept(value: unknown, type: AttributeType | undefined): Value | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (value instanceof Date) {
    const iso = value.toISOString()
    return iso.endsWith('T00:00:00.000Z') && type === 'date' ? iso.slice(0, 10) : iso
  }
  if (typeof value === 'string') return value.normalize('NFC')
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.length === 0 ? undefined : [...new Set(value.map(String))].sort()
  return String(value)
}

function timeEntry(name: string, value: unknown): [string, string][] {
  if (value === undefined || value === null || value === '') return []
  const iso = value instanceof Date ? value.toISOString() : toDate(String(value), undefined)
  if (iso === undefined)
    throw new RowFault({
      code: 'IQ2104',
      reason: `${name} is not a date: ${JSON.stringify(String(value).slice(0, 60))}`,
      column: name,
    })
  return [[name, iso.length === 10 ? `${iso}T00:00:00.000Z` : iso]]
}
