import { hash } from 'node:crypto'
import type { MappedAccount } from './mapped-account.ts'

/**
 * 16 bytes over everything that is stored of an account, but how its id is spelt: over values, never over numbers of rows. Attributes and times
 * count as the text that is stored; their names are in order there.
 */
export function contentHash(account: MappedAccount, attributesJson = JSON.stringify(account.attributes)): Buffer {
  const { native, uuid, displayName, use, owner, disabled, locked, times, entitlements } = account
  const values = entitlements.map(({ attribute, value }) => `${attribute}\0${value}`)
  if (values.some((value, index) => index > 0 && value < (values[index - 1] ?? ''))) values.sort()
  const head = JSON.stringify([native, uuid, displayName, use, owner, disabled, locked, times])
  // no text holds a NUL
  return hash('sha256', `${head}\0${attributesJson}\0${values.join('\0\0')}`, 'buffer').subarray(0, 16)
}

/** 8 bytes over the correlation keys; null where the application has no rules. */
export function keysDigest(keys: readonly (string | null)[]): Buffer | null {
  return keys.length === 0 ? null : hash('sha256', JSON.stringify(keys), 'buffer').subarray(0, 8)
}
