import type { Normalization } from './value.ts'

/** Where an identity attribute may come from, in order of precedence. */
export type IdentitySource =
  | { readonly application: string; readonly attribute: string }
  /** CEL over the applications by name (`hr.first_name`, `app['etcd-io'].login`); `applications`: the names it uses. */
  | { readonly expr: string; readonly applications: readonly string[] }

export interface IdentityAttribute {
  readonly name: string
  readonly from: readonly IdentitySource[]
  readonly normalize: readonly Normalization[]
  readonly unique: boolean
  readonly searchable: boolean
  readonly multiple: boolean
}

/** What an identity is made of (`identity:` in the project's configuration). */
export interface IdentityModel {
  /** How identities that an authoritative application creates are named; its native identity where nothing is said. */
  readonly name: readonly IdentitySource[]
  readonly attributes: readonly IdentityAttribute[]
  readonly manager?: { readonly from: IdentitySource; readonly identity: string } | undefined
  /** One rule an authoritative application; active if any says so. */
  readonly status: readonly { readonly application: string; readonly expr: string }[]
}

export const identityStatuses = ['prehire', 'active', 'leave', 'inactive'] as const
export type IdentityStatus = (typeof identityStatuses)[number]
