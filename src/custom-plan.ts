import { isoText } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import type { Json } from './base/json.ts'
import { makeDecisions, type PlannedDecision, planDecision } from './executors/decide.ts'
import type { PlanChange } from './model/plan-change.ts'
import type { PlannedItem } from './model/planned-item.ts'
import { applicationOf, type StoreChange, storeChange } from './model/store-change.ts'
import type { EntitlementEdit } from './store/entitlement-edits.ts'
import type { TaskContext } from './task/executor.ts'

/** What applying an item needs. */
type Planned = { readonly decision: PlannedDecision } | { readonly edit: EntitlementEdit & { readonly key: string } }

export interface CustomPlan {
  /** Takes a change into the plan. False: it is so already. @throws UserError for what cannot be done */
  add(change: Json): boolean
  /** By application, which is the section whose guards judge it. */
  readonly sections: ReadonlyMap<string, readonly PlannedItem<Planned>[]>
  apply(items: readonly PlannedItem<Planned>[]): void
}

export const countNames = {
  linked: 'accounts that now belong to the identity named',
  unlinked: 'accounts that now belong to nobody',
  tagged: 'tags put on entitlements',
  untagged: 'tags taken off entitlements',
  owned: 'entitlements with another owner',
  read: 'items looked at',
  rejected: 'items that could not be worked on',
} as const

/** What an executor of one's own plans, checked against the store as it is; its author gets every refusal where it is planned. */
export function createCustomPlan(context: TaskContext): CustomPlan {
  const sections = new Map<string, PlannedItem<Planned>[]>()
  const seen = new Set<string>()
  return {
    sections,
    add(given) {
      const parsed = storeChange.safeParse(given)
      if (!parsed.success)
        throw refused(`this is no change: ${parsed.error.issues[0]?.message ?? ''} ${JSON.stringify(given)}`)
      const change = parsed.data
      const item = itemOf(context, change)
      if (item === undefined) return false
      const twice = `${change.do} ${item.key} ${'tag' in change ? change.tag : ''}`
      if (seen.has(twice)) throw refused(`${item.key} is planned twice: ${change.do}`)
      seen.add(twice)
      const section = applicationOf(change)
      const items = sections.get(section) ?? []
      sections.set(section, items)
      items.push(item)
      return true
    },
    apply: (items) => apply(context, items),
  }
}

const refused = (text: string): UserError => new UserError(text, { code: 'IQ8003' })

function itemOf(context: TaskContext, change: StoreChange): PlannedItem<Planned> | undefined {
  if ('account' in change) {
    const { account, reason } = change
    const identity = change.do === 'link' ? change.identity : undefined
    const planned = planDecision(context, { account, decision: change.do, identity, reason }, (text) => {
      throw refused(text)
    })
    if (planned === undefined) return undefined
    return { ...planned, data: { decision: planned.data } }
  }
  return entitlementItem(context, change)
}

function entitlementItem(
  { store }: TaskContext,
  change: Extract<StoreChange, { entitlement: string }>,
): PlannedItem<Planned> | undefined {
  const { entitlement: key } = change
  const entitlementId = store.catalogue.idOf(key)
  if (entitlementId === undefined) throw refused(`there is no entitlement ${JSON.stringify(key)}`)
  const { tags, owner } = store.catalogue.get(key)
  const item = (
    field: string,
    before: Json,
    after: Json,
    edit: Omit<EntitlementEdit, 'entitlementId'>,
    count: string,
  ) => {
    const told: PlanChange = { kind: 'change', object: 'entitlement', key, field, before, after }
    return { key, count, changes: [told], data: { edit: { entitlementId, key, ...edit } } }
  }
  if (change.do === 'owner') {
    if (change.owner === owner) return undefined
    if (change.owner !== null) store.identities.get(change.owner)
    return item('owner', owner, change.owner, { owner: change.owner }, 'owned')
  }
  const { tag } = change
  if (tags.includes(tag) === (change.do === 'tag')) return undefined
  return change.do === 'tag'
    ? item('tag', null, tag, { tag }, 'tagged')
    : item('tag', tag, null, { untag: tag }, 'untagged')
}

function apply(context: TaskContext, items: readonly PlannedItem<Planned>[]): void {
  const { store, run, clock } = context
  const decisions = items.flatMap(({ data }) => ('decision' in data ? [data.decision] : []))
  if (decisions.length > 0) makeDecisions(context, decisions)
  const edits = items.flatMap(({ data }) => ('edit' in data ? [data.edit] : []))
  if (edits.length === 0) return
  store.catalogue.edit(edits, run.number)
  const at = isoText(clock.now())
  const actor = store.runs.get(run.number)?.actor ?? '{}'
  for (const { entitlementId: _, key, ...body } of edits)
    store.audit.append({ at, actor, action: 'entitlement.edit', object: 'entitlement', key, run: run.id, body })
}
