import { UserError } from './base/errors.ts'
import type { Json } from './base/json.ts'
import { makeDecisions, type PlannedDecision, planDecision } from './executors/decide.ts'
import { makeEdits, type PlannedEdit } from './executors/entitlement-edit.ts'
import type { PlanChange } from './model/plan-change.ts'
import type { PlannedItem } from './model/planned-item.ts'
import { type StoreChange, sectionOf, storeChange } from './model/store-change.ts'
import type { EntitlementEdit } from './store/entitlement-edits.ts'
import type { IdentityEdit } from './store/identity-edits.ts'
import type { ItemPlan } from './store/item-plan.ts'
import type { TaskContext } from './task/executor.ts'

/** What applying an item needs. */
type Planned =
  | { readonly decision: PlannedDecision }
  | { readonly edit: PlannedEdit }
  | { readonly set: IdentityEdit & { readonly key: string; readonly reason: string; readonly before: Json } }

export interface CustomPlan {
  /** Takes a change into the plan. False: it is so already. @throws UserError for what cannot be done */
  add(change: Json): boolean
  /** An application, or `identities`: whose guards judge what was planned there. */
  readonly sections: readonly string[]
  /** Kept in a file until the road takes them. */
  items(section: string): Iterable<PlannedItem<Planned>>
  apply(items: readonly PlannedItem<Planned>[]): void
  close(): void
}

export const countNames = {
  linked: 'accounts that now belong to the identity named',
  unlinked: 'accounts that now belong to nobody',
  tagged: 'tags put on entitlements',
  untagged: 'tags taken off entitlements',
  owned: 'entitlements with another owner',
  set: 'attributes of identities with another value',
  read: 'items looked at',
  rejected: 'items that could not be worked on',
} as const

/** What an executor of one's own plans, checked against the store as it is; its author gets every refusal where it is planned. */
export function createCustomPlan(context: TaskContext): CustomPlan {
  const { store, run } = context
  const sections = new Map<string, ItemPlan>()
  const seen = new Set<string>()
  return {
    get sections() {
      return [...sections.keys()]
    },
    *items(section) {
      const items = sections.get(section)
      for (
        let page = items?.page(0, 500) ?? [];
        page.length > 0;
        page = items?.page(page.at(-1)?.position ?? 0, 500) ?? []
      )
        yield* page as unknown as PlannedItem<Planned>[]
    },
    add(given) {
      const parsed = storeChange.safeParse(given)
      if (!parsed.success)
        throw refused(`this is no change: ${parsed.error.issues[0]?.message ?? ''} ${JSON.stringify(given)}`)
      const change = parsed.data
      const item = itemOf(context, change)
      if (item === undefined) return false
      const twice = `${change.do} ${item.key} ${'tag' in change ? change.tag : 'attribute' in change ? change.attribute : ''}`
      if (seen.has(twice)) throw refused(`${item.key} is planned twice: ${change.do}`)
      seen.add(twice)
      const section = sectionOf(change)
      const items = sections.get(section) ?? store.itemPlans.create(run.id, `looking-${section}`)
      sections.set(section, items)
      items.add(item as unknown as PlannedItem)
      return true
    },
    apply: (items) => apply(context, items),
    close() {
      for (const items of sections.values()) items.close(false)
    },
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
  return change.do === 'set' ? identityItem(context, change) : entitlementItem(context, change)
}

/** Past its sources: the source that is kept is the task. */
function identityItem(
  { store, project, run }: TaskContext,
  { identity: key, attribute, value, reason }: Extract<StoreChange, { do: 'set' }>,
): PlannedItem<Planned> | undefined {
  const { attributes } = store.identities.get(key)
  const known = project.identity.attributes.find(({ name }) => name === attribute)
  const names = project.identity.attributes.map(({ name }) => name)
  if (known === undefined)
    throw refused(`identities have no attribute ${JSON.stringify(attribute)}: they have ${names.join(', ') || 'none'}`)
  if (value !== null && known.multiple !== Array.isArray(value))
    throw refused(`${key}: ${attribute} takes ${known.multiple ? 'a list' : 'one value'}`)
  const before = (attributes[attribute] ?? null) as Json
  if (JSON.stringify(before) === JSON.stringify(value)) return undefined
  const identityId = store.identities.idOf(key) ?? 0
  const edit = { identityId, attribute, value, source: `task:${run.task}`, key, reason, before }
  const field = `attributes.${attribute}`
  return {
    key,
    count: 'set',
    changes: [{ kind: 'change', object: 'identity', key, field, before, after: value }],
    data: { set: edit },
  }
}

function entitlementItem(
  { store }: TaskContext,
  change: Extract<StoreChange, { entitlement: string }>,
): PlannedItem<Planned> | undefined {
  const { entitlement: key } = change
  const entitlementId = store.catalogue.idOf(key)
  if (entitlementId === undefined) throw refused(`there is no entitlement ${JSON.stringify(key)}`)
  const { tags, owner } = store.catalogue.get(key)
  const item = (field: string, before: Json, after: Json, edit: Partial<EntitlementEdit>, count: string) => {
    const told: PlanChange = { kind: 'change', object: 'entitlement', key, field, before, after }
    return {
      key,
      count,
      changes: [told],
      data: { edit: { entitlementId, key, told: { field, before, after }, ...edit } },
    }
  }
  if (change.do === 'owner') {
    if (change.owner === owner) return undefined
    if (change.owner !== null) store.identities.get(change.owner)
    return item('owner', owner, change.owner, { owner: change.owner }, 'owned')
  }
  const { tag } = change
  if (tags.includes(tag) === (change.do === 'tag')) return undefined
  return change.do === 'tag'
    ? item('tag', null, tag, { add: [tag] }, 'tagged')
    : item('tag', tag, null, { remove: [tag] }, 'untagged')
}

function apply(context: TaskContext, items: readonly PlannedItem<Planned>[]): void {
  const { store, run, audit } = context
  const decisions = items.flatMap(({ data }) => ('decision' in data ? [data.decision] : []))
  if (decisions.length > 0) makeDecisions(context, decisions)
  makeEdits(
    context,
    items.flatMap(({ data }) => ('edit' in data ? [data.edit] : [])),
  )
  const sets = items.flatMap(({ data }) => ('set' in data ? [data.set] : []))
  if (sets.length > 0) store.identities.edit(sets, run.number)
  for (const { key, attribute, value, before, reason } of sets)
    audit({ action: 'identity.set', object: 'identity', key, body: { attribute, before, after: value, reason } })
}
