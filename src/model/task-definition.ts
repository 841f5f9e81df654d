import type { JsonObject } from '../base/json.ts'
import type { Blackout } from './blackout.ts'
import type { TaskNotifySettings } from './notify-settings.ts'
import type { TaskSchedule } from './schedule.ts'

export const concurrencies = ['forbid', 'queue', 'allow'] as const
export type Concurrency = (typeof concurrencies)[number]

export const parameterTypes = ['string', 'number', 'boolean', 'date', 'list'] as const

/** What a definition lets a run set (IdentityIQ: Signature); used as `${args.NAME}`. */
export interface Parameter {
  readonly name: string
  readonly type: (typeof parameterTypes)[number]
  readonly default?: string | number | boolean | readonly string[] | undefined
  readonly required: boolean
  readonly description?: string | undefined
}

/** What to run: a file. The executor's own schema checks `arguments` when the task is used. */
export interface TaskDefinition {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  /** A built-in's name, a file of the project (`./x.ts`), or a program's argv. */
  readonly executor: string | { readonly command: readonly string[] }
  readonly arguments: JsonObject
  readonly parameters: readonly Parameter[]
  readonly concurrency: Concurrency
  readonly timeoutMs?: number | undefined
  /** Absolute number; without it the larger of 100 and 1 % of what was read. */
  readonly maxErrors?: number | undefined
  /** Items per committed chunk (IdentityIQ: Loss Limit). */
  readonly lossLimit: number
  readonly blackout: readonly Blackout[]
  readonly guards: JsonObject
  readonly dryRun: boolean
  readonly only?: string | undefined
  readonly limit?: number | undefined
  readonly forbid: readonly string[]
  readonly expectNoChange: boolean
  readonly notify: TaskNotifySettings
  readonly schedule: readonly TaskSchedule[]
  /** Absolute path of the file, its text as read, SHA-256 of the text (hex), and whether it came with the tool. */
  readonly file: string
  readonly text: string
  readonly sha256: string
  readonly shipped: boolean
}
