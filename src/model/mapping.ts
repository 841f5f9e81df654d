import { type AccountReaders, compileAccountReaders, type Times } from './account-readers.ts'
import { compared, compileKey, compileNative, compileScope, type HeldValue, nameOf } from './account-scope.ts'
import { type Application, type AttributeDefinition, accountTimes, type ValueSource } from './application.ts'
import { firstLine } from './expression.ts'
import { compileWhere } from './feed-rows.ts'
import type { MappedAccount } from './mapped-account.ts'
import { asText, bareScope, kept, RowFault, type RowReject, type Scope } from './row-values.ts'
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
  /** For sources where one record is one account. */
  forColumns(columns: readonly string[]): (values: readonly RawValue[]) => MapOutcome
  /** For records that wait for others of their account: first the key of each, then the account once all are there. */
  joining(columns: readonly string[]): {
    key(values: readonly RawValue[]): KeyOutcome
    account(values: readonly RawValue[], held: readonly HeldValue[]): MapOutcome
  }
}

export type KeyOutcome = { readonly native: string } | Exclude<MapOutcome, { readonly account: MappedAccount }>

/** Turns source records into accounts by an application's definition (domain §4.2). @throws UserError IQ1106 */
export function compileMapping(application: Application, times: Times): Mapping {
  const declared = declaredAttributes(application)
  const readers = compileAccountReaders(application, times)
  const wanted = compileWhere(application.where, times)
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
          return { account: mapRow(values, []) }
        } catch (error) {
          return rejected(error, native)
        }
      }
    },
    joining(columns) {
      const keyOf = compileKey(application, columns, declared, readers)
      const mapRow = compileRow(application, columns, declared, readers)
      const nativeOf = compileNative(application, columns)
      return {
        key(values) {
          try {
            return wanted(columns, values) ? { native: compared(application, keyOf(values)) } : { filtered: true }
          } catch (error) {
            return rejected(error, nativeOf(values))
          }
        },
        account(values, held) {
          try {
            return { account: mapRow(values, held) }
          } catch (error) {
            return rejected(error, nativeOf(values))
          }
        },
      }
    },
  }
}

function rejected(error: unknown, native: string | undefined): { readonly reject: MappingReject } {
  const fault = error instanceof RowFault ? error.reject : { code: 'IQ2105' as const, reason: firstLine(error) }
  return { reject: { ...fault, native, untrusted: native === undefined } }
}

/** By name; what grants in files of their own bring is an entitlement attribute, declared or not. */
function declaredAttributes({ account, grants }: Application): ReadonlyMap<string, AttributeDefinition> {
  const declared = new Map(account.attributes.map((attribute) => [attribute.name, attribute]))
  for (const { as, valuesIgnoreCase } of grants) {
    const known = declared.get(as)
    const base = known ?? { name: as, type: 'string', multiple: true, entitlement: true, ignore: false }
    declared.set(as, { ...base, valuesIgnoreCase: valuesIgnoreCase || known?.valuesIgnoreCase === true })
  }
  return declared
}

function compileRow(
  application: Application,
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
  readers: AccountReaders,
): (values: readonly RawValue[], held: readonly HeldValue[]) => MappedAccount {
  const { account: definition } = application
  const scopeOf = compileScope(application, columns, declared, readers)
  const split = compileSplit(columns, declared)
  return (values, held) => {
    const { scope, flags } = scopeOf(values, held)
    const shown = nameOf(definition.nativeIdentity, scope)
    return {
      native: compared(application, shown),
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

/** Attributes and entitlements apart; a flag that no column gave is no attribute. */
function compileSplit(
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
): (scope: Scope) => Pick<MappedAccount, 'attributes' | 'entitlements'> {
  const given = [...new Set([...columns, ...declared.keys()])].sort()
  const plan = given
    .map((name) => ({ name, attribute: declared.get(name) }))
    .filter(({ attribute }) => attribute?.ignore !== true)
  return (scope) => {
    const attributes = bareScope() as Record<string, Value>
    const entitlements: MappedAccount['entitlements'][number][] = []
    for (const { name, attribute } of plan) {
      const value = kept(scope[name], attribute?.type)
      if (value === undefined) continue
      if (attribute?.entitlement !== true) attributes[name] = value
      else entitlements.push(...distinctValues(attribute, value))
    }
    return { attributes, entitlements }
  }
}

/** Of values that are equal without case the first counts. */
function distinctValues(attribute: AttributeDefinition, value: Value): MappedAccount['entitlements'][number][] {
  const { name, valuesIgnoreCase } = attribute
  const all = Array.isArray(value) ? (value as readonly string[]) : [String(value)]
  if (!valuesIgnoreCase) return all.map((shown) => ({ attribute: name, value: shown, shown }))
  const values = new Map<string, string>()
  for (const shown of all) if (!values.has(shown.toLowerCase())) values.set(shown.toLowerCase(), shown)
  return [...values].map(([lower, shown]) => ({ attribute: name, value: lower, shown }))
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
