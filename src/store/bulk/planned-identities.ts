import type { Database } from '../database.ts'

/**
 * Identities that earlier sections of a dry run would make, so that those of later ones find them. In a table of the connection's own, outside
 * of memory: a first plan makes as many as there are people.
 */
const table = `create temp table if not exists planned_identity(id integer primary key, section text not null, name text not null,
  status text not null, attrs text not null) strict`

export const openPlanned = (db: Database): void => db.exec(table)

export function forgetPlanned(db: Database): void {
  openPlanned(db)
  db.exec('delete from temp.planned_identity')
}

/** What the attached plan of this section would make, in place of what was kept of it before. */
export function keepPlanned(db: Database, section: string): void {
  db.statement('delete from temp.planned_identity where section = ?').run(section)
  db.statement(`insert into temp.planned_identity(section, name, status, attrs)
    select ?, s.iname, s.istatus, s.iattrs from st.link l cross join st.s s on s.id = l.sid where l.maker = l.sid order by s.id`).run(
    section,
  )
}
