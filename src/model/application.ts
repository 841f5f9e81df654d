import type { JsonObject } from '../base/json.ts'
import type { AttributeType, Normalization } from './value.ts'

/** Where a value comes from: an attribute of the account, or a CEL expression over `account`. */
export type ValueSource = { readonly attribute: string } | { readonly expr: string }

export interface AttributeDefinition {
  readonly name: string
  readonly type: AttributeType
  /** Date pattern such as `dd/MM/yyyy`; without it ISO 8601 dates and date-times are read. */
  readonly format?: string | undefined
  readonly multiple: boolean
  /** Separator inside one cell. */
  readonly split?: string | undefined
  readonly entitlement: boolean
  readonly ignore: boolean
  readonly expr?: string | undefined
  readonly valuesIgnoreCase: boolean
  readonly valuesArePatterns?: 'glob' | undefined
}

export interface CorrelationRule {
  /** The account's side: an attribute name or an expression over `account`. */
  readonly from: ValueSource
  /** The identity's side: an identity attribute, or `name`. */
  readonly identity: string
  readonly decisive: boolean
  readonly ignoreCase: boolean
  readonly normalize: readonly Normalization[]
  readonly ignoreValues: readonly string[]
}

/** Times an account may tell; `accuracyMs` is how far the system's own value lags. */
export const accountTimes = ['lastLogin', 'created', 'enabledAt', 'passwordSet', 'expires'] as const
export type AccountTime = (typeof accountTimes)[number]

export interface TimeSource {
  readonly from: ValueSource
  readonly accuracyMs: number
}

export const accountUses = ['personal', 'service', 'shared', 'admin', 'test'] as const
export type AccountUse = (typeof accountUses)[number]

export interface AccountDefinition {
  /** Attributes whose values, joined with ":", name the account. */
  readonly nativeIdentity: readonly string[]
  readonly uuid?: string | undefined
  readonly use: AccountUse | { readonly expr: string }
  readonly owner?: ValueSource | undefined
  readonly displayName?: ValueSource | undefined
  readonly disabled?: ValueSource | undefined
  readonly locked?: ValueSource | undefined
  readonly times: Readonly<Partial<Record<AccountTime, TimeSource>>>
  readonly primary?: ValueSource | undefined
  readonly attributes: readonly AttributeDefinition[]
}

export interface Protection {
  /** Glob over native identities. */
  readonly match: string
  readonly reason: string
  readonly owner?: string | undefined
  /** Last day (ISO date) it holds. */
  readonly until?: string | undefined
}

/** Where records of one kind come from: the application's own connection, or files of their own beside it. */
export interface Feed {
  readonly connector: string
  /** Checked by the connector's own schema; references are still unresolved. */
  readonly connection: JsonObject
  /** CEL over `row` (the raw record): which records belong to this application (IdentityIQ: multiplexed feeds). */
  readonly where?: string | undefined
}

/** Grants in files of their own: one record says which account holds which value (or values). Sources are over `row`. */
export interface GrantFeed extends Feed {
  /** Their values, joined with ":", name the account like its native identity. */
  readonly account: readonly ValueSource[]
  readonly value: ValueSource
  /** The attribute of the account that holds the values. */
  readonly as: string
  readonly valuesIgnoreCase: boolean
  readonly valuesArePatterns?: 'glob' | undefined
}

/** The catalogue of one entitlement attribute. Sources are over `row`. */
export interface CatalogueFeed extends Feed {
  readonly as: string
  readonly valuesIgnoreCase: boolean
  readonly value: ValueSource
  readonly displayName?: ValueSource | undefined
  readonly description?: ValueSource | undefined
  readonly owner?: ValueSource | undefined
  /** Values that whoever holds this one holds too. */
  readonly gives?: ValueSource | undefined
}

export interface Application extends Feed {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly owner?: string | undefined
  /** May create identities; `create` narrows to accounts for which it is true, a hit of a `sameAs` rule asks instead. */
  readonly authoritative?:
    | { readonly create?: string | undefined; readonly sameAs: readonly CorrelationRule[] }
    | undefined
  readonly privileged: boolean
  /** One row per account and entitlement. */
  readonly merge: boolean
  /** The column that says when a record changed: what a delta goes by. */
  readonly cursor?: string | undefined
  readonly grants: readonly GrantFeed[]
  readonly entitlements: readonly CatalogueFeed[]
  /** Native identities are compared without case and kept as first written. */
  readonly ignoreCase: boolean
  readonly account: AccountDefinition
  readonly correlation: readonly CorrelationRule[]
  readonly protect: readonly Protection[]
  readonly guards: JsonObject
  /** SHA-256 (hex) of the parsed definition: equal definitions, equal digest. */
  readonly digest: string
  /** Absolute path of the file; relative paths in `connection` start at its folder. */
  readonly file: string
}
