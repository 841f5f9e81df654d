import type { StagedAccount } from '../../src/model/staged-account.ts'

/** An account of which nothing is known but its key. */
export const bareAccount = (native: string, line: number, more: Partial<StagedAccount> = {}): StagedAccount => ({
  line,
  native,
  shown: null,
  uuid: null,
  display: null,
  use: 'personal',
  owner: null,
  flags: 0,
  times: null,
  attrs: '{}',
  head: '',
  values: '',
  keys: '[]',
  mac: null,
  draft: undefined,
  entitlements: [],
  ...more,
})
