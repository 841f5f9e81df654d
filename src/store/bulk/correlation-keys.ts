import type { CorrelationRule } from '../../model/application.ts'
import { evenOut } from '../../model/normalize.ts'
import { sortInPieces } from '../cache.ts'
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
  // even: 0 not yet, 1 it is, 2 but for its case
  db.exec(`create table st.keys(id integer primary key, rule int not null, value any not null, identity_id int not null, inactive int not null,
      even int) strict;
    create table st.shared(rule int not null, value text not null, primary key(rule, value)) strict, without rowid`)
  for (const [index, rule] of rules.entries())
    for (const { table, sign, sources } of people) {
      const at = path(rule.identity)
      const text = `iif(json_type(attrs, ${at}) in ('text', 'integer', 'real'), attrs ->> ${at}, null)`
      const even = rule.normalize.length > 0 ? '0' : `(${isPlain}) * ${rule.ignoreCase ? 2 : 1}`
      // `limit -1`: what is said is cut out of the JSON once
      const add =
        db.statement(`insert into st.keys(rule, value, identity_id, inactive, even) select ${index}, v, id, inactive, ${even}
        from (select ${sign}id id, status = 'inactive' inactive, ${rule.identity === 'name' ? 'name' : text} v from ${table}
          where id > @lo and id <= @hi and coalesce(${sources} ->> ${at} in (select value from json_each(@trusted)), 1) limit -1)
        where v is not null and v not in (select value from json_each(@ignored))`)
      const top = Number(db.statement(`select max(id) from ${table}`).pluck().get() ?? 0)
      for (let lo = 0; lo < top; lo += slicePeople) {
        const before = Number(db.statement('select max(id) from st.keys').pluck().get() ?? 0)
        const [trust, ignored] = [JSON.stringify(trusted), JSON.stringify(rule.ignoreValues)]
        add.run({ lo, hi: lo + slicePeople, trusted: trust, ignored })
        evenOutRest(db, rule, before)
        yield
      }
    }
  // sorted first: in the order of the identities each would go to another page
  sortInPieces(db, () =>
    db.exec(
      `insert or ignore into st.ik select rule, iif(even = 2, lower(value), value), identity_id, inactive from st.keys order by 1, 2, 3`,
    ),
  )
  db.exec(
    `drop table st.keys; insert into st.shared select rule, value from st.ik group by rule, value having count(*) > 1`,
  )
  yield
}

const path = (attribute: string): string => `'$.${JSON.stringify(attribute).replaceAll("'", "''")}'`

/** ASCII without blanks around it is evened out by SQLite, which nearly all is; the rest as the model does it. */
const isPlain = `typeof(v) = 'text' and octet_length(v) = length(v) and unicode(v) > 32 and unicode(substr(v, -1)) > 32`

function evenOutRest(db: Database, rule: CorrelationRule, after: number): void {
  const rest = db.statement('select id, value from st.keys where id > ? and coalesce(even, 0) = 0').raw().all(after)
  const set = db.statement('update st.keys set value = ? where id = ?')
  const remove = db.statement('delete from st.keys where id = ?')
  for (const [id, value] of rest as [number, string | number][]) {
    const key = evenOut(rule, String(value))
    if (key === undefined) remove.run(id)
    else set.run(key, id)
  }
}
