import { hash } from 'node:crypto'
import { canonicalJson } from '../base/json.ts'
import type { MappedAccount } from './mapped-account.ts'

/** 16 bytes over everything that is stored of an account, but how its id is spelt: over values, never over numbers of rows. */
export function contentHash(account: MappedAccount): Buffer {
  const { native, uuid, displayName, use, owner, disabled, locked, times, attributes } = account
  const values = account.entitlements
    .map((e) => [e.attribute, e.value] as const)
    .sort((a, b) => order(a[0], b[0]) || order(a[1], b[1]))
  const text = JSON.stringify([
    native,
    uuid,
    displayName,
    use,
    owner,
    disabled,
    locked,
    canonicalJson(times),
    canonicalJson(attributes),
    values,
  ])
  return hash('sha256', text, 'buffer').subarray(0, 16)
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** 8 bytes over the correlation keys; null where the application has no rules. */
export function keysDigest(keys: readonly (string | null)[]): Buffer | null {
  return keys.length === 0 ? null : hash('sha256', JSON.stringify(keys), 'buffer').subarray(0, 8)
}
