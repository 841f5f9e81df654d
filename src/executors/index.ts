import type { Executor } from '../task/executor.ts'
import { accountAggregation } from './account-aggregation.ts'
import { decide } from './decide.ts'
import { entitlementAggregation } from './entitlement-aggregation.ts'
import { maintenance } from './maintenance.ts'
import { sequence } from './sequence.ts'
import { tag } from './tag.ts'
import { undo } from './undo.ts'

/** The tasks that iqtask can do by itself. */
export const builtinExecutors: readonly Executor[] = [
  accountAggregation,
  decide,
  entitlementAggregation,
  sequence,
  tag,
  maintenance,
  undo,
]
