import { sortInPieces } from '../cache.ts'
import type { Database } from '../database.ts'

/** Secondary indexes that a load builds afterwards rather than row by row; the texts are those of the migrations. */
const indexes: readonly { readonly name: string; readonly sql: string; readonly unique: boolean }[] = [
  {
    name: 'account_native',
    sql: 'create unique index account_native on account(application_id, native, retired)',
    unique: true,
  },
  { name: 'identity_name', sql: 'create unique index identity_name on identity(name)', unique: true },
  {
    name: 'access_entitlement',
    sql: 'create index access_entitlement on access(entitlement_id, account_id)',
    unique: false,
  },
  { name: 'account_identity', sql: 'create index account_identity on account(identity_id)', unique: false },
]

/** Fewer rows go in faster with the indexes in place. */
const worthFrom = 1000

/**
 * `none`; `secondary`: those that nothing is checked by; `all`: unique ones too, for a load in no order into a store that is nearly empty.
 * While they are gone, the plan's own check for duplicates stands in.
 */
export type Deferral = 'none' | 'secondary' | 'all'

/** Only a load that dwarfs what is there pays for building an index over everything. */
export function deferralOf(creates: number, there: number, outOfOrder: number): Deferral {
  if (creates <= worthFrom || creates * 4 <= there) return 'none'
  return outOfOrder * 100 > creates && there * 20 < creates ? 'all' : 'secondary'
}

/** `own`: each account comes with its identity, so that the index over owners grows at its end. */
export function dropIndexes(db: Database, deferral: Deferral, own = false): void {
  for (const { name, unique } of indexes) {
    if (own && name === 'account_identity') continue
    if (deferral === 'all' || (deferral === 'secondary' && !unique)) db.exec(`drop index if exists ${name}`)
  }
}

/** Indexes that a load which did not come to its end left out: everything is right without them, and slow. */
export function missingIndexes(db: Database): string[] {
  const there = new Set(db.statement(`select name from sqlite_schema where type = 'index'`).pluck().all())
  return indexes.filter(({ name }) => !there.has(name)).map(({ name }) => name)
}

/** Builds the next index that is missing, whoever left it out; undefined when all are there. */
export function buildIndex(db: Database): string | undefined {
  const [name] = missingIndexes(db)
  const sql = indexes.find((index) => index.name === name)?.sql
  if (sql !== undefined) sortInPieces(db, () => db.exec(sql))
  return name
}
