import type { ZodType } from 'zod'
import type { Clock } from '../base/clock.ts'
import { ConnectorError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Notification } from '../model/notification.ts'

/** One message: a notification, or those of a digest. `id` is the same at every attempt. */
export interface Message {
  readonly id: string
  readonly digest: boolean
  readonly createdAt: string
  readonly notifications: readonly [Notification, ...Notification[]]
}

export interface SendContext {
  /** Relative paths start here. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Aborts when the message's time is over, or the process has to end. */
  readonly signal: AbortSignal
}

export interface Notifier<Settings = unknown> {
  readonly name: string
  readonly summary: string
  /** What the configuration may say beside `type`, with defaults. */
  readonly settings: ZodType<Settings>
  /** Settings that speak against it, for `doctor`; undefined: none. */
  weakness?(settings: JsonObject): string | undefined
  /** Sends it, once. @throws DeliveryError */
  send(settings: Settings, message: Message, context: SendContext): Promise<void>
}

/** The one shape of a notifier; ties the settings' type to the schema, then forgets it for the registry. */
export function defineNotifier<Settings>(notifier: Notifier<Settings>): Notifier {
  return notifier as unknown as Notifier
}

/** The message did not arrive. `temporary`: it is worth another attempt, not before `retryAfterMs`. */
export class DeliveryError extends ConnectorError {
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    details: { readonly temporary: boolean; readonly retryAfterMs?: number | undefined; readonly cause?: unknown },
  ) {
    super(message, { code: 'IQ7002', temporary: details.temporary, cause: details.cause })
    this.retryAfterMs = details.retryAfterMs
  }
}

/** A peer has this long to be reached, to say the next byte, and to be done with a message. */
export const connectTimeoutMs = 10_000
export const idleTimeoutMs = 30_000
export const totalTimeoutMs = 60_000

/** The JSON that machines get. */
export const documentOf = ({ id, digest, notifications }: Message): unknown =>
  digest ? { schema: 'iqtask/NotificationDigest/1', id, items: notifications } : notifications[0]
