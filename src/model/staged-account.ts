import { contentHead, contentValues } from './content-hash.ts'
import type { IdentityDraft } from './identity-creation.ts'
import type { MappedAccount } from './mapped-account.ts'

/** Of an account whose definition says nothing else. */
export const usualUse = 'personal'

/** One staged account, ready for its row. `times`, `attrs` and `keys` are JSON. */
export interface StagedAccount {
  readonly line: number
  readonly native: string
  readonly shown: string | null
  readonly uuid: string | null
  readonly display: string | null
  /** Null for the usual one. */
  readonly use: string | null
  readonly owner: string | null
  readonly flags: number
  readonly times: string | null
  readonly attrs: string
  /** What the content hash is over, before the attributes and after them. */
  readonly head: string
  readonly values: string
  /** One evened-out value per correlation rule, then per sameAs rule; null where the application has none. */
  readonly keys: string | null
  /** Keyed hash of the source record (8 bytes); null where it was not compared. */
  readonly mac: Buffer | null
  readonly draft: StagedIdentity | undefined
  readonly entitlements: readonly { readonly attribute: string; readonly value: string; readonly shown: string }[]
}

/** What the account would give a new identity; `error` when it cannot be told. */
export interface StagedIdentity {
  readonly name: string
  readonly status: string
  readonly attrsJson: string
  readonly sourcesJson: string
  readonly error: string | null
}

/** A mapped account as the stage keeps it. */
export function stagedAccount(
  account: MappedAccount,
  line: number,
  draft: IdentityDraft | undefined,
  mac: Buffer | undefined,
): StagedAccount {
  const timesText = JSON.stringify(account.times)
  return {
    line,
    native: account.native,
    shown: account.shown === account.native ? null : account.shown,
    uuid: account.uuid ?? null,
    display: account.displayName ?? null,
    use: account.use === usualUse ? null : account.use,
    owner: account.owner ?? null,
    flags: (account.disabled ? 1 : 0) | (account.locked ? 2 : 0),
    times: timesText === '{}' ? null : timesText,
    attrs: JSON.stringify(account.attributes),
    head: contentHead(account),
    values: contentValues(account),
    keys: account.keys.length === 0 ? null : JSON.stringify(account.keys),
    mac: mac ?? null,
    draft: stagedIdentity(account, draft),
    entitlements: account.entitlements,
  }
}

function stagedIdentity(account: MappedAccount, draft: IdentityDraft | undefined): StagedIdentity | undefined {
  if (draft === undefined || draft.kind === 'unwanted') return undefined
  if (draft.kind === 'error')
    return { name: account.shown, status: 'active', attrsJson: '{}', sourcesJson: '{}', error: draft.reason }
  return {
    name: draft.name,
    status: draft.status,
    attrsJson: JSON.stringify(draft.attributes),
    sourcesJson: JSON.stringify(draft.sources),
    error: null,
  }
}
