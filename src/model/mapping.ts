import { type AccountReaders, compileAccountReaders, type Times } from './account-readers.ts'
import { type Application, type AttributeDefinition, accountTimes, type ValueSource } from './application.ts'
import { keptText } from './convert.ts'
import { compileExpression, firstLine } from './expression.ts'
import type { MappedAccount } from './mapped-account.ts'
import {
  asText,
  bareScope,
  compileColumns,
  kept,
  RowFault,
  type RowReject,
  rowScope,
  type Scope,
} from './row-values.ts'
import type { RawValue, Value } from './value.ts'

export interface MappingReject extends RowReject {
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

/** Turns source records into accounts by an application's definition (domain §4.2). @throws UserError IQ1106 */
export function compileMapping(application: Application, times: Times): Mapping {
  const declared = new Map(application.account.attributes.map((attribute) => [attribute.name, attribute]))
  const readers = compileAccountReaders(application, times)
  const wanted = compileWhere(application, times)
  return {
    missingColumns(columns) {
      const there = new Set(columns)
      return usedAttributes(application).filter((name) => !there.has(name) && declared.get(name)?.expr === undefined)
    },
    forColumns(columns) {
      const mapRow = compileRow(application, columns, declared, readers)
      const nativeOf = compileNative(application, columns)
      return (values) => {
        let native: string | undefined
        try {
          if (!wanted(columns, values)) return { filtered: true }
          native = nativeOf(values)
          return { account: mapRow(values) }
        } catch (error) {
          const fault = error instanceof RowFault ? error.reject : { code: 'IQ2105' as const, reason: firstLine(error) }
          return { reject: { ...fault, native, untrusted: native === undefined } }
        }
      }
    },
  }
}

function compileWhere(
  application: Application,
  times: Times,
): (columns: readonly string[], values: readonly RawValue[]) => boolean {
  if (application.where === undefined) return () => true
  const where = compileExpression(application.where, { variables: ['row', 'today', 'now'] })
  return (columns, values) => where.evaluate({ row: rowScope(columns, values), ...times }) === true
}

function compileRow(
  application: Application,
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
  readers: AccountReaders,
): (values: readonly RawValue[]) => MappedAccount {
  const { account: definition, ignoreCase } = application
  const fill = compileColumns(columns, declared)
  const split = compileSplit(columns, declared)
  const given = definition.nativeIdentity.filter((part) => declared.get(part)?.expr === undefined)
  return (values) => {
    const scope = bareScope()
    fill(values, scope)
    // before anything is computed from a row that names no account
    refuseNameless(given, scope)
    const flags = readers.flags(scope)
    // an attribute hides a flag of the same name in the application's own expressions
    if (!('disabled' in scope)) scope.disabled = flags.disabled
    if (!('locked' in scope)) scope.locked = flags.locked
    readers.compute(scope)
    refuseNameless(definition.nativeIdentity, scope)
    const shown = definition.nativeIdentity.map((part) => asText(scope[part])).join(':')
    return {
      native: ignoreCase ? shown.toLowerCase() : shown,
      shown,
      uuid: definition.uuid === undefined ? undefined : asText(scope[definition.uuid]),
      displayName: readers.displayName(scope),
      use: readers.use(scope),
      owner: readers.owner(scope),
      disabled: flags.disabled,
      locked: flags.locked,
      times: readers.times(scope),
      ...split(scope),
      keys: readers.keys(scope),
    }
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

/** Attributes and entitlements apart; a flag that no column gave is no attribute. */
function compileSplit(
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
): (scope: Scope) => Pick<MappedAccount, 'attributes' | 'entitlements'> {
  const given = new Set([...columns, ...declared.keys()])
  return (scope) => {
    const attributes = bareScope() as Record<string, Value>
    const entitlements: MappedAccount['entitlements'][number][] = []
    for (const name of Object.keys(scope).sort()) {
      const attribute = declared.get(name)
      const value = kept(scope[name], attribute?.type)
      if (value === undefined || attribute?.ignore === true || !given.has(name)) continue
      if (attribute?.entitlement !== true) attributes[name] = value
      else
        for (const shown of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
          entitlements.push({ attribute: name, value: attribute.valuesIgnoreCase ? shown.toLowerCase() : shown, shown })
    }
    return { attributes, entitlements }
  }
}

/** The native identity straight from the row, so that a row rejected for another reason still names its account. */
function compileNative(
  application: Application,
  columns: readonly string[],
): (values: readonly RawValue[]) => string | undefined {
  const indexes = application.account.nativeIdentity.map((name) => columns.indexOf(name))
  return (values) => {
    const parts: string[] = []
    for (const index of indexes) {
      const raw = values[index]
      const part = raw === undefined || Array.isArray(raw) ? undefined : keptText(String(raw))
      if (part === undefined || part === '') return undefined
      parts.push(part)
    }
    const native = parts.join(':')
    return application.ignoreCase ? native.toLowerCase() : native
  }
}

/** Attributes that the definition takes by name, wherever it does. */
function usedAttributes(application: Application): string[] {
  const { account, correlation, authoritative } = application
  const sources: readonly (ValueSource | undefined)[] = [
    account.disabled,
    account.locked,
    account.displayName,
    account.owner,
    ...accountTimes.map((name) => account.times[name]?.from),
    ...[...correlation, ...(authoritative?.sameAs ?? [])].map((rule) => rule.from),
  ]
  const names = [
    ...account.nativeIdentity,
    ...(account.uuid === undefined ? [] : [account.uuid]),
    ...account.attributes.map((attribute) => attribute.name),
    ...sources.flatMap((source) => (source !== undefined && 'attribute' in source ? [source.attribute] : [])),
  ]
  return [...new Set(names)]
}
