import { UserError } from '../base/errors.ts'
import type { AccountDocument } from '../model/documents.ts'
import type { Value } from '../model/value.ts'
import { type AccountHistory, accountHistory } from './account-history.ts'
import type { Database } from './database.ts'
import { accountsBeginning, hintForAccount } from './near.ts'

export interface AccountFilter {
  readonly application?: string | undefined
  readonly state?: string | undefined
  /** Part of the native identity, display name or identity's name, without case. */
  readonly text?: string | undefined
  readonly uncorrelated?: boolean | undefined
  /** `APPLICATION:ATTRIBUTE:VALUE`: only accounts that hold it now. */
  readonly holds?: string | undefined
}

export interface Accounts {
  count(filter: AccountFilter): number
  /** By application and native identity. */
  find(filter: AccountFilter, limit?: number): IterableIterator<AccountDocument>
  /** `APPLICATION:NATIVE`. @throws UserError IQ1006 */
  get(reference: string): AccountDocument
  /** Names that begin as `APPLICATION:NATI` does; for completion. */
  beginning(reference: string, limit: number): string[]
  /** The same, as the number of its row. */
  idOf(reference: string): number
  /** How it came to its identity, or to none. */
  linkOf(id: number): AccountLink
  /** Which runs made and changed it, and what it held. */
  historyOf(id: number): AccountHistory
}

export interface AccountLink {
  readonly by: string
  /** Number of the rule, from 1. */
  readonly rule: number | null
  /** The run that decided, and when it was asked for. */
  readonly result: string | null
  readonly at: string | null
}

const columns = `a.*, p.name application, i.name identity, s.result_id link_result, s.queued_at linked_at`
const from = `from account a join application p on p.id = a.application_id left join identity i on i.id = a.identity_id
  left join task_result s on s.id = a.link_run`

export function createAccounts(db: Database): Accounts {
  return {
    count: (filter) => {
      const { where, values } = conditions(filter)
      const rows = where === '' ? 'from account' : `${from} ${where}`
      return Number(db.statement(`select count(*) ${rows}`).pluck().get(values))
    },
    *find(filter, limit) {
      const { where, values } = conditions(filter)
      const rows = db
        .statement(`select ${columns} ${from} ${where} order by p.name, a.native, a.retired limit @limit`)
        .iterate({ ...values, limit: limit ?? -1 })
      for (const row of rows) yield document(db, row as Row)
    },
    get: (reference) => document(db, rowOf(reference)),
    beginning: (reference, limit) => accountsBeginning(db, reference, limit),
    idOf: (reference) => Number(rowOf(reference).id),
    historyOf: (id) => accountHistory(db, id),
    linkOf: (id) =>
      db
        .statement(
          `select a.link_by "by", a.link_rule rule, r.result_id result, r.queued_at at from account a left join task_result r on r.id = a.link_run where a.id = ?`,
        )
        .get(id) as AccountLink,
  }

  function rowOf(reference: string): Row {
    const at = reference.indexOf(':')
    const row = db
      .statement(
        `select ${columns} ${from} where p.name = @application and a.native in (@native, lower(@native)) and a.retired = 0
             order by a.native = @native desc limit 1`,
      )
      .get({ application: reference.slice(0, Math.max(0, at)), native: reference.slice(at + 1) }) as Row | undefined
    if (row !== undefined) return row
    throw new UserError(`there is no account ${JSON.stringify(reference)}`, {
      code: 'IQ1006',
      hint: hintForAccount(db, reference),
    })
  }
}

type Row = Record<string, string | number | null>

function conditions(filter: AccountFilter): { where: string; values: Record<string, string> } {
  const parts: string[] = []
  const values: Record<string, string> = {}
  if (filter.application !== undefined) {
    parts.push('p.name = @application')
    values.application = filter.application
  }
  if (filter.state !== undefined) {
    parts.push('a.state = @state')
    values.state = filter.state
  }
  if (filter.uncorrelated === true) parts.push(`a.identity_id is null and a.state <> 'gone'`)
  if (filter.holds !== undefined) {
    parts.push(`a.id in (select c.account_id from entitlement e join application o on o.id = e.application_id
      cross join access c on c.entitlement_id = e.id and c.until is null
      where @holds in (o.name || ':' || e.attribute || ':' || e.value, o.name || ':' || e.attribute || ':' || e.shown))`)
    values.holds = filter.holds
  }
  if (filter.text !== undefined) {
    parts.push(
      `(instr(lower(coalesce(a.shown, a.native)), @text) or instr(lower(a.display), @text) or instr(lower(i.name), @text))`,
    )
    values.text = filter.text.normalize('NFC').toLowerCase()
  }
  return { where: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values }
}

const text = (value: string | number | null | undefined): string | null => (value == null ? null : String(value))

function document(db: Database, row: Row): AccountDocument {
  const times = JSON.parse(text(row.times) ?? '{}') as Record<string, string>
  const flags = Number(row.flags)
  return {
    schema: 'iqtask/Account/1',
    application: String(row.application),
    nativeIdentity: text(row.shown) ?? String(row.native),
    displayName: text(row.display),
    uuid: text(row.uuid),
    use: String(row.use),
    state: row.state as AccountDocument['state'],
    disabled: (flags & 1) !== 0,
    locked: (flags & 2) !== 0,
    lastLogin: times.lastLogin ?? null,
    identity: text(row.identity),
    correlation: {
      by: row.link_by as AccountDocument['correlation']['by'],
      rule: row.link_rule as number | null,
      since: text(row.linked_at),
      unconfirmed: row.unconfirmed === 1,
    },
    attributes: JSON.parse(String(row.attrs)) as Record<string, Value>,
    entitlements: db
      .statement(
        `select e.attribute, coalesce(e.shown, e.value) value, r.queued_at since from access c join entitlement e on e.id = c.entitlement_id
           left join task_result r on r.id = c.since where c.account_id = ? and c.until is null order by e.attribute, e.value`,
      )
      .all(row.id) as AccountDocument['entitlements'],
  }
}
