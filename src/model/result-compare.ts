import type { TaskResultDocument } from './documents.ts'
import type { Reject } from './result.ts'

export interface FailedItem extends Reject {
  readonly application: string
}

/** What failed in the one run and in the other: who is new in the list, who is no longer, who stands. */
export interface FailureDiff {
  readonly new: readonly FailedItem[]
  readonly gone: readonly FailedItem[]
  readonly standing: readonly FailedItem[]
}

/** An item is the same when the same account fails for the same cause; without one, the same reason at the same place. */
const keyOf = ({ application, code, native, file, line, reason }: FailedItem): string =>
  native === undefined ? `${application}\0${code}\0${file}\0${line}\0${reason}` : `${application}\0${code}\0${native}`

export function diffFailures(from: Iterable<FailedItem>, to: Iterable<FailedItem>): FailureDiff {
  const before = new Map([...from].map((item) => [keyOf(item), item]))
  const after = new Map([...to].map((item) => [keyOf(item), item]))
  return {
    new: [...after].flatMap(([key, item]) => (before.has(key) ? [] : [item])),
    gone: [...before].flatMap(([key, item]) => (after.has(key) ? [] : [item])),
    standing: [...after].flatMap(([key, item]) => (before.has(key) ? [item] : [])),
  }
}

export interface Trend {
  readonly name: string
  /** Of the latest run, of the one before it, and the median of all; null where a run has none. */
  readonly last: number
  readonly before: number | null
  readonly median: number
}

/** The middle one; of an even number the lower of the two in the middle. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

/** Counts and duration over runs, latest first; only what the latest has. */
export function trendsOf(results: readonly Pick<TaskResultDocument, 'counts' | 'durationMs'>[]): Trend[] {
  const [last, before] = results
  if (last === undefined) return []
  const valuesOf = (result: (typeof results)[number]): Record<string, number> => ({
    ...(result.durationMs === null ? {} : { durationMs: result.durationMs }),
    ...result.counts,
  })
  const all = results.map(valuesOf)
  return Object.entries(valuesOf(last)).map(([name, value]) => ({
    name,
    last: value,
    before: before === undefined ? null : (valuesOf(before)[name] ?? null),
    median: median(all.flatMap((values) => values[name] ?? [])) ?? value,
  }))
}
