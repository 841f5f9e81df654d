import type { Tool } from './tool.ts'

/** `sample`: seconds, for `npm test`. `usual`: what CI of a release runs. `all`: every point there is. */
export const sizes = ['sample', 'usual', 'all'] as const
export type Size = (typeof sizes)[number]

/** One row of the reliability table. */
export interface FaultFigure {
  readonly id: string
  readonly what: string
  readonly goal: string
  /** Says aloud what is missing on this machine; the row is left out then. */
  readonly possible?: () => boolean
  measure(tool: Tool, size: Size): Promise<Measured>
}

export interface Measured {
  /** In words and numbers, as it is printed. */
  readonly value: string
  /** Each thing that was not as promised; empty: met. */
  readonly wrong: readonly string[]
}

/** At most `most` of the numbers 1 to `count`, the first, the last and evenly between. */
export const spread = (count: number, most: number): number[] =>
  count <= most
    ? Array.from({ length: count }, (_, i) => i + 1)
    : Array.from({ length: most }, (_, i) => 1 + Math.round((i * (count - 1)) / Math.max(1, most - 1)))

/** A generator with a seed: what failed can be run again. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Runs the jobs, as many at once as there are processors. */
export async function pooled<Job, Result>(
  jobs: readonly Job[],
  atOnce: number,
  work: (job: Job) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < jobs.length; index = next++) results[index] = await work(jobs[index] as Job)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, worker))
  return results
}
