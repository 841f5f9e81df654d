import type { Value } from '../model/value.ts'
import type { Database } from './database.ts'
import { accountAttributes } from './images.ts'

/** A run that changed or made an account. */
export interface AccountMoment {
  readonly result: string | null
  readonly at: string | null
}

export interface AccountChange extends AccountMoment {
  /** As they were before the run. */
  readonly before: Readonly<Record<string, Value>>
}

/** A value that the account holds, or held. */
export interface HeldInterval {
  readonly value: string
  readonly since: AccountMoment
  /** Undefined while it holds. */
  readonly until: AccountMoment | undefined
}

/** What the images that runs left tell of an account; they are kept as long as results. */
export interface AccountHistory {
  readonly created: AccountMoment
  /** Runs that touched it, latest first. */
  readonly changes: readonly AccountChange[]
  held(attribute: string): readonly HeldInterval[]
}

export function accountHistory(db: Database, id: number): AccountHistory {
  const created = db
    .statement(
      'select r.result_id result, r.queued_at at from account a left join task_result r on r.id = a.created_run where a.id = ?',
    )
    .get(id) as AccountMoment
  const changes = db.statement(accountAttributes).all({ id }) as (AccountMoment & { readonly before: string | null })[]
  return {
    created,
    changes: changes.map(({ before, ...moment }) => ({
      ...moment,
      before: JSON.parse(before ?? '{}') as AccountChange['before'],
    })),
    held: (attribute) => held(db, id, attribute),
  }
}

function held(db: Database, id: number, attribute: string): HeldInterval[] {
  const rows = db
    .statement(
      `select coalesce(e.shown, e.value) value, s.result_id since, s.queued_at since_at, u.result_id until, u.queued_at until_at, c.until is null holds
         from access c join entitlement e on e.id = c.entitlement_id left join task_result s on s.id = c.since left join task_result u on u.id = c.until
         where c.account_id = ? and e.attribute = ? order by e.value, c.since`,
    )
    .all(id, attribute) as Record<string, string | number | null>[]
  const moment = (result: unknown, at: unknown): AccountMoment => ({
    result: (result ?? null) as string | null,
    at: (at ?? null) as string | null,
  })
  return rows.map((row) => ({
    value: String(row.value),
    since: moment(row.since, row.since_at),
    until: row.holds === 1 ? undefined : moment(row.until, row.until_at),
  }))
}
