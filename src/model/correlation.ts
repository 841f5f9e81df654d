/** What a rule looks for and may find; the values are evened out already (`evenOut`). */
export interface CorrelationCase {
  /** One value per rule; null where the account has none. */
  readonly keys: readonly (string | null)[]
  readonly rules: readonly { readonly decisive: boolean }[]
  /** Rules of `sameAs`, asked only before a creation. */
  readonly sameAs: readonly (string | null)[]
  /** The identity that the account belongs to now. */
  readonly owner: number | undefined
  /** That identity was made for it: no key has to confirm it. */
  readonly made: boolean
  /** Identities that a person said it never belongs to: no rule finds them. */
  readonly never: readonly number[]
  /** The application may create an identity for this account. */
  readonly creates: boolean
  readonly privileged: boolean
}

export interface KnownIdentity {
  readonly id: number
  readonly inactive: boolean
  /** By rule (then by `sameAs` rule): the value that the identity offers; null where it may not be matched. */
  readonly values: readonly (string | null)[]
}

export type CorrelationKind =
  | 'rule'
  | 'moved'
  | 'unconfirmed'
  | 'kept'
  | 'created'
  | 'none'
  | 'ambiguous'
  | 'decisive'
  | 'inactive'
  | 'sameAs'
  | 'movedAsk'

export interface CorrelationOutcome {
  readonly kind: CorrelationKind
  /** Number of the rule that decided, from 1. */
  readonly rule: number | undefined
  readonly identity: number | undefined
}

/**
 * Whose account is it (domain §4.7, §4.8)? Rules in order: one that finds exactly one identity wins, several end the search, a
 * decisive one whose value finds nobody ends it. An account that has an owner keeps it unless a rule finds somebody else. The bulk
 * path does the same set-wise in SQL; `test/store/bulk/correlate.test.ts` holds the two equal.
 */
export function correlate(account: CorrelationCase, identities: readonly KnownIdentity[]): CorrelationOutcome {
  const { owner, creates } = account
  const stays = account.made ? 'kept' : 'unconfirmed'
  const open = identities.filter((identity) => !account.never.includes(identity.id))
  for (const [index, rule] of account.rules.entries()) {
    const key = account.keys[index]
    if (key === null || key === undefined) continue
    const found = open.filter((identity) => identity.values[index] === key)
    const [one] = found
    const decided = (kind: CorrelationKind): CorrelationOutcome => ({
      kind,
      rule: index + 1,
      identity: kind === 'rule' || kind === 'moved' ? one?.id : undefined,
    })
    if (found.length > 1) return decided('ambiguous')
    if (one !== undefined) {
      if (one.id === owner) return decided('rule')
      if (one.inactive && !rule.decisive) return decided('inactive')
      if (owner === undefined) return decided('rule')
      return decided(account.privileged ? 'movedAsk' : 'moved')
    }
    if (!rule.decisive) continue
    if (creates) break
    return decided(owner === undefined ? 'decisive' : stays)
  }
  if (owner !== undefined) return { kind: stays, rule: undefined, identity: undefined }
  return creates ? create(account, open) : { kind: 'none', rule: undefined, identity: undefined }
}

function create(account: CorrelationCase, identities: readonly KnownIdentity[]): CorrelationOutcome {
  const first = account.rules.length
  for (const [index, key] of account.sameAs.entries())
    if (key !== null && identities.some((identity) => identity.values[first + index] === key))
      return { kind: 'sameAs', rule: first + index + 1, identity: undefined }
  return { kind: 'created', rule: undefined, identity: undefined }
}
