import type { AccountReaders } from './account-readers.ts'
import type { Application, AttributeDefinition } from './application.ts'
import { keptText } from './convert.ts'
import { asText, bareScope, compileColumns, RowFault, type Scope } from './row-values.ts'
import type { RawValue } from './value.ts'

/** A value that the account holds by a record of another feed. */
export interface HeldValue {
  readonly as: string
  readonly value: string
}

/** Native identities as they are compared. */
export const compared = ({ ignoreCase }: Pick<Application, 'ignoreCase'>, shown: string): string =>
  ignoreCase ? shown.toLowerCase() : shown

/** All that the application's expressions see of an account. */
export function compileScope(
  application: Application,
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
  readers: AccountReaders,
): (
  values: readonly RawValue[],
  held: readonly HeldValue[],
) => { scope: Scope; flags: ReturnType<typeof readers.flags> } {
  const { nativeIdentity } = application.account
  const fill = compileColumns(columns, declared)
  const given = nativeIdentity.filter((part) => declared.get(part)?.expr === undefined)
  return (values, held) => {
    const scope = bareScope()
    fill(values, scope)
    // before anything is computed from a row that names no account
    refuseNameless(given, scope)
    hold(scope, held)
    const flags = readers.flags(scope)
    // an attribute hides a flag of the same name in the application's own expressions
    if (!('disabled' in scope)) scope.disabled = flags.disabled
    if (!('locked' in scope)) scope.locked = flags.locked
    readers.compute(scope)
    refuseNameless(nativeIdentity, scope)
    return { scope, flags }
  }
}

/** Values of other feeds join those of the account's own record. */
function hold(scope: Scope, held: readonly HeldValue[]): void {
  if (held.length === 0) return
  const lists = new Map<string, Set<string>>()
  for (const { as, value } of held) {
    const list = lists.get(as) ?? new Set([scope[as] ?? []].flat().map(String))
    list.add(value)
    lists.set(as, list)
  }
  for (const [as, list] of lists) scope[as] = [...list].sort()
}

export const nameOf = (parts: readonly string[], scope: Scope): string =>
  parts.map((part) => asText(scope[part])).join(':')

/** The native identity as `compileRow` will give it, from as little of the row as possible. */
export function compileKey(
  application: Application,
  columns: readonly string[],
  declared: ReadonlyMap<string, AttributeDefinition>,
  readers: AccountReaders,
): (values: readonly RawValue[]) => string {
  const { nativeIdentity } = application.account
  if (nativeIdentity.some((part) => declared.get(part)?.expr !== undefined)) {
    const scopeOf = compileScope(application, columns, declared, readers)
    return (values) => nameOf(nativeIdentity, scopeOf(values, []).scope)
  }
  const plain = nativeIdentity.every((part) => {
    const attribute = declared.get(part)
    return attribute === undefined || (attribute.type === 'string' && !attribute.multiple)
  })
  const fill = compileColumns(columns, declared, new Set(nativeIdentity))
  const index = nativeIdentity.length === 1 ? columns.indexOf(nativeIdentity[0] ?? '') : -1
  return (values) => {
    const value = values[index]
    // most are one column of text
    if (plain && typeof value === 'string' && value !== '') {
      const text = keptText(value)
      if (text !== undefined) return text
    }
    const scope = bareScope()
    fill(values, scope)
    refuseNameless(nativeIdentity, scope)
    return nameOf(nativeIdentity, scope)
  }
}

function refuseNameless(parts: readonly string[], scope: Scope): void {
  if (parts.every((part) => asText(scope[part]) !== undefined)) return
  const absent = parts.filter((part) => asText(scope[part]) === undefined)
  throw new RowFault({
    code: 'IQ2102',
    reason: `no native identity: ${absent.join(', ')} is empty`,
    column: absent[0],
  })
}

/** The native identity straight from the row, so that a row rejected for another reason still names its account. */
export function compileNative(
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
    return compared(application, parts.join(':'))
  }
}
