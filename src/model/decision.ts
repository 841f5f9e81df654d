/**
 * What a person may decide about an account: it is somebody's, it is nobody's, it is never somebody's. It wins over every rule, and
 * survives every run (domain §4.8).
 */
export const decisionKinds = ['link', 'unlink', 'never'] as const
export type DecisionKind = (typeof decisionKinds)[number]

/** An account as a decision finds it. */
export interface DecidedAccount {
  /** The name of its identity. */
  readonly owner: string | null
  /** What was decided before: whose it is, and whose it never is. */
  readonly decided: { readonly kind: 'link' | 'unlink'; readonly identity: string | null } | undefined
  readonly never: readonly string[]
}

/** Why a decision cannot be taken; undefined when it can. */
export function faultOfDecision(
  account: DecidedAccount,
  kind: DecisionKind,
  identity: string | undefined,
): string | undefined {
  if (kind === 'unlink') return identity === undefined ? undefined : 'unlink takes no identity'
  if (identity === undefined) return `${kind} needs an identity`
  if (kind === 'link' && account.never.includes(identity))
    return `it was decided that it never belongs to ${identity}: undo that run first`
  if (kind === 'never' && account.decided?.kind === 'link' && account.decided.identity === identity)
    return `it was decided that it belongs to ${identity}: unlink it, or link it to somebody else first`
  return undefined
}

/** Nothing would change: a decision is safe to repeat. */
export const isDecided = (account: DecidedAccount, kind: DecisionKind, identity: string | undefined): boolean =>
  kind === 'never'
    ? account.never.includes(identity ?? '')
    : account.decided?.kind === kind && account.decided.identity === (identity ?? null)
