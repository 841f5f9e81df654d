import type { PlanFigures } from './plan-figures.ts'

/** What one section of a step planned: enough to judge the steps of a sequence together. */
export interface ChainFigures {
  /** Objects that the plan changes. */
  readonly planned: number
  readonly population: number
  /** By kind of change, as in the figures. */
  readonly changes: Readonly<Record<string, number>>
}

export interface ChainLink extends ChainFigures {
  /** The TaskResult of the step. */
  readonly result: string
  readonly section: string
}

export const chainFigures = ({ population, changes }: PlanFigures, planned: number): ChainFigures => ({
  planned,
  population,
  changes: Object.fromEntries(
    Object.entries(changes).flatMap(([kind, { count }]) => (count > 0 ? [[kind, count]] : [])),
  ),
})

/**
 * The figures of a step next to what the steps before it did in the same section, so that many small steps do not add up to what
 * one may not do. The population is that of the first of them.
 */
export function inChain(figures: PlanFigures, chain: readonly ChainLink[]): PlanFigures {
  const before = chain.filter((link) => link.section === figures.section)
  const [first] = before
  if (first === undefined) return figures
  const changes = Object.entries(figures.changes).map(([kind, change]) => {
    const count = before.reduce((sum, link) => sum + (link.changes[kind] ?? 0), 0)
    const steps = { count, population: first.population }
    return [kind, count === 0 || change.count === 0 ? change : { ...change, steps }] as const
  })
  return { ...figures, changes: Object.fromEntries(changes) }
}
