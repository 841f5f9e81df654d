import type { JsonObject } from '../base/json.ts'

export const conditions = ['success', 'warning', 'always', 'changed'] as const
export type Condition = (typeof conditions)[number]

/** A step as it is written. */
export interface WrittenStep {
  readonly name?: string | undefined
  readonly task: string
  readonly when: Condition
  readonly needs?: readonly string[] | undefined
  readonly arguments: JsonObject
}

/** A step with its name and what it comes after. */
export interface Step extends WrittenStep {
  readonly name: string
  readonly needs: readonly string[]
}

/** How a step ended, as those after it see it. A step that was passed over hands on what it came after. */
export interface StepOutcome {
  readonly status: 'success' | 'warning' | 'error'
  readonly changed: boolean
}

/** A step without `needs` comes after the one before it; `needs: []` begins at once. */
export function resolveSteps(written: readonly WrittenStep[]): Step[] {
  const nameOf = ({ name, task }: WrittenStep): string => name ?? task
  return written.map((step, index) => {
    const before = written[index - 1]
    return { ...step, name: nameOf(step), needs: step.needs ?? (before === undefined ? [] : [nameOf(before)]) }
  })
}

/** Why the steps make no sequence, and which of them is at fault. */
export function faultOfSteps(steps: readonly Step[]): { readonly index: number; readonly text: string } | undefined {
  const names = steps.map((step) => step.name)
  for (const [index, { name, task, needs }] of steps.entries()) {
    if (names.indexOf(name) !== index) {
      const text = `two steps are named ${name}`
      return { index, text: name === task ? `${text}: give one of them a \`name\`` : text }
    }
    const unknown = needs.find((need) => !names.includes(need))
    if (unknown !== undefined)
      return { index, text: `${name} needs ${unknown}, which is no step: steps are ${names.join(', ')}` }
  }
  const circle = circleOf(steps)
  if (circle === undefined) return undefined
  return { index: names.indexOf(circle[0] ?? ''), text: `steps need each other in a circle: ${circle.join(' → ')}` }
}

function circleOf(steps: readonly Step[]): string[] | undefined {
  const byName = new Map(steps.map((step) => [step.name, step]))
  const over = new Set<string>()
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (over.has(name)) return undefined
    over.add(name)
    for (const need of byName.get(name)?.needs ?? []) {
      const circle = visit(need, [...path, name])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  for (const { name } of steps) {
    const circle = visit(name, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

/** Steps that may run side by side, level by level; of steps without a fault. */
export function levelsOf(steps: readonly Step[]): Step[][] {
  const levels: Step[][] = []
  const placed = new Set<string>()
  while (placed.size < steps.length) {
    const level = steps.filter(({ name, needs }) => !placed.has(name) && needs.every((need) => placed.has(need)))
    if (level.length === 0) throw new Error('the steps have a circle')
    levels.push(level)
    for (const { name } of level) placed.add(name)
  }
  return levels
}

/** The step and all that come after it. */
export function fromStep(steps: readonly Step[], name: string): ReadonlySet<string> {
  const after = new Set([name])
  for (const level of levelsOf(steps))
    for (const step of level) if (step.needs.some((need) => after.has(need))) after.add(step.name)
  return after
}

const ranks = ['success', 'warning', 'error'] as const

/** What the steps together hand on: the worst of them, and whether any changed something. */
export function joinOutcomes(outcomes: readonly StepOutcome[]): StepOutcome {
  const worst = Math.max(0, ...outcomes.map(({ status }) => ranks.indexOf(status)))
  return { status: ranks[worst] ?? 'error', changed: outcomes.some(({ changed }) => changed) }
}

/** Why a step is passed over, by what it comes after; undefined where it runs. */
export function whyNot({ when, needs }: Step, before: StepOutcome): string | undefined {
  if (when === 'always') return undefined
  const steps = needs.join(', ')
  if (before.status === 'error') return `${steps} failed`
  if (when === 'success' && before.status === 'warning')
    return `${steps} ended with a warning, and it runs when: success`
  if (when === 'changed' && needs.length > 0 && !before.changed) return `nothing changed in ${steps}`
  return undefined
}
