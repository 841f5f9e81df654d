import type { Application } from './application.ts'
import { type PlainChoice, plainChoice } from './expression-plain.ts'
import { type IdentityModel, type IdentitySource, identityStatuses } from './identity-model.ts'
import type { CellKind } from './plain-account.ts'
import type { Normalization } from './value.ts'

/** What a plain record gives a new identity, by columns. */
export interface PlainDraft {
  readonly application: string
  /** The first that is not empty; otherwise the native identity as written. */
  readonly name: readonly number[]
  readonly attributes: readonly {
    readonly name: string
    readonly columns: readonly number[]
    readonly normalize: readonly Normalization[]
  }[]
  readonly status: { readonly by: PlainStatus; readonly yes: string; readonly no: string }
}

/** A flag of the account, or what a column holds. */
export type PlainStatus =
  | { readonly flag: 'disabled' | 'locked' | 'never'; readonly negated: boolean }
  | { readonly column: number; readonly equals: string; readonly negated: boolean }

/** Undefined: no identity is made. Null: columns cannot tell it. */
export function plainDraft(
  application: Application,
  identity: IdentityModel | undefined,
  /** Attributes that the account keeps. */
  kept: readonly string[],
  columns: readonly string[],
  kinds: readonly CellKind[],
  needed: Set<number>,
): PlainDraft | undefined | null {
  if (identity === undefined) return undefined
  if (application.authoritative?.create !== undefined) return null
  const sources = (from: readonly IdentitySource[]) => columnsOf(from, application.name, kept, columns)
  const name = sources(identity.name)
  const attributes = identity.attributes.map((attribute) => ({ ...attribute, columns: sources(attribute.from) }))
  const rule = identity.status.find((entry) => entry.application === application.name)
  const status =
    rule === undefined
      ? ({ by: { flag: 'never', negated: false }, yes: 'active', no: 'active' } as const)
      : statusOf(plainChoice(rule.expr, application.name), application.name, kept, columns, kinds, needed)
  if (name === null || status === null) return null
  const told: PlainDraft['attributes'][number][] = []
  for (const one of attributes) {
    if (one.columns === null || /^\d+$/.test(one.name)) return null
    told.push({ name: one.name, columns: one.columns, normalize: one.normalize })
  }
  return { application: application.name, name, attributes: told, status }
}

/** Sources of other applications are no value; an expression over this one is for who can evaluate it. */
function columnsOf(
  from: readonly IdentitySource[],
  self: string,
  kept: readonly string[],
  columns: readonly string[],
): number[] | null {
  const found: number[] = []
  for (const source of from) {
    if ('expr' in source) {
      if (source.applications.some((name) => name !== self)) continue
      return null
    }
    if (source.application !== self) continue
    if (source.attribute === 'disabled' || source.attribute === 'locked') return null
    if (kept.includes(source.attribute)) found.push(columns.indexOf(source.attribute))
  }
  return found
}

function statusOf(
  choice: PlainChoice | undefined,
  self: string,
  kept: readonly string[],
  columns: readonly string[],
  kinds: readonly CellKind[],
  needed: Set<number>,
): PlainDraft['status'] | null {
  if (choice === undefined || choice.test.of.variable !== self) return null
  const { yes, no, test } = choice
  if (![yes, no].every((status) => identityStatuses.some((known) => known === status))) return null
  const { name } = test.of
  if (test.equals === undefined)
    return name === 'disabled' || name === 'locked' ? { by: { flag: name, negated: test.negated }, yes, no } : null
  const column = columns.indexOf(name)
  if (!kept.includes(name) || kinds[column] !== 'text') return null
  needed.add(column)
  return { by: { column, equals: test.equals, negated: test.negated }, yes, no }
}
