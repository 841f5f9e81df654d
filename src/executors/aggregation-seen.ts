import { dayIn } from '../base/clock.ts'
import type { SeenRecords } from '../connectors/connector.ts'
import type { Application } from '../model/application.ts'
import type { SeenTable } from '../store/bulk/seen.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'

export interface SeenBefore {
  /** Records that need not be looked at again; undefined for a read that compares or correlates everything. */
  readonly table: SeenTable | undefined
  /** Looks at every record, for the next read to compare with. */
  readonly nothing: SeenRecords
}

/**
 * Undefined where records cannot be told apart by themselves: rows that are an account only together, a cursor that every record may move,
 * and what depends on the moment.
 */
export function seenBefore(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  applicationId: number,
): SeenBefore | undefined {
  const { options, run, project, store } = context
  if (options.only !== undefined || options.limit !== undefined) return undefined
  if (application.merge || application.grants.length > 0 || application.cursor !== undefined) return undefined
  const text = JSON.stringify(application)
  if (/\bnow\b/.test(text)) return undefined
  const day = /\btoday\b/.test(text) ? dayIn(run.startedAt, project.timeZone).toISOString() : ''
  const definition = `${application.digest} ${day}`
  const compares = !args.recorrelate && args.optimizeReaggregation
  return {
    table: compares ? store.accountPlans.seen(applicationId, definition) : undefined,
    nothing: store.accountPlans.seeNothing(definition),
  }
}
