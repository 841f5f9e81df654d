import { createHash } from 'node:crypto'
import type { Json } from '../base/json.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { ChangeFigures } from '../model/plan-figures.ts'
import { itemFigures, type PlannedItem } from '../model/planned-item.ts'
import type { Counts, Evidence } from '../model/result.ts'
import type { ItemPlan } from '../store/item-plan.ts'
import type { TaskContext } from './executor.ts'
import type { Chunk, Phase, Prepared, Road } from './road.ts'

/** What an executor that thinks in items fills in: the framework guards, cuts into chunks, resumes, audits. */
export interface ItemWork<Data = Json> {
  readonly section: string
  /** Its guard stop ends the whole run. */
  readonly stopsRun?: boolean
  /** Looks, and hands over each item as it is planned; writes nothing. */
  plan(add: (item: PlannedItem<Data>) => void): Promise<ItemFacts>
  /**
   * Makes the changes of these items, inside the chunk's transaction. An ItemError puts its item aside; the others of the chunk
   * are made.
   */
  apply(items: readonly PlannedItem<Data>[]): void
}

/** What the plan stands on. Whatever is left out is none, nothing, no. */
export interface ItemFacts {
  /** Objects there were before: what percentages refer to. */
  readonly population: number
  readonly privileged?: boolean
  /** Nothing was ever done here: guards of what is given rest. */
  readonly baseline?: boolean
  readonly evidence?: Evidence
  /** Items looked at, and how many of them were rejected: judged against `maxErrors`. */
  readonly read?: number
  readonly rejected?: number
  /** Counts that do not come from the items. */
  readonly counts?: Counts
  /** Something waits for a person: the section ends `warning`. */
  readonly leftAside?: boolean
  /** Figures that the guards cannot tell from the changes, or tell wrong: of the items that are left, next to what earlier runs did. */
  readonly figures?: (items: Iterable<PlannedItem>) => Readonly<Record<string, ChangeFigures>>
}

const pageSize = 1000

/** A road over items, kept in a file beside the store until they are applied. */
export function itemRoad<Data>(context: TaskContext, work: ItemWork<Data>): Road {
  const { store, run } = context
  let plan: ItemPlan | undefined
  return {
    section: work.section,
    stopsRun: work.stopsRun ?? false,
    async prepare() {
      const made = store.itemPlans.create(run.id, work.section)
      plan = made
      const facts = await work.plan((item) => made.add(item as PlannedItem))
      made.seal(run.number)
      return prepared(made, work, facts)
    },
    resume() {
      plan = store.itemPlans.reopen(run.id, run.number, work.section)
      return plan === undefined ? undefined : [phaseOf(plan, work)]
    },
    close(kept) {
      plan?.close(kept)
      plan = undefined
    },
  }
}

function prepared<Data>(plan: ItemPlan, work: ItemWork<Data>, facts: ItemFacts): Prepared {
  const { section } = work
  const { population, privileged = false, baseline = false, read = 0, rejected = 0 } = facts
  const counts: Record<string, number> = { ...facts.counts }
  let planned = 0
  for (const { count } of itemsOf(plan)) {
    planned++
    if (count !== undefined) counts[count] = (counts[count] ?? 0) + 1
  }
  return {
    evidence: facts.evidence,
    figures: {
      section,
      privileged,
      population,
      baseline,
      changes: { ...itemFigures(itemsOf(plan)), ...facts.figures?.(itemsOf(plan)) },
    },
    counts,
    read,
    rejected,
    planned,
    leftAside: facts.leftAside ?? false,
    hash: plan.hash(),
    changes: () => changesOf(plan),
    without(unwanted) {
      const left: number[] = []
      for (const { position, changes } of itemsOf(plan)) if (changes.some(unwanted)) left.push(position)
      plan.leaveOut(left)
      return prepared(plan, work, facts)
    },
    bind: () => ({ applicationId: undefined, readAt: undefined, facts: {}, phases: [phaseOf(plan, work)] }),
  }
}

function* itemsOf(plan: ItemPlan) {
  for (let after = 0; ; ) {
    const items = plan.page(after, pageSize)
    yield* items
    const last = items.at(-1)
    if (last === undefined) return
    after = last.position
  }
}

function* changesOf(plan: ItemPlan): Generator<PlanChange> {
  for (const { changes } of itemsOf(plan)) yield* changes
}

function phaseOf<Data>(plan: ItemPlan, work: ItemWork<Data>): Phase {
  return {
    name: 'apply',
    chunk(after, size): Chunk | undefined {
      const items = plan.page(after, size)
      const last = items.at(-1)
      if (last === undefined) return undefined
      work.apply(items as unknown as readonly PlannedItem<Data>[])
      const digest = createHash('sha256').update(JSON.stringify(items.map((item) => item.changes)))
      return { position: last.position, changed: items.length, digest: digest.digest('hex') }
    },
    passOver(after) {
      const [item] = plan.page(after, 1)
      if (item === undefined) return undefined
      const { position, key, changes, count } = item
      return { position, item: key, changes, counts: count === undefined ? {} : { [count]: 1 } }
    },
  }
}
