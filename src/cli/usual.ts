import type { Store } from '../app.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import { median, type Trend, trendsOf } from '../model/result-compare.ts'

/** What a run is measured by: the runs of its task before it that did their work, and the same work: a part is no measure for the whole. */
export interface Usual {
  readonly runs: number
  /** The run before it. */
  readonly before: string
  readonly durationMs: number
  /** Counts that differ from the run before or from the median. */
  readonly different: readonly Trend[]
}

export function usualOf({ results }: Store, result: TaskResultDocument): Usual | undefined {
  const earlier = results
    .list({ task: result.task, status: ['success', 'warning'], until: result.queuedAt, limit: 30 })
    .items.filter((one) => !one.dryRun && JSON.stringify(one.arguments) === JSON.stringify(result.arguments))
  const [before] = earlier
  if (before === undefined) return undefined
  const trends = trendsOf([result, ...earlier]).filter((one) => one.name !== 'durationMs')
  return {
    runs: earlier.length,
    before: before.id,
    durationMs: median(earlier.flatMap((one) => one.durationMs ?? [])) ?? 0,
    different: trends.filter((one) => one.last !== (one.before ?? 0) || one.last !== one.median),
  }
}
