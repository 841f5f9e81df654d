import type { AccountTime, AccountUse } from './application.ts'
import type { Attributes } from './value.ts'

/** One staged account: what a source record means under an application's definition. */
export interface MappedAccount {
  /** How native identities are compared: NFC, lower-cased where the application ignores case. */
  readonly native: string
  /** As written in the source. */
  readonly shown: string
  readonly uuid?: string | undefined
  readonly displayName?: string | undefined
  readonly use: AccountUse
  readonly owner?: string | undefined
  readonly disabled: boolean
  readonly locked: boolean
  /** UTC ISO texts, already moved forward by nothing: `accuracyMs` stays with the definition. */
  readonly times: Readonly<Partial<Record<AccountTime, string>>>
  /** Every kept attribute that is no entitlement, names in code-unit order. */
  readonly attributes: Attributes
  /** Distinct entitlement values in code-unit order; `value` is compared, `shown` as written. */
  readonly entitlements: readonly { readonly attribute: string; readonly value: string; readonly shown: string }[]
  /** One per correlation rule (then per `sameAs` rule): the evened-out value it looks for, null where there is none. */
  readonly keys: readonly (string | null)[]
}
