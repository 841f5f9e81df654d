import type { Database } from '../database.ts'

/** What is planned for each row of the stage: what it is, who may own it, who does. */
export const rowTables = {
  act: 'sid integer primary key, kind text not null, account_id int',
  cand: 'sid integer primary key, account_id int, owner int, creates int not null, made int not null',
  link: `sid integer primary key, account_id int, kind text not null, rule int, identity_id int, maker int, code text, candidates text,
    value text`,
} as const
type RowTable = keyof typeof rowTables

/*
 * A first read compares nothing, and what is planned is the same for each of its rows: then one view says it for all of them, instead of a
 * row for each.
 */

/** Every staged row is a new account. */
export const isPlain = (db: Database): boolean => isView(db, 'act')

/** Every staged row also makes the identity that owns it. */
export const isOwn = (db: Database): boolean => isView(db, 'link')

/** Rows of a plain stage: they are numbered from 1, without a gap. */
export const plainRows = (db: Database): number => Number(db.statement('select max(id) from st.s').pluck().get() ?? 0)

/** Of an application without accounts; false where rows are ambiguous, so that they have to be told apart. */
export function makePlain(db: Database): boolean {
  if (!isTrue(db, '(select max(descents) from st.sealed) = 0') && isTrue(db, repeats('native'))) return false
  if (isTrue(db, 'exists (select 1 from st.rejected)') && isTrue(db, `exists (select 1 from st.s where ${isRejected})`))
    return false
  if (isTrue(db, '(select max(uuids) from st.sealed) > 0') && isTrue(db, repeats('uuid'))) return false
  sayForAll(db, 'act', `id sid, 'create' kind, null account_id`)
  return true
}

// without an index over the keys it is the rejected ones that are looked up
const isRejected = 'native in (select native from st.rejected)'
const repeats = (column: string): string =>
  `exists (select 1 from st.s where ${column} is not null group by ${column} having count(*) > 1)`

/** New accounts have no owner yet. */
export const makePlainCandidates = (db: Database, creates: boolean): void =>
  sayForAll(
    db,
    'cand',
    `id sid, null account_id, null owner, ${creates ? 'iname is not null' : '0'} creates, 0 made, keys`,
  )

/** Candidates `c`, and their `keys`: a row of which the candidate is a view need not be looked up. */
export const candidatesWithKeys = (db: Database): string =>
  isPlain(db) ? 'st.cand c' : 'st.cand c cross join st.s s on s.id = c.sid'

/** Of an application that creates identities, without rules; false where a name may be taken. */
export function makeOwn(db: Database): boolean {
  const free = `(select max(unnamed) from st.sealed) = 0 and not exists (select 1 from identity) and not exists (select 1 from temp.planned_identity)`
  if (!isTrue(db, free)) return false
  sayForAll(
    db,
    'link',
    `id sid, null account_id, 'created' kind, null rule, null identity_id, id maker, null code, null candidates, null value`,
  )
  return true
}

/** Writes it down row by row after all, so that a part can be taken out. */
export function spellOut(db: Database): void {
  for (const [name, columns] of Object.entries(rowTables))
    if (isView(db, name as RowTable))
      db.exec(`create table st.spelt(${columns}) strict; insert into st.spelt select ${namesOf(columns)} from st.${name};
        drop view st.${name}; alter table st.spelt rename to ${name}`)
}

const namesOf = (columns: string): string =>
  columns
    .split(',')
    .map((column) => column.trim().split(' ')[0])
    .join(', ')

const isTrue = (db: Database, condition: string): boolean => db.statement(`select ${condition}`).pluck().get() === 1

const isView = (db: Database, name: RowTable): boolean =>
  db.statement('select type from st.sqlite_schema where name = ?').pluck().get(name) === 'view'

const sayForAll = (db: Database, name: RowTable, columns: string): void =>
  db.exec(`drop table st.${name}; create view st.${name} as select ${columns} from s`)
