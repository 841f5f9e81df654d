import { contentHash, keysDigest } from './content-hash.ts'
import type { IdentityDraft } from './identity-creation.ts'
import type { MappedAccount } from './mapped-account.ts'

/** One staged account, ready for its row. Texts are JSON where the name says so. */
export interface StagedAccount {
  readonly line: number
  readonly native: string
  readonly shown: string | null
  readonly uuid: string | null
  readonly display: string | null
  readonly use: string
  readonly owner: string | null
  readonly flags: number
  readonly timesJson: string | null
  readonly attrsJson: string
  readonly hash: Buffer
  /** One evened-out value per correlation rule, then per sameAs rule. */
  readonly keysJson: string
  readonly keysDigest: Buffer | null
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
  const attrsJson = JSON.stringify(account.attributes)
  const timesText = JSON.stringify(account.times)
  return {
    line,
    native: account.native,
    shown: account.shown === account.native ? null : account.shown,
    uuid: account.uuid ?? null,
    display: account.displayName ?? null,
    use: account.use,
    owner: account.owner ?? null,
    flags: (account.disabled ? 1 : 0) | (account.locked ? 2 : 0),
    timesJson: timesText === '{}' ? null : timesText,
    attrsJson,
    hash: contentHash(account, attrsJson),
    keysJson: JSON.stringify(account.keys),
    keysDigest: keysDigest(account.keys),
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
