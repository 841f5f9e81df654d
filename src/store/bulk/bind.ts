import type { Database } from '../database.ts'
import { type Deferral, deferralOf } from './indexes.ts'
import { isOwn, isPlain, plainRows } from './plain.ts'

/** What the bind fixed for good: a resumed run computes nothing anew. */
export interface Bound {
  readonly [key: string]: string | number
  readonly applicationId: number
  readonly run: number
  readonly entitlementBase: number
  readonly accountBase: number
  readonly identityBase: number
  /** 1: every staged row is a new account, so that nobody need ask which are. */
  readonly plain: number
  /** 1: every one of them makes the identity that owns it, too. */
  readonly own: number
  /** 1: every value is new to the catalogue too, so that its number there follows from its number here. */
  readonly fresh: number
  /** 1: an account without an owner may find one in the next read, so that its record is to be looked at again. */
  readonly ownable: number
  readonly deferral: Deferral
}

/** First write of a run: id ranges are reserved, so that what row n of the stage becomes is known everywhere. */
export function bindStage(db: Database, applicationId: number, run: number, ownable: boolean): Bound {
  const number = (sql: string): number => Number(db.statement(sql).pluck().get() ?? 0)
  const top = number('select max(id) from st.s')
  const entitlementBase = reserve(db, 'entitlement', number('select max(l) from st.m'))
  numberStage(db, entitlementBase)
  const plain = isPlain(db)
  const creates = plain ? plainRows(db) : number(`select count(*) from st.act where kind in ('create', 'replaced')`)
  return {
    applicationId,
    run,
    entitlementBase,
    accountBase: reserve(db, 'account', top),
    identityBase: reserve(db, 'identity', top),
    plain: plain ? 1 : 0,
    own: isOwn(db) ? 1 : 0,
    fresh: plain && number('select exists (select 1 from st.m where not neu)') === 0 ? 1 : 0,
    ownable: ownable ? 1 : 0,
    deferral: deferralOf(
      creates,
      creates === 0 ? 0 : number('select count(*) from account'),
      number('select max(descents) from st.sealed'),
    ),
  }
}

/** Local numbers of the values that rows which are written name. */
export const usedValues = `select g.e from st.act x cross join st.g g on g.a = x.sid where x.kind not in ('reject', 'same', 'seen')`

/**
 * Writes the reserved numbers into the stage, and drops new values that only rows name which are not written. Store and stage are two
 * files: a kill in the commit can keep the one and lose the other, so a resume does it again; doing it twice changes nothing.
 */
export function numberStage(db: Database, entitlementBase: number): void {
  if (!isPlain(db)) db.exec(`delete from st.m where neu and l not in (${usedValues})`)
  db.exec(
    `update st.m set g = ${entitlementBase} + l where neu; update st.gd set e = ${entitlementBase} - e where e < 0`,
  )
}

function reserve(db: Database, table: string, count: number): number {
  const base = Number(
    db
      .statement(
        `select max(coalesce((select seq from sqlite_sequence where name = ?), 0), (select coalesce(max(id), 0) from ${table}))`,
      )
      .pluck()
      .get(table),
  )
  db.statement('delete from sqlite_sequence where name = ?').run(table)
  db.statement('insert into sqlite_sequence(name, seq) values (?, ?)').run(table, base + count)
  return base
}
