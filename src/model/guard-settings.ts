import { z } from 'zod'
import { parseDuration } from '../base/duration.ts'
import { type Place, UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { didYouMean } from '../base/nearest.ts'

/** Kinds of change that take away. */
export const destructiveKinds = [
  'deletes',
  'disables',
  'grantsRemoved',
  'identitiesInactivated',
  'ownersChanged',
  'rolesUnassigned',
] as const
/** Kinds of change that give; they rest until the baseline is there. */
export const givingKinds = [
  'identitiesCreated',
  'accountsEnabled',
  'grantsAdded',
  'rolesAssigned',
  'operations',
  'events',
] as const

export type DestructiveKind = (typeof destructiveKinds)[number]
export type GivingKind = (typeof givingKinds)[number]

/** `weekly`: percent of the population at the beginning of the last seven days. Absent: the default of the guard. */
export interface Thresholds {
  readonly percent?: number | undefined
  readonly atLeast?: number | undefined
  readonly max?: number | undefined
  readonly weekly?: number | undefined
  readonly maxAge?: string | undefined
}

const number = z.number().nonnegative()
const whole = number.int()
const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'is no duration; expected one such as 36h, 2d')
const guard = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.union([z.literal('off'), z.strictObject(shape)], 'expected off, or limits such as { percent: 10 }').optional()

const percent = number.optional()
const most = { percent, atLeast: whole.optional(), max: whole.optional() }
const destructive = guard({ ...most, weekly: percent })
const giving = guard(most)
const source = guard({ percent })
const plain = guard({})
const age = guard({ maxAge: duration.optional() })

/** `guards:` of the configuration, an application or a task; the names are those that `--allow` takes. */
export const guardsSchema = z.strictObject({
  deletes: destructive,
  disables: destructive,
  grantsRemoved: destructive,
  identitiesInactivated: destructive,
  ownersChanged: destructive,
  rolesUnassigned: destructive,
  identitiesCreated: giving,
  accountsEnabled: giving,
  grantsAdded: giving,
  rolesAssigned: giving,
  operations: giving,
  events: giving,
  creates: giving,
  emptySource: plain,
  shrunkenSource: source,
  emptiedAttribute: guard({ percent, atLeast: whole.optional() }),
  renamedAttributes: source,
  otherSource: source,
  scopeChanged: plain,
  staleSource: age,
  staleData: age,
})

export type GuardName = keyof typeof guardsSchema.shape
export type GuardSettings = Readonly<Partial<Record<GuardName, 'off' | Thresholds | undefined>>>

/** Every key that `guards:` may hold, at any depth. */
export const guardKeys = [...Object.keys(guardsSchema.shape), 'percent', 'atLeast', 'max', 'weekly', 'maxAge'] as const

export const guardNames = Object.keys(guardsSchema.shape) as readonly GuardName[]

/**
 * Several `guards:` as one, the broader first (project, application, task): what a narrower one writes wins, key by key.
 * @throws UserError IQ1103 unknown guard or key (nearest suggested), IQ1104 a value of the wrong kind
 */
export function mergeGuards(levels: readonly { readonly guards: JsonObject; readonly place: Place }[]): GuardSettings {
  const merged: Partial<Record<GuardName, 'off' | Thresholds>> = {}
  for (const { guards, place } of levels) {
    const checked: GuardSettings = parseGuards(guards, place)
    for (const name of guardNames) {
      const written = checked[name]
      if (written === undefined) continue
      const before = merged[name]
      merged[name] = written === 'off' || before === undefined || before === 'off' ? written : { ...before, ...written }
    }
  }
  return merged
}

/** @throws UserError IQ1002 for a name that no guard has, the nearest suggested */
export function checkGuardNames(names: readonly string[]): readonly GuardName[] {
  for (const name of names) {
    if (!isGuardName(name))
      throw new UserError(`there is no guard named ${JSON.stringify(name)}`, { code: 'IQ1002', hint: near(name) })
  }
  return names.filter(isGuardName)
}

const isGuardName = (name: string): name is GuardName => Object.hasOwn(guardsSchema.shape, name)
const near = (name: string): string => didYouMean(name, guardNames) ?? `guards: ${guardNames.join(', ')}`

function parseGuards(guards: JsonObject, place: Place): GuardSettings {
  const done = guardsSchema.safeParse(guards)
  if (done.success) return done.data
  const issue = done.error.issues[0]
  const limits = issue?.code === 'invalid_union' ? issue.errors.at(-1)?.[0] : undefined
  const inner = limits?.code === 'unrecognized_keys' || (limits?.path.length ?? 0) > 0 ? limits : issue
  const path = ['guards', ...(issue?.path ?? []), ...(inner === issue ? [] : (inner?.path ?? []))].join('.')
  if (inner?.code === 'unrecognized_keys') {
    const key = inner.keys[0] ?? ''
    const hint = path === 'guards' ? near(key) : 'keys: percent, atLeast, max, weekly, maxAge, as the guard has them'
    throw new UserError(`unknown key "${key}" in ${path}`, { code: 'IQ1103', place, hint })
  }
  throw new UserError(`${path}: ${inner?.message ?? 'not usable'}`, {
    code: 'IQ1104',
    place,
    hint: 'a guard takes `off` or limits such as { percent: 10, atLeast: 5, max: 500 }',
  })
}
