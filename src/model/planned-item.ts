import type { Json } from '../base/json.ts'
import type { PlanChange } from './plan-change.ts'
import type { ChangeFigures } from './plan-figures.ts'

/** One thing that a plan changes, whole or not at all. */
export interface PlannedItem<Data = Json> {
  /** As people know it. */
  readonly key: string
  readonly changes: readonly PlanChange[]
  /** What `apply` needs; JSON. */
  readonly data: Data
  /** The count of the result that it adds one to, once it is made. */
  readonly count?: string | undefined
}

/** The guard that judges a change, by the names of the guards' table; undefined where none does. */
export function guardOf({ kind, object, field, before, after }: PlanChange): string | undefined {
  if (object === 'operation') return 'operations'
  if (kind === 'link') return before === null ? undefined : 'ownersChanged'
  if (object === 'identity' && field === 'status' && after === 'inactive') return 'identitiesInactivated'
  return guards[`${kind} ${object}`]
}

const guards: Readonly<Record<string, string>> = {
  'end account': 'deletes',
  'disable account': 'disables',
  'enable account': 'accountsEnabled',
  'create account': 'creates',
  'create identity': 'identitiesCreated',
  'remove grant': 'grantsRemoved',
  'add grant': 'grantsAdded',
  'remove role': 'rolesUnassigned',
  'add role': 'rolesAssigned',
}

interface Judged extends Pick<PlannedItem, 'key' | 'changes'> {
  /** It is given for so many that change alike. */
  readonly alike?: number
}

/** How many items each guard's kind of change touches. */
export function itemFigures(items: Iterable<Judged>): Record<string, ChangeFigures> {
  const figures = new Map<string, { count: number; readonly first: string[] }>()
  for (const { key, changes, alike = 1 } of items) {
    const kinds = new Set(changes.flatMap((change) => guardOf(change) ?? []))
    for (const kind of kinds) {
      const known = figures.get(kind) ?? { count: 0, first: [] }
      figures.set(kind, known)
      known.count += alike
      if (known.first.length < 10) known.first.push(key)
    }
  }
  return Object.fromEntries(figures)
}
