import { dayIn } from '../base/clock.ts'
import { compileAccountReaders } from './account-readers.ts'
import type { Application, ValueSource } from './application.ts'
import type { AccountDocument } from './documents.ts'
import { evenOut } from './normalize.ts'
import type { Scope } from './row-values.ts'

export interface TraceIdentity {
  readonly name: string
  readonly status: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** By attribute: the application whose value it is. */
  readonly sources: Readonly<Record<string, string>>
}

/** What one correlation rule looks for, and whom it finds among the identities as they are now. */
export interface RuleTrace {
  /** From 1; `sameAs` rules are numbered after the others. */
  readonly rule: number
  /** The account's side: an attribute, or an expression. */
  readonly account: string
  readonly identity: string
  /** As it is compared; null where the account has none, or one that never matches. */
  readonly value: string | null
  readonly found: readonly string[]
}

/**
 * Tries an application's rules over an account as it is stored. `ruledOut`: whom a person said it never belongs to; `trusted`:
 * applications whose values may be matched.
 */
export function traceRules(
  application: Application,
  account: AccountDocument,
  identities: Iterable<TraceIdentity>,
  options: {
    readonly now: Date
    readonly timeZone: string
    readonly ruledOut: readonly string[]
    readonly trusted: readonly string[]
  },
): RuleTrace[] {
  const { now, timeZone, ruledOut, trusted } = options
  const rules = [...application.correlation, ...(application.authoritative?.sameAs ?? [])]
  const keys = compileAccountReaders(application, { now, today: dayIn(now, timeZone) }).keys(scopeOf(account))
  const found = rules.map((): string[] => [])
  for (const { name, attributes, sources } of identities) {
    if (ruledOut.includes(name)) continue
    rules.forEach((rule, index) => {
      const source = sources[rule.identity]
      if (keys[index] == null || (source !== undefined && !trusted.includes(source))) return
      const value = rule.identity === 'name' ? name : attributes[rule.identity]
      if (typeof value !== 'string' && typeof value !== 'number') return
      if (evenOut(rule, String(value)) === keys[index]) found[index]?.push(name)
    })
  }
  return rules.map((rule, index) => ({
    rule: index + 1,
    account: sourceText(rule.from),
    identity: rule.identity,
    value: keys[index] ?? null,
    found: found[index] ?? [],
  }))
}

const sourceText = (source: ValueSource): string => ('attribute' in source ? source.attribute : source.expr)

/** What the rules' expressions see; a column that is not kept is not there. */
function scopeOf({ attributes, entitlements, ...account }: AccountDocument): Scope {
  const held: Record<string, string[]> = {}
  for (const { attribute, value } of entitlements) held[attribute] = [...(held[attribute] ?? []), value]
  const { disabled, locked, use } = account
  return { disabled, locked, use, ...held, ...attributes }
}
