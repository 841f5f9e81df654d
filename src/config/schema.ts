import { z } from 'zod'
import { parseDuration } from '../base/duration.ts'
import { didYouMean } from '../base/nearest.ts'
import { accountUses } from '../model/application.ts'
import { parseWeekdays } from '../model/blackout.ts'
import { documentSchemas } from '../model/document-schemas.ts'
import { guardKeys, guardsSchema } from '../model/guard-settings.ts'
import { notifyKeys, notifySchema, taskNotifySchema } from '../model/notify-settings.ts'
import { misfires } from '../model/schedule.ts'
import { concurrencies, parameterTypes } from '../model/task-definition.ts'
import { attributeTypes, normalizations } from '../model/value.ts'
import { isTimeZone } from '../model/zoned.ts'
import { knownKeys } from './text.ts'

/** Every schema of the project's files and every default. */
const object = <Shape extends z.ZodRawShape>(shape: Shape) => {
  for (const key of Object.keys(shape)) knownKeys.add(key)
  return z.strictObject(shape)
}

export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a name is made of a-z, 0-9, ".", "_", "-" and starts with a letter or digit')
const duration = z.string('expected a duration such as 90s, 5m, 2h, 14d').transform((text, context) => {
  const ms = parseDuration(text)
  if (ms === undefined)
    context.addIssue({ code: 'custom', message: `"${text}" is no duration such as 90s, 5m, 2h, 14d` })
  return ms ?? 0
})
const expr = object({ expr: z.string() })
const source = z
  .union([z.string(), expr])
  .transform((value) => (typeof value === 'string' ? { attribute: value } : value))
const free = z.record(z.string(), z.json()).default({})
const guards = guardsSchema.default({})
for (const key of [...guardKeys, ...notifyKeys]) knownKeys.add(key)
const list = <Item extends z.ZodType>(item: Item) => z.array(item).default([])
const described = { title: z.string().optional(), description: z.string().optional() }

const timeZone = z.string().refine(isTimeZone, {
  error({ input }) {
    const near = didYouMean(String(input), Intl.supportedValuesOf('timeZone'))
    return `${JSON.stringify(input)} is no IANA time zone${near === undefined ? ' such as Europe/Berlin' : `; ${near}`}`
  },
})
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time of day such as "08:00"')
const day = z.iso.date('expected a day such as 2026-12-25')
const localMoment = z.union(
  [day, z.iso.datetime({ local: true, precision: -1 })],
  'expected a day such as 2026-12-01, or 2026-12-01T06:00',
)
const weekdays = z
  .string()
  .refine((text) => parseWeekdays(text) !== undefined, 'expected days such as mon-fri or sat,sun')
  .transform((text) => parseWeekdays(text) ?? [])
const blackout = object({
  from: timeOfDay,
  to: timeOfDay,
  days: weekdays.default([0, 1, 2, 3, 4, 5, 6]),
  timeZone: timeZone.optional(),
  stop: z.boolean().default(false),
})
const schedule = object({
  name,
  cron: z.string().optional(),
  quartz: z.string().optional(),
  every: z.string().optional(),
  timeZone: timeZone.optional(),
  misfire: z.enum(misfires).default('once'),
  startDeadline: duration.default(5 * 60_000),
  catchUpWindow: duration.default(24 * 3_600_000),
  jitter: duration.default(0),
  exclude: list(day),
  from: localMoment.optional(),
  until: localMoment.optional(),
  arguments: free,
  enabled: z.boolean().default(true),
})

const normalization = z
  .union([z.literal(true), z.enum(normalizations), z.array(z.enum(normalizations))])
  .transform((value) =>
    value === true ? (['trim', 'collapse', 'leadingZeros'] as const) : typeof value === 'string' ? [value] : value,
  )
const ruleOptions = {
  identity: z.string(),
  decisive: z.boolean().default(false),
  ignoreCase: z.boolean().default(false),
  normalize: normalization.default([]),
  ignoreValues: z.array(z.string()).default(['N/A', '0', '000000']),
}
const rule = z
  .union([object({ account: z.string(), ...ruleOptions }), object({ expr: z.string(), ...ruleOptions })])
  .transform((value) => {
    const { identity, decisive, ignoreCase, normalize, ignoreValues } = value
    return {
      from: 'account' in value ? { attribute: value.account } : { expr: value.expr },
      identity,
      decisive,
      ignoreCase,
      normalize,
      ignoreValues,
    }
  })

const attribute = object({
  type: z.enum(attributeTypes).default('string'),
  format: z.string().optional(),
  multiple: z.boolean().default(false),
  split: z.string().min(1).optional(),
  entitlement: z.boolean().default(false),
  ignore: z.boolean().default(false),
  expr: z.string().optional(),
  valuesIgnoreCase: z.boolean().default(false),
  valuesArePatterns: z.literal('glob').optional(),
})
const time = z
  .union([z.string(), object({ from: z.string(), accuracy: duration.default(0) }), expr])
  .transform((value) => {
    if (typeof value === 'string') return { from: { attribute: value }, accuracyMs: 0 }
    return 'expr' in value
      ? { from: value, accuracyMs: 0 }
      : { from: { attribute: value.from }, accuracyMs: value.accuracy }
  })

/** Keys of a feed in files of its own; what else stands there are settings of the connector. */
const feed = <Shape extends z.ZodRawShape>(shape: Shape) =>
  object({ connector: z.string().optional(), where: z.union([z.string(), expr]).optional(), ...shape }).catchall(
    z.json(),
  )
const grantFeed = feed({
  account: z.union([source.transform((one) => [one]), z.array(source).min(1)]),
  value: source,
  as: z.string().min(1),
  valuesIgnoreCase: z.boolean().default(false),
  valuesArePatterns: z.literal('glob').optional(),
})
const catalogueFeed = feed({
  as: z.string().min(1).optional(),
  value: source,
  displayName: source.optional(),
  description: source.optional(),
  owner: source.optional(),
  gives: source.optional(),
})

export const applicationSchema = object({
  kind: z.literal('Application'),
  name,
  ...described,
  owner: z.string().optional(),
  authoritative: z.union([z.boolean(), object({ create: z.string().optional(), sameAs: list(rule) })]).default(false),
  privileged: z.boolean().default(false),
  connector: z.string(),
  connection: free,
  ignoreCase: z.boolean().default(false),
  account: object({
    nativeIdentity: z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]),
    uuid: z.string().optional(),
    use: z.union([z.enum(accountUses), expr]).default('personal'),
    owner: source.optional(),
    displayName: source.optional(),
    disabled: source.optional(),
    locked: source.optional(),
    lastLogin: time.optional(),
    created: time.optional(),
    enabledAt: time.optional(),
    passwordSet: time.optional(),
    expires: time.optional(),
    primary: source.optional(),
    attributes: z.record(z.string(), attribute).default({}),
  }),
  correlation: list(rule),
  protect: list(
    object({ match: z.string(), reason: z.string(), owner: z.string().optional(), until: z.string().optional() }),
  ),
  guards,
  grants: list(grantFeed),
  entitlements: z.union([z.array(catalogueFeed), catalogueFeed.transform((one) => [one])]).default([]),
  provisioning: free,
  sync: free,
})

const identitySource = z.union([z.string(), expr])
const oneOrMore = z.union([identitySource.transform((one) => [one]), z.array(identitySource)])

export const configSchema = object({
  name: z.string().optional(),
  timeZone,
  store: z.string().default('var/iqtask.db'),
  identity: object({
    name: oneOrMore.default([]),
    attributes: z
      .record(
        z.string(),
        object({
          from: oneOrMore,
          normalize: normalization.default([]),
          unique: z.boolean().default(false),
          searchable: z.boolean().default(false),
          all: z.boolean().default(false),
        }),
      )
      .default({}),
    manager: object({ from: identitySource, identity: z.string() }).optional(),
    status: z.record(z.string(), z.string()).default({}),
  }).default({ name: [], attributes: {}, status: {} }),
  guards,
  notify: notifySchema.prefault({}),
  /** A text file in Prometheus' format after each run. */
  metrics: object({
    file: z.string(),
    mode: z
      .string()
      .regex(/^0?[0-7]{3}$/, 'expected a mode such as "0644"')
      .transform((text) => Number.parseInt(text, 8))
      .prefault('0600'),
  }).optional(),
  /** OTLP over HTTP. */
  telemetry: object({ endpoint: z.string(), headers: z.record(z.string(), z.string()).default({}) }).optional(),
  /** How long things are kept; `hold`: what is kept whatever its age. */
  retention: object({
    results: duration.prefault('400d'),
    rejects: duration.prefault('90d'),
    images: duration.prefault('90d'),
    gone: duration.prefault('730d'),
    hold: list(
      object({
        tasks: list(z.string()),
        accounts: list(z.string()),
        reason: z.string().min(1),
        until: z.iso.date().optional(),
      }),
    ),
  })
    .refine((kept) => kept.gone >= kept.images, {
      path: ['gone'],
      message: 'is shorter than images: a run could be taken back to accounts that are not there any more',
    })
    .prefault({}),
  secrets: free,
  blackout: list(blackout),
})

export const taskSchema = object({
  kind: z.literal('TaskDefinition'),
  name,
  ...described,
  executor: z.union([z.string(), object({ command: z.array(z.string()).min(1) })]),
  arguments: free,
  parameters: list(
    object({
      name: z.string(),
      type: z.enum(parameterTypes).default('string'),
      default: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]).optional(),
      required: z.boolean().default(false),
      description: z.string().optional(),
    }),
  ),
  concurrency: z.enum(concurrencies).default('forbid'),
  timeout: duration.optional(),
  maxErrors: z.number().int().nonnegative().optional(),
  lossLimit: z.number().int().positive().default(1000),
  blackout: list(blackout),
  guards,
  dryRun: z.boolean().default(false),
  only: z.string().optional(),
  limit: z.number().int().positive().optional(),
  forbid: list(z.string()),
  expectNoChange: z.boolean().default(false),
  notify: taskNotifySchema.prefault({}),
  schedule: list(schedule),
})

const kinds: Readonly<Record<string, z.ZodType>> = {
  Config: configSchema,
  Application: applicationSchema,
  TaskDefinition: taskSchema,
}
export const kindNames = Object.keys(kinds)

/** JSON documents that commands print. */
export const documentNames = Object.keys(documentSchemas)

/** JSON Schema (draft 7) of a kind of file, for editors, or of a document, for scripts. Undefined for an unknown name. */
export function jsonSchemaOf(name: string): unknown {
  const documents: Readonly<Record<string, z.ZodType>> = documentSchemas
  const schema = kinds[name] ?? documents[name]
  return schema === undefined
    ? undefined
    : z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' })
}
