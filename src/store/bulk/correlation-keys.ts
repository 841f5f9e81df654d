import type { CorrelationRule } from '../../model/application.ts'
import { evenOut } from '../../model/normalize.ts'
import type { Database } from '../database.ts'

/** People a statement looks at: long ones cannot be stopped. */
const slicePeople = 100_000

/** Who is there, then who is planned: what these have comes from the application that would make them. */
const people = [
  { table: 'identity', sign: '', sources: 'sources' },
  { table: 'temp.planned_identity', sign: '-', sources: `'{}'` },
] as const

/**
 * What each rule may find: the identities' values, evened out as the rule says, in `ik`; in `shared` what several have. `trusted`:
 * applications whose values may be matched.
 */
export function* loadKeys(
  db: Database,
  rules: readonly CorrelationRule[],
  trusted: readonly string[],
): Generator<void> {
  db.exec(`create table st.keys(rule int not null, value text not null, identity_id int not null, inactive int not null) strict;
    create table st.said(id int not null, inactive int not null, v);
    create table st.shared(rule int not null, value text not null, primary key(rule, value)) strict, without rowid`)
  for (const [index, rule] of rules.entries())
    for (const { table, sign, sources } of people) {
      const at = path(rule.identity)
      const text = `iif(json_type(attrs, ${at}) in ('text', 'integer', 'real'), attrs ->> ${at}, null)`
      const said = `select ${sign}id, status = 'inactive', ${rule.identity === 'name' ? 'name' : text} from ${table}
        where id > @lo and id <= @hi and coalesce(${sources} ->> ${at} in (select value from json_each(@trusted)), 1)`
      const top = Number(db.statement(`select max(id) from ${table}`).pluck().get() ?? 0)
      for (let lo = 0; lo < top; lo += slicePeople) {
        db.statement(`insert into st.said ${said}`).run({ lo, hi: lo + slicePeople, trusted: JSON.stringify(trusted) })
        addKeys(db, rule, index)
        db.exec('delete from st.said')
        yield
      }
    }
  // sorted first: in the order of the identities each would go to another page
  db.exec(`insert or ignore into st.ik select rule, value, identity_id, inactive from st.keys order by rule, value, identity_id;
    drop table st.keys; drop table st.said;
    insert into st.shared select rule, value from st.ik group by rule, value having count(*) > 1`)
  yield
}

const path = (attribute: string): string => `'$.${JSON.stringify(attribute).replaceAll("'", "''")}'`

/** Printable ASCII without blanks around it is evened out by SQLite, which nearly all is; the rest as the model does it. */
const isPlain = `typeof(v) = 'text' and v not glob '*[^ -~]*' and v = trim(v)`

function addKeys(db: Database, rule: CorrelationRule, index: number): void {
  const isEasy = rule.normalize.length === 0
  if (isEasy)
    db.statement(`insert into st.keys select ${index}, ${rule.ignoreCase ? 'lower(v)' : 'v'}, id, inactive from st.said
      where ${isPlain} and v <> '' and v not in (select value from json_each(?))`).run(
      JSON.stringify(rule.ignoreValues),
    )
  const others = db
    .statement(`select id, inactive, v from st.said where v is not null ${isEasy ? `and not (${isPlain})` : ''}`)
    .raw()
    .all() as [number, number, string | number][]
  const add = db.statement('insert into st.keys values (?, ?, ?, ?)')
  for (const [id, inactive, value] of others) {
    const key = evenOut(rule, String(value))
    if (key !== undefined) add.run(index, key, id, inactive)
  }
}
