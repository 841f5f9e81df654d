import { dayIn } from '../base/clock.ts'
import type { Application } from '../model/application.ts'
import type { Evidence } from '../model/result.ts'
import type { SeenSlots } from '../model/seen-records.ts'
import type { SeenTable } from '../store/bulk/seen.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import type { ReadOutcome } from './aggregation-read.ts'

export interface SeenBefore {
  /** What the records mean. */
  readonly definition: string
  /** Records that need not be looked at again; undefined for a read that compares or correlates everything. */
  table(): SeenTable | undefined
  /** Looks at every record, for the next read to compare with. */
  nothing(): SeenSlots
  /** What a read would come to, where the source is byte for byte what it was and nothing else touched its accounts. */
  unchanged(): Promise<{ readonly outcome: ReadOutcome; readonly table: SeenTable } | undefined>
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
  const last = store.applications.lastRead(applicationId)
  return {
    definition,
    table: () => (compares ? store.accountPlans.seen(applicationId, definition, last?.rows) : undefined),
    nothing: () => store.accountPlans.seeNothing(definition),
    async unchanged() {
      if (!compares || args.input !== undefined || last?.definition !== definition) return undefined
      if (!(await isSame(context, application, last.evidence))) return undefined
      const table = store.accountPlans.allSeen(applicationId, last.rows)
      if (table === undefined) return undefined
      const { rows: read, columns, files, evidence } = last
      const none = { filtered: 0, rejected: 0, grantsRead: 0, grantsRejected: 0, untrusted: false, cursor: undefined }
      return { outcome: { files, columns, read, ...none, evidence, selected: undefined }, table }
    },
  }
}

async function isSame(context: TaskContext, application: Application, last: Evidence): Promise<boolean> {
  if (last.digest === undefined) return false
  const connection = await context.connect(application.name)
  const same = await connection.isSame?.(last)
  await connection.close()
  return same === true
}
