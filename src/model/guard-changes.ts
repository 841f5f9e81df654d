import { counted, grouped } from '../base/plural.ts'
import { type Measure, share } from './guard-measure.ts'
import {
  type DestructiveKind,
  destructiveKinds,
  type GivingKind,
  type GuardSettings,
  givingKinds,
  type Thresholds,
} from './guard-settings.ts'
import type { ChangeFigures, PlanFigures } from './plan-figures.ts'

/** Singular, plural, and what would become of them. */
const words: Readonly<Record<DestructiveKind | GivingKind | 'creates', readonly [string, string, string]>> = {
  deletes: ['account', 'accounts', 'would be gone'],
  disables: ['account', 'accounts', 'would be disabled'],
  grantsRemoved: ['account', 'accounts', 'would lose access'],
  identitiesInactivated: ['identity', 'identities', 'would become inactive'],
  ownersChanged: ['account', 'accounts', 'would change the owner'],
  rolesUnassigned: ['role assignment', 'role assignments', 'would end'],
  identitiesCreated: ['identity', 'identities', 'would be created'],
  accountsEnabled: ['account', 'accounts', 'would be enabled'],
  grantsAdded: ['account', 'accounts', 'would gain access'],
  rolesAssigned: ['role assignment', 'role assignments', 'would be made'],
  operations: ['operation', 'operations', 'would be planned'],
  events: ['event', 'events', 'would be raised'],
  creates: ['account', 'accounts', 'would be created'],
}

type Kind = keyof typeof words

/** A limit on a count, and how people are told of it. */
interface Bound {
  readonly limit: number
  readonly text: (count: number) => string
}

/** The guards over what the plan changes. Every limit is the greatest count that passes. */
export function changeMeasures(
  figures: PlanFigures,
  settings: GuardSettings,
  deletesAtMost: number | undefined,
): Measure[] {
  const measures: Measure[] = []
  const add = (guard: Kind, boundsOf: (change: ChangeFigures, of: number, t: Thresholds) => Bound[]): void => {
    const change = figures.changes[guard]
    if (change === undefined) return
    const own = settings[guard]
    const bounds = boundsOf(change, change.of ?? figures.population, own === 'off' || own === undefined ? {} : own)
    if (bounds.length > 0) measures.push(measureOf(guard, change, bounds))
  }
  for (const kind of destructiveKinds) {
    add(kind, (change, of, thresholds) => {
      const bounds = destructiveBounds(kind, change, of, thresholds, figures.privileged || figures.population < 50)
      if (kind === 'deletes' && deletesAtMost !== undefined) bounds.push(atMost(deletesAtMost, 'checkDeletedThreshold'))
      return bounds
    })
  }
  if (!figures.baseline)
    for (const kind of givingKinds) add(kind, (_, of, t) => plainBounds(of, { percent: 10, atLeast: 20, ...t }))
  add('creates', (_, of, thresholds) => plainBounds(of, thresholds))
  return measures
}

/** The narrowest bound decides; the first that is passed is the one that is told. */
function measureOf(guard: Kind, change: ChangeFigures, bounds: readonly Bound[]): Measure {
  const { count, first } = change
  const narrowest = bounds.reduce((least, next) => (next.limit < least.limit ? next : least))
  const told = bounds.find((bound) => count > bound.limit) ?? narrowest
  const [, , what] = words[guard]
  const [one, many] = change.objects ?? words[guard]
  const { limit } = narrowest
  const text = `${counted(count, one, many)} ${what}${told.text(count)}`
  return { guard, value: count, limit, over: count > limit, text, first: first.slice(0, 10) }
}

function destructiveBounds(
  kind: DestructiveKind,
  change: ChangeFigures,
  of: number,
  own: Thresholds,
  narrow: boolean,
): Bound[] {
  const { percent = 10, atLeast = narrow ? 2 : 5 } = own
  const bounds = [atMostShare(of, percent, atLeast)]
  const max = own.max ?? (kind === 'grantsRemoved' ? undefined : usualMost(change.earlier ?? []))
  if (max !== undefined) bounds.push(atMost(max))
  if (change.steps !== undefined) bounds.push(overTheSteps(change.steps, percent, atLeast, max))
  // a percentage that is wide on purpose for one run is not taken back by the week
  if (change.week !== undefined) bounds.push(overTheWeek(change.week, Math.max(own.weekly ?? 25, percent), atLeast))
  return bounds
}

function plainBounds(of: number, { percent, atLeast = 0, max }: Thresholds): Bound[] {
  const bounds = percent === undefined ? [] : [atMostShare(of, percent, atLeast)]
  return max === undefined ? bounds : [...bounds, atMost(max)]
}

/** 500; where ten complete reads tell what is usual, three times the 95th percentile (nearest rank) when that is more. */
function usualMost(earlier: readonly number[]): number {
  if (earlier.length < 10) return 500
  const sorted = earlier.slice(0, 30).sort((a, b) => a - b)
  return Math.max(500, 3 * (sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0))
}

const atMost = (limit: number, why?: string): Bound => ({
  limit,
  text: () => ` (limit ${grouped(limit)}${why === undefined ? '' : `, ${why}`})`,
})

/** More than `percent` of `of`, and at least `atLeast`. */
const atMostShare = (of: number, percent: number, atLeast: number): Bound => {
  const byShare = Math.floor((percent * of) / 100)
  const text = (count: number): string =>
    ` (${share(count, of, percent)}; limit ${byShare < atLeast - 1 ? grouped(atLeast - 1) : `${percent} %`})`
  return { limit: Math.max(byShare, atLeast - 1, 0), text }
}

/** What the earlier steps of the sequence left of the limits. */
function overTheSteps(
  { count: before, population }: { readonly count: number; readonly population: number },
  percent: number,
  atLeast: number,
  max: number | undefined,
): Bound {
  const whole = Math.min(
    Math.max(Math.floor((percent * population) / 100), atLeast - 1),
    max ?? Number.MAX_SAFE_INTEGER,
  )
  return {
    limit: Math.max(0, whole - before),
    text: (count) =>
      `, ${grouped(before + count)} with the steps before it (${share(before + count, population, percent)} of ${grouped(population)}; limit ${grouped(whole)})`,
  }
}

/** What is left of the week's share: a little every night adds up. */
const overTheWeek = (
  { count: before, population }: { readonly count: number; readonly population: number },
  percent: number,
  atLeast: number,
): Bound => ({
  limit: Math.max(0, Math.max(Math.floor((percent * population) / 100), atLeast - 1) - before),
  text: (count) =>
    `, ${grouped(before + count)} in 7 days (${share(before + count, population, percent)} of ${grouped(population)}; limit ${percent} %)`,
})
