import { type Clock, isoText } from '../base/clock.ts'
import { parseDuration } from '../base/duration.ts'
import { IqtaskError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import type { JsonObject } from '../base/json.ts'
import type { Redactor } from '../base/redact.ts'
import type { Registry } from '../base/registry.ts'
import type { Notification } from '../model/notification.ts'
import type { ChannelSettings } from '../model/notify-settings.ts'
import type { Project } from '../model/project.ts'
import { DeliveryError, type Message, type Notifier, totalTimeoutMs } from '../notify/notifier.ts'
import type { Claimed } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'

export interface DeliveryOptions {
  readonly project: Project
  readonly notifiers: Registry<Notifier>
  readonly clock: Clock
  readonly redactor: Redactor
  readonly env: Readonly<Record<string, string | undefined>>
  /** The settings with their references resolved. @throws UserError */
  readonly resolve: (settings: ChannelSettings) => JsonObject
  /** 0–1; what waits are jittered with. */
  readonly random?: (() => number) | undefined
}

/** A message is not tried again after a week, and waits at most this long between attempts. */
const giveUpMs = 7 * 86_400_000
const longestWaitMs = 6 * 3_600_000
/** A peer may ask for a pause, not for oblivion. */
const longestRetryAfterMs = 86_400_000

/**
 * Sends what is due, channels side by side, at most `budgetMs` long. Never throws for a channel: what was not sent stays in the outbox, with
 * the reason.
 */
export async function deliver(
  store: Store,
  options: DeliveryOptions,
  limits: { readonly budgetMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const over = AbortSignal.timeout(limits.budgetMs)
  const signal = limits.signal === undefined ? over : AbortSignal.any([over, limits.signal])
  const dead = new Set<string>()
  const queues = new Map<string, Promise<void>>()
  while (!signal.aborted) {
    const now = options.clock.now()
    const claimed = store.outbox.claim(isoText(now), isoText(new Date(now.getTime() + 2 * totalTimeoutMs)))
    if (claimed === undefined) break
    const before = queues.get(claimed.channel) ?? Promise.resolve()
    queues.set(
      claimed.channel,
      before.then(() => attempt(store, options, claimed, dead, signal)),
    )
  }
  await Promise.all(queues.values())
}

/** A channel that has just failed for a while is not asked again for every message that waits. */
async function attempt(
  store: Store,
  options: DeliveryOptions,
  claimed: Claimed,
  dead: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  let failure: unknown = dead.has(claimed.channel)
    ? new DeliveryError('the channel failed a moment ago', { temporary: true })
    : undefined
  if (failure === undefined) failure = await failureOf(sendOn(options, claimed.channel, messageOf(claimed), signal))
  const now = options.clock.now()
  if (failure === undefined) return store.db.write(() => store.outbox.sent(claimed.id, isoText(now)))
  // a bug is no reason to lose the message, nor to fail the run
  const temporary = !(failure instanceof DeliveryError) || failure.temporary
  if (temporary) dead.add(claimed.channel)
  const error = options.redactor.redact(failure instanceof Error ? failure.message : String(failure))
  const nextAt = temporary ? nextAttempt(claimed, failure, now, options.random ?? Math.random) : null
  store.db.write(() => store.outbox.failed(claimed.id, { error, at: isoText(now), nextAt }))
}

const failureOf = (work: Promise<void>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

function messageOf({ messageId, digest, createdAt, notifications: [first, ...others] }: Claimed): Message {
  if (first === undefined) throw new Error(`the message ${messageId} is empty`)
  return { id: messageId, digest: digest !== undefined, createdAt, notifications: [first, ...others] }
}

/** Waits grow from half a minute to six hours, each shortened by up to half; a peer's `Retry-After` is obeyed within a day. */
export function nextAttempt(
  { attempts, createdAt }: Pick<Claimed, 'attempts' | 'createdAt'>,
  failure: unknown,
  now: Date,
  random: () => number,
): string | null {
  if (now.getTime() - Date.parse(createdAt) > giveUpMs) return null
  const grown = Math.min(longestWaitMs, 30_000 * 2 ** Math.min(attempts - 1, 20))
  const asked = failure instanceof DeliveryError ? (failure.retryAfterMs ?? 0) : 0
  const waitMs = Math.max(grown * (1 - random() / 2), Math.min(asked, longestRetryAfterMs))
  return isoText(new Date(now.getTime() + waitMs))
}

/** One message on one channel. @throws DeliveryError; UserError when the channel's settings are not right */
async function sendOn(options: DeliveryOptions, channel: string, message: Message, signal: AbortSignal): Promise<void> {
  const { project, notifiers, clock, env } = options
  const found = project.notify.channels[channel]
  if (found === undefined)
    throw new DeliveryError(`the channel ${channel} is not configured any more`, { temporary: true })
  const notifier = notifiers.get(found.type)
  const { type: _, timeout = '', ...settings } = options.resolve(found)
  const checked = notifier.settings.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    const path = ['notify', 'channels', channel, ...(issue?.path ?? [])].join('.')
    throw new DeliveryError(`${path}: ${issue?.message ?? 'not right'}`, { temporary: true })
  }
  const total = AbortSignal.any([signal, AbortSignal.timeout(parseDuration(String(timeout)) ?? totalTimeoutMs)])
  await notifier.send(checked.data, message, { folder: project.folder, env, clock, signal: total })
}

/** Sends a message that says it is a test, now; gives what went wrong, or undefined. */
export async function testChannel(
  options: DeliveryOptions,
  channel: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const now = options.clock.now()
  const id = newId(now)
  const notification: Notification = {
    schema: 'iqtask/Notification/1',
    id,
    event: 'success',
    project: options.project.name,
    task: 'notify-test',
    at: isoText(now),
    result: {
      id,
      status: 'success',
      stoppedBy: null,
      exitCode: 0,
      durationMs: 0,
      trigger: 'manual',
      host: 'localhost',
      counts: {},
    },
    failingSince: null,
    guards: [],
    failures: [],
    more: 0,
    commands: ['iqtask notify list'],
  }
  const message: Message = { id, digest: false, createdAt: isoText(now), notifications: [notification] }
  const failure = await failureOf(sendOn(options, channel, message, signal))
  if (failure === undefined) return undefined
  if (!(failure instanceof IqtaskError)) throw failure
  return options.redactor.redact(failure.message)
}
