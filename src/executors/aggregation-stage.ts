import { contentHash, keysDigest } from '../model/content-hash.ts'
import type { IdentityDraft } from '../model/identity-creation.ts'
import type { MappedAccount } from '../model/mapped-account.ts'
import type { StagedAccount, StagedIdentity } from '../store/bulk/stage-file.ts'

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
