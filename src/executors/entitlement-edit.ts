import type { JsonObject } from '../base/json.ts'
import type { EntitlementEdit } from '../store/entitlement-edits.ts'
import type { TaskContext } from '../task/executor.ts'

export interface PlannedEdit extends EntitlementEdit {
  readonly key: string
  /** What the audit trail tells of it. */
  readonly told: JsonObject
}

/** Makes them and audits each, inside the chunk's transaction. */
export function makeEdits({ store, run, audit }: TaskContext, planned: readonly PlannedEdit[]): void {
  if (planned.length > 0) store.catalogue.edit(planned, run.number)
  for (const { key, told: body } of planned) audit({ action: 'entitlement.edit', object: 'entitlement', key, body })
}
