import { hash } from 'node:crypto'
import type { MappedAccount } from './mapped-account.ts'

/**
 * 16 bytes over everything that is stored of an account, but how its id is spelt: over values, never over numbers of rows. Attributes and times
 * count as the text that is stored; their names are in order there. Between head, attributes and values is a NUL, which no text holds.
 */
export const contentHash = (account: MappedAccount, attributesJson = JSON.stringify(account.attributes)): Buffer =>
  hash('sha256', `${contentHead(account)}\0${attributesJson}\0${contentValues(account)}`, 'buffer').subarray(0, 16)

export const contentHead = ({
  native,
  uuid,
  displayName,
  use,
  owner,
  disabled,
  locked,
  times,
}: MappedAccount): string => JSON.stringify([native, uuid, displayName, use, owner, disabled, locked, times])

export function contentValues({ entitlements }: MappedAccount): string {
  const values = entitlements.map(({ attribute, value }) => `${attribute}\0${value}`)
  if (values.some((value, index) => index > 0 && value < (values[index - 1] ?? ''))) values.sort()
  return values.join('\0\0')
}
