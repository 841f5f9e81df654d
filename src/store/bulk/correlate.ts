import type { CorrelationRule } from '../../model/application.ts'
import { evenOut } from '../../model/normalize.ts'
import type { Database } from '../database.ts'

export interface CorrelationPlan {
  readonly applicationId: number
  readonly rules: readonly CorrelationRule[]
  readonly sameAs: readonly CorrelationRule[]
  /** The application may create identities in this run. */
  readonly creates: boolean
  /** Evaluate every account that no person decided about. */
  readonly recorrelate: boolean
  /** Identities that earlier sections of a dry run would make; their ids are negative. */
  readonly planned: readonly PlannedIdentity[]
}

export interface PlannedIdentity {
  readonly name: string
  readonly status: string
  readonly attrs: string
}

/** Domain §4.7, set-based over the attached stage: who belongs to whom. Writes only into the stage. */
export function correlateStage(db: Database, plan: CorrelationPlan): void {
  db.exec('begin')
  try {
    findCandidates(db, plan)
    if (db.statement('select exists (select 1 from st.cand)').pluck().get() === 1) {
      const all = [...plan.rules, ...plan.sameAs]
      loadKeys(db, all, plan.planned)
      for (const [index, rule] of all.entries()) decide(db, rule, index, index >= plan.rules.length)
      if (plan.creates) createRest(db, plan.applicationId)
      db.exec(
        `insert into st.link(sid, account_id, kind) select sid, account_id, 'none' from st.cand where sid not in (select sid from st.link)`,
      )
    }
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

/** New accounts, those whose key changed, and those without an identity; never what a person decided. */
function findCandidates(db: Database, plan: CorrelationPlan): void {
  db.statement(`insert into st.cand
    select s.id, x.account_id, s.iname is not null and ?
    from st.act x cross join st.s s on s.id = x.sid left join account a on a.id = x.account_id
    where x.kind in ('create', 'replaced') or (x.kind <> 'reject' and a.link_by <> 'person'
      and (a.identity_id is null or ? or (x.kind <> 'same' and a.keys is not null and s.keys_digest is not null and a.keys <> s.keys_digest)))`).run(
    plan.creates ? 1 : 0,
    plan.recorrelate ? 1 : 0,
  )
}

/** What each rule may find: the identities' values, evened out as the rule says. */
function loadKeys(db: Database, rules: readonly CorrelationRule[], planned: readonly PlannedIdentity[]): void {
  const add = db.statement('insert or ignore into st.ik values (?, ?, ?, ?)')
  const put = (id: number, name: string, status: string, attrs: string): void => {
    const values = JSON.parse(attrs) as Record<string, unknown>
    rules.forEach((rule, index) => {
      const value = rule.identity === 'name' ? name : values[rule.identity]
      const key = typeof value === 'string' || typeof value === 'number' ? evenOut(rule, String(value)) : undefined
      if (key !== undefined) add.run(index, key, id, status === 'inactive' ? 1 : 0)
    })
  }
  // in pages: a connection that is still reading cannot write
  const page = db.statement('select id, name, status, attrs from identity where id > ? order by id limit 5000').raw()
  let rows: [number, string, string, string][] = []
  do {
    rows = page.all(rows.at(-1)?.[0] ?? 0) as typeof rows
    for (const row of rows) put(...row)
  } while (rows.length > 0)
  const remember = db.statement('insert into st.planned values (?, ?)')
  for (const [index, identity] of planned.entries()) {
    remember.run(-1 - index, identity.name)
    put(-1 - index, identity.name, identity.status, identity.attrs)
  }
}

function decide(db: Database, rule: CorrelationRule, index: number, sameAs: boolean): void {
  const kinds = sameAs
    ? `case when count(k.identity_id) > 0 then 'sameAs' end`
    : `case when count(k.identity_id) > 1 then 'ambiguous' when count(k.identity_id) = 1 then iif(max(k.inactive) and not @decisive, 'inactive', 'rule')
        when @decisive and not c.creates then 'decisive' end`
  const code = sameAs
    ? `'IQ2205'`
    : `iif(count(k.identity_id) > 1, 'IQ2201', iif(count(k.identity_id) = 0, 'IQ2202', iif(max(k.inactive) and not @decisive, 'IQ2203', null)))`
  db.statement(`insert into st.link(sid, account_id, kind, rule, identity_id, code, candidates, value)
    select sid, account_id, kind, @rule, iif(kind = 'rule', one, null), code, ids, value from (
      select c.sid, c.account_id, ${kinds} kind, max(k.identity_id) one, ${code} code, json_group_array(k.identity_id) ids, v.value
      from st.cand c cross join st.s s on s.id = c.sid
        join json_each(s.keys) v on v.key = @index and v.value is not null
        left join st.ik k on k.rule = @index and k.value = v.value
      where c.sid not in (select sid from st.link) and ${sameAs ? 'c.creates' : 'c.sid not in (select sid from st.ended)'}
      group by c.sid) where kind is not null`).run({ rule: index + 1, index, decisive: rule.decisive ? 1 : 0 })
  if (sameAs || !rule.decisive) return
  // the search ends here for a creating application too: later rules are not asked
  db.statement(`insert or ignore into st.ended select c.sid from st.cand c cross join st.s s on s.id = c.sid
    where c.creates and c.sid not in (select sid from st.link) and json_extract(s.keys, '$[' || ? || ']') is not null`).run(
    index,
  )
}

/** Nobody found: a new identity, one for each name; an existing name of the same application is linked, from elsewhere an error. */
function createRest(db: Database, applicationId: number): void {
  db.statement(`insert into st.link(sid, account_id, kind, identity_id, code)
    select c.sid, c.account_id, iif(s.ierror is not null or (i.id is not null and i.application_id is not @app), 'error', 'created'),
      iif(s.ierror is null and i.application_id is @app, i.id, null), iif(s.ierror is not null or (i.id is not null and i.application_id is not @app), 'IQ2204', null)
    from st.cand c cross join st.s s on s.id = c.sid left join identity i on i.name = s.iname
    where c.creates and c.sid not in (select sid from st.link)`).run({ app: applicationId })
  db.exec(`create table st.maker(name text primary key, sid int not null) strict, without rowid;
    insert into st.maker select s.iname, min(l.sid) from st.link l cross join st.s s on s.id = l.sid where l.kind = 'created' and l.identity_id is null group by 1;
    update st.link set maker = (select k.sid from st.s mine join st.maker k on k.name = mine.iname where mine.id = link.sid)
    where kind = 'created' and identity_id is null`)
}
