import { z } from 'zod'
import { parseDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'

/** What a rule can wait for. Of several that fit one run the first in this order is told. */
export const notifyEvents = [
  'recovered',
  'guard',
  'error',
  'still-failing',
  'missed',
  'changed',
  'warning',
  'success',
] as const
export type NotifyEvent = (typeof notifyEvents)[number]

const channelName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a name is made of a-z, 0-9, ".", "_", "-"')
const digest = z.enum(['hourly', 'daily'])
const duration = z.string().refine((text) => parseDuration(text) !== undefined, 'is no duration such as 10s, 1m')
const onOf = {
  on: z.array(z.enum(notifyEvents)).min(1),
  channels: z.array(channelName).min(1),
  digest: digest.optional(),
}
const url = z.string().min(1)
/** URLs that a monitor waits for: asked for at once, or never; a ping that comes late would lie. */
const ping = z.strictObject({ start: url.optional(), success: url.optional(), fail: url.optional() }).default({})

/** `notify:` of the configuration. A channel's own settings are checked by its kind, once its references are resolved. */
export const notifySchema = z.strictObject({
  channels: z
    .record(channelName, z.object({ type: z.string(), timeout: duration.optional() }).catchall(z.json()))
    .default({}),
  rules: z.array(z.strictObject({ ...onOf, tasks: z.array(z.string()).default(['*']) })).default([]),
  ping,
})
/** `notify:` of a task: its rules are added to the project's. */
export const taskNotifySchema = z.strictObject({ rules: z.array(z.strictObject(onOf)).default([]), ping })

/** Every key of the two, at any depth. */
export const notifyKeys = [
  'channels',
  'rules',
  'ping',
  'on',
  'tasks',
  'digest',
  'start',
  'success',
  'fail',
  'type',
  'timeout',
]

export type Digest = z.output<typeof digest>
export interface NotifyRule {
  readonly on: readonly NotifyEvent[]
  readonly channels: readonly string[]
  readonly digest?: Digest | undefined
  /** Globs over names of tasks. */
  readonly tasks: readonly string[]
}
export interface Ping {
  readonly start?: string | undefined
  readonly success?: string | undefined
  readonly fail?: string | undefined
}
export interface NotifySettings {
  readonly channels: Readonly<Record<string, ChannelSettings>>
  readonly rules: readonly NotifyRule[]
  readonly ping: Ping
}
export type TaskNotifySettings = Pick<NotifySettings, 'rules' | 'ping'>
/** `timeout`: how long one message may take. */
export type ChannelSettings = JsonObject & { readonly type: string; readonly timeout?: string }
