import type { AccountUse } from '../model/application.ts'
import { contentHash } from '../model/content-hash.ts'
import type { Attributes } from '../model/value.ts'
import type { AuditCheckpoint } from './audit-checkpoint.ts'
import type { Database } from './database.ts'
import { sums } from './migrations/0002-brakes.ts'
import { sealedTables } from './seal.ts'
import type { Store } from './store.ts'

export interface StoreFinding {
  /** `file`: SQLite's own structure. `references`, `rows`, `counts`, `audit`: what is in it. */
  readonly part: 'file' | 'references' | 'rows' | 'counts' | 'audit'
  readonly text: string
}

export interface CheckOptions {
  /** Only what SQLite can tell without comparing indexes with tables: for the start after an unclean end. */
  readonly quick: boolean
  /** The audit trail is compared with it too. */
  readonly checkpoint?: AuditCheckpoint | undefined
}

const most = 100

/** Looks for damage and for changes that went past the tool; mends nothing. Empty: the store is what was written. */
export function checkStore(store: Pick<Store, 'db' | 'audit'>, options: CheckOptions): readonly StoreFinding[] {
  const { db } = store
  if (options.quick) return part('file', () => structure(db, 'quick_check'))
  return [
    ...part('file', () => structure(db, 'integrity_check')),
    ...part('references', () => references(db)),
    ...part('rows', () => [...rows(db), ...repeated(db), ...brokenSeals(db)]),
    ...part('counts', () => counts(db)),
    ...part('audit', () => store.audit.verify(options.checkpoint).findings.map((finding) => finding.text)),
  ]
}

/** A file so damaged that it cannot be read to its end is a finding, not a failure of the check. */
function part(name: StoreFinding['part'], look: () => readonly string[]): StoreFinding[] {
  try {
    return look().map((text) => ({ part: name, text }))
  } catch (error) {
    const damaged = error instanceof Error && 'code' in error && /^SQLITE_(CORRUPT|NOTADB)/.test(String(error.code))
    if (!damaged) throw error
    return [{ part: name, text: `cannot be read to its end: ${error.message}` }]
  }
}

const structure = (db: Database, pragma: 'quick_check' | 'integrity_check'): string[] =>
  (db.statement(`pragma main.${pragma}(${most})`).pluck().all() as string[]).filter((line) => line !== 'ok')

function references(db: Database): string[] {
  const broken = db.statement('pragma main.foreign_key_check').all() as {
    table: string
    rowid: number
    parent: string
  }[]
  return broken
    .slice(0, most)
    .map(({ table, rowid, parent }) => `${table} ${rowid ?? '(without number)'} points at a missing row of ${parent}`)
}

interface AccountRow {
  readonly id: number
  readonly native: string
  readonly shown: string | null
  readonly uuid: string | null
  readonly display: string | null
  readonly use: AccountUse
  readonly flags: number
  readonly times: string | null
  readonly owner: string | null
  readonly attrs: string
  readonly hash: Buffer
  readonly application: string
  readonly grants: string
}

/** Every account's content hash, made again from what is stored. The grants of an account that is gone are those it ended with. */
function rows(db: Database, after = 0, upTo = Number.MAX_SAFE_INTEGER): string[] {
  const findings: string[] = []
  const accounts = db
    .statement(`select a.id, a.native, a.shown, a.uuid, a.display, a.use, a.flags, a.times, a.owner, a.attrs, a.hash, p.name application,
        (select json_group_array(json_array(e.attribute, e.value)) from access c cross join entitlement e on e.id = c.entitlement_id
          where c.account_id = a.id and (c.until is null or (a.state = 'gone' and c.until = a.state_run))) grants
      from account a cross join application p on p.id = a.application_id where a.id > ? and a.id <= ? order by a.id`)
    .iterate(after, upTo) as IterableIterator<AccountRow>
  for (const account of accounts) {
    // a flipped bit can make the column's type another one
    const isWhole = Buffer.isBuffer(account.hash) && hashOf(account)?.equals(account.hash) === true
    if (findings.length >= most || isWhole) continue
    findings.push(`account ${account.application}:${account.native} is not what was written`)
  }
  return findings
}

/** Columns that SQLite keeps a second time, against the first. Backups of older schemas have none. */
function repeated(db: Database): string[] {
  const again = db
    .statement(
      `select t.name "table", c.name "column" from pragma_table_list t cross join pragma_table_xinfo(t.name) c
        where t.schema = 'main' and t.type = 'table' and c.hidden = 3`,
    )
    .all() as { table: string; column: string }[]
  return again.flatMap(({ table, column }) => {
    const first = column === 'sums' ? sums[table as keyof typeof sums] : column.replace(/_again$/, '')
    return db
      .statement(
        `select '${table}: the ${column} of a row are not what was written' from "${table}" where ${column} is not (${first}) limit ${most}`,
      )
      .pluck()
      .all() as string[]
  })
}

function brokenSeals(db: Database): string[] {
  return sealedTables(db.statement).flatMap(
    ({ name, seal }) =>
      db
        .statement(
          `select '${name}: a row is not what was written' from "${name}" where crc is not ${seal} limit ${most}`,
        )
        .pluck()
        .all() as string[],
  )
}

/** The rows of one table with ids after `after`, at most `upTo`, against the checks that they carry. */
export function checkRows(
  db: Database,
  table: 'account' | 'identity' | 'task_result' | 'entitlement',
  after: number,
  upTo: number,
): { readonly rows: number; readonly findings: readonly string[] } {
  const within = 'where id > ? and id <= ?'
  const found = Number(db.statement(`select count(*) from ${table} ${within}`).pluck().get(after, upTo))
  if (table === 'account') return { rows: found, findings: rows(db, after, upTo) }
  const seal = sealedTables(db.statement).find(({ name }) => name === table)?.seal
  const broken = db
    .statement(`select id from ${table} ${within} and crc is not ${seal}`)
    .pluck()
    .all(after, upTo) as number[]
  return { rows: found, findings: broken.map((id) => `${table} ${id} is not what was written`) }
}

/** Undefined when the row cannot even be read as one. */
function hashOf(row: AccountRow): Buffer | undefined {
  try {
    return contentHash({
      native: row.native,
      shown: row.shown ?? row.native,
      uuid: row.uuid ?? undefined,
      displayName: row.display ?? undefined,
      use: row.use,
      owner: row.owner ?? undefined,
      disabled: (row.flags & 1) !== 0,
      locked: (row.flags & 2) !== 0,
      times: row.times === null ? {} : (JSON.parse(row.times) as Record<string, string>),
      attributes: JSON.parse(row.attrs) as Attributes,
      entitlements: (JSON.parse(row.grants) as [string, string][]).map(([attribute, value]) => ({
        attribute,
        value,
        shown: value,
      })),
      keys: [],
    })
  } catch {
    return undefined
  }
}

/** Rejects are kept as long as their result, or until retention has taken all of them. Backups of older schemas know no retention. */
function counts(db: Database): string[] {
  const known = db.statement(`select count(*) from pragma_table_list where name = 'pruned'`).pluck().get() === 1
  const taken = known ? `(found = 0 and exists (select 1 from pruned where run = r.id and what = 'rejects'))` : 'false'
  const wrong = db
    .statement(`select result_id id, rejects_total said, (select count(*) from reject where run = r.id) found
      from task_result r where ended_at is not null and said <> found and not ${taken} limit ${most}`)
    .all() as { id: string; said: number; found: number }[]
  return wrong.map(({ id, said, found }) => `result ${id} counts ${said} rejects, ${found} are kept`)
}
