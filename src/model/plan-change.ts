import type { Json } from '../base/json.ts'

export const planChangeKinds = ['create', 'change', 'end', 'link', 'enable', 'disable', 'add', 'remove'] as const
export type PlanChangeKind = (typeof planChangeKinds)[number]

export const planObjects = ['account', 'grant', 'identity', 'entitlement', 'role', 'operation', 'result'] as const
export type PlanObject = (typeof planObjects)[number]

/** One change of a plan, with what is there before it (`iqtask/Plan/1`). */
export interface PlanChange {
  readonly kind: PlanChangeKind
  readonly object: PlanObject
  /** `ad:u00012`, or an identity's name. */
  readonly key: string
  readonly field: string | null
  readonly before: Json
  readonly after: Json
}

/** `forbid:` and `--forbid` take the words of the plan, and the two that people say instead. */
const kindOf: ReadonlyMap<string, PlanChangeKind> = new Map<string, PlanChangeKind>([
  ...planChangeKinds.map((kind) => [kind, kind] as const),
  ['update', 'change'],
  ['delete', 'end'],
])
export const forbidWords = [...kindOf.keys()]

export const forbiddenKinds = (words: readonly string[]): ReadonlySet<PlanChangeKind> =>
  new Set(words.flatMap((word) => kindOf.get(word) ?? []))

/**
 * What is made whole or not at all: the record of an account with its grants, its owner, an identity. Half a record would be
 * neither what was there nor what the source says.
 */
export const unitOf = ({ kind, object, key }: PlanChange): string =>
  `${kind === 'link' ? 'link' : object === 'grant' ? 'account' : object} ${key}`
