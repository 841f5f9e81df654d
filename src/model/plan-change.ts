import type { Json } from '../base/json.ts'

export const planChangeKinds = ['create', 'change', 'end', 'link', 'enable', 'disable', 'add', 'remove'] as const
export type PlanChangeKind = (typeof planChangeKinds)[number]

/** One change of a plan, with what is there before it (`iqtask/Plan/1`). */
export interface PlanChange {
  readonly kind: PlanChangeKind
  readonly object: 'account' | 'grant' | 'identity'
  /** `ad:u00012`, or an identity's name. */
  readonly key: string
  readonly field: string | null
  readonly before: Json
  readonly after: Json
}
