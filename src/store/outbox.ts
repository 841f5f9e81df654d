import type { NoticeDocument } from '../model/documents.ts'
import type { Notification, TaskHealth } from '../model/notification.ts'
import type { Digest, NotifyEvent } from '../model/notify-settings.ts'
import type { Database } from './database.ts'

export interface NewNotice {
  readonly run: number
  readonly channel: string
  readonly digest: Digest | undefined
  readonly notification: Notification
  /** Not before this time (UTC ISO text). */
  readonly nextAt: string
}

/** A message that a process has taken to send: one notification, or those of a digest. */
export interface Claimed {
  readonly id: number
  readonly messageId: string
  readonly channel: string
  readonly digest: Digest | undefined
  /** This one included. */
  readonly attempts: number
  readonly createdAt: string
  readonly notifications: readonly Notification[]
}

export interface OutboxRow {
  readonly id: string
  readonly result: string
  readonly task: string
  readonly event: NotifyEvent
  readonly channel: string
  readonly digest: Digest | null
  readonly state: 'waiting' | 'sent' | 'failed'
  readonly attempts: number
  readonly nextAt: string
  readonly error: string | null
  readonly createdAt: string
  readonly endedAt: string | null
}

export interface Outbox {
  healthOf(task: string): TaskHealth
  keepHealth(task: string, health: TaskHealth): void
  add(notice: NewNotice): void
  /** Is there a message to send now? */
  isDue(now: string): boolean
  /** Takes the next message that is due, so that no other process sends it before `until`; undefined when none is. */
  claim(now: string, until: string): Claimed | undefined
  sent(id: number, at: string): void
  /** It was not sent: again at `nextAt`, or never where that is undefined. */
  failed(id: number, why: { readonly error: string; readonly at: string; readonly nextAt: string | null }): void
  /** Latest first. */
  list(filter: { readonly state?: string | undefined; readonly limit?: number | undefined }): {
    items: OutboxRow[]
    total: number
  }
}

export function createOutbox(db: Database): Outbox {
  const run = (sql: string, ...values: unknown[]): void => void db.statement(sql).run(...values)
  return {
    healthOf(task) {
      const row = db.statement('select failing_since, missed from task_health where task = ?').get(task) as
        | { failing_since: string | null; missed: number }
        | undefined
      return { failingSince: row?.failing_since ?? null, missed: row?.missed === 1 }
    },
    keepHealth: (task, { failingSince, missed }) =>
      run(
        `insert into task_health(task, failing_since, missed) values (?, ?, ?)
           on conflict(task) do update set failing_since = excluded.failing_since, missed = excluded.missed`,
        ...[task, failingSince, missed ? 1 : 0],
      ),
    add: ({ run: number, channel, digest, notification, nextAt }) =>
      run(
        `insert into outbox(message_id, run, event, channel, digest, payload, next_at, created_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[notification.id, number, notification.event, channel, digest ?? null, JSON.stringify(notification)],
        ...[nextAt, notification.at],
      ),
    isDue: (now) => nextDue(db, now) !== undefined,
    // a command that only looks takes no lock
    claim: (now, until) => (nextDue(db, now) === undefined ? undefined : db.write(() => claim(db, now, until))),
    sent: (id, at) =>
      run(
        `update outbox set state = 'sent', ended_at = @at, claimed_until = null, error = null where id = @id or batch = @id`,
        { id, at },
      ),
    failed: (id, { error, at, nextAt = null }) =>
      run(
        `update outbox set state = iif(@nextAt is null, 'failed', state), next_at = coalesce(@nextAt, next_at), claimed_until = null,
           ended_at = iif(@nextAt is null, @at, null), error = @error where id = @id or batch = @id`,
        { id, at, nextAt, error },
      ),
    list: (filter) => list(db, filter),
  }
}

interface Row {
  readonly id: number
  readonly message_id: string
  readonly channel: string
  readonly digest: Digest | null
  readonly batch: number | null
  readonly attempts: number
  readonly created_at: string
}

const nextDue = (db: Database, now: string) =>
  db
    .statement(
      `select * from outbox where state = 'waiting' and next_at <= @now and coalesce(claimed_until, '') <= @now and coalesce(batch, id) = id
         order by next_at, id limit 1`,
    )
    .get({ now }) as Row | undefined

/** What is due of a digest at the first attempt travels together ever after: a repetition has the same content. */
function claim(db: Database, now: string, until: string): Claimed | undefined {
  const row = nextDue(db, now)
  if (row === undefined) return undefined
  if (row.digest !== null && row.batch === null)
    db.statement(
      `update outbox set batch = ? where state = 'waiting' and next_at <= ? and channel = ? and digest = ? and batch is null`,
    ).run(row.id, now, row.channel, row.digest)
  db.statement('update outbox set claimed_until = ?, attempts = attempts + 1 where id = ?').run(until, row.id)
  const payloads = db
    .statement('select payload from outbox where id = @id or batch = @id order by id')
    .pluck()
    .all({ id: row.id }) as string[]
  return {
    id: row.id,
    messageId: row.message_id,
    channel: row.channel,
    digest: row.digest ?? undefined,
    attempts: row.attempts + 1,
    createdAt: row.created_at,
    notifications: payloads.map((payload) => JSON.parse(payload) as Notification),
  }
}

const columns = `o.message_id id, r.result_id result, r.task, o.event, o.channel, o.digest, o.state, o.attempts, o.next_at nextAt, o.error,
  o.created_at createdAt, o.ended_at endedAt from outbox o join task_result r on r.id = o.run`

function list(
  db: Database,
  { state = null, limit = -1 }: { state?: string | null | undefined; limit?: number | undefined },
) {
  const where = 'where (@state is null or o.state = @state)'
  const items = db.statement(`select ${columns} ${where} order by o.id desc limit @limit`).all({ state, limit })
  const total = db.statement(`select count(*) from outbox o ${where}`).pluck().get({ state })
  return { items: items as OutboxRow[], total: Number(total) }
}

/** What was told, or has to be, of one run. */
export const noticesOf = (db: Database, run: number): NoticeDocument[] =>
  db
    .statement(
      `select channel, event, state, attempts, error, case state when 'waiting' then next_at end nextAt from outbox where run = ? order by id`,
    )
    .all(run) as NoticeDocument[]
