import type { CorrelationRule } from '../../model/application.ts'
import type { Database } from '../database.ts'
import { searchOwners, searchTables } from './correlation-join.ts'
import { isPlain, makeOwn, makePlainCandidates, plainRows } from './plain.ts'
import { slicesOf } from './steps.ts'
import type { WantedKeys } from './wanted-keys.ts'

export interface CorrelationPlan {
  readonly applicationId: number
  readonly rules: readonly CorrelationRule[]
  readonly sameAs: readonly CorrelationRule[]
  /** The application may create identities in this run. */
  readonly creates: boolean
  /** Narrower: an account is never moved to somebody else without a question. */
  readonly privileged: boolean
  /** Applications whose values may be matched: what another one said of an identity proves nothing. */
  readonly authoritative: readonly string[]
  /** Evaluate every account that no person decided about. */
  readonly recorrelate: boolean
}

/**
 * Domain §4.7, set-based over the attached stage: who belongs to whom. Writes only into the stage. `staged`: what the first rule looks for, where
 * every row is a new account.
 */
export function* correlateStage(db: Database, plan: CorrelationPlan, staged?: WantedKeys): Generator<void> {
  const kept = isPlain(db) ? staged : undefined
  if (kept === undefined) staged?.release()
  if (isPlain(db)) {
    makePlainCandidates(db, plan.creates)
    if (plan.creates && plan.rules.length + plan.sameAs.length === 0 && makeOwn(db)) return
    yield
  } else yield* findCandidates(db, plan)
  if (db.statement('select exists (select 1 from st.cand)').pluck().get() !== 1) return
  // their ids are negative
  db.exec(`insert into st.planned select -id, name from temp.planned_identity; ${searchTables}`)
  const never = neverClause(db)
  for (const [index, rule] of plan.rules.entries())
    yield* decide(db, plan, rule, index, never, index === 0 ? kept : undefined)
  for (const [index, rule] of plan.sameAs.entries()) yield* ask(db, plan, rule, plan.rules.length + index, never)
  if (plan.creates) yield* createRest(db, plan.applicationId, never)
  if (!areAllLinked(db))
    db.exec(
      `insert into st.link(sid, account_id, kind) select sid, account_id, case when owner is null then 'none' when made then 'kept' else 'unconfirmed' end from st.cand
        where ${open}`,
    )
}

const open = 'sid not in (select sid from st.link)'

/** Looking at each of them takes longer than counting. */
function areAllLinked(db: Database): boolean {
  const count = (table: string): number => Number(db.statement(`select count(*) from ${table}`).pluck().get())
  return count('st.link') === (isPlain(db) ? plainRows(db) : count('st.cand'))
}

/** New accounts, those whose key changed, and those without an identity; never what a person decided. */
function* findCandidates(db: Database, plan: CorrelationPlan): Generator<void> {
  const add = db.statement(`insert into st.cand
    select s.id, x.account_id, iif(x.kind = 'replaced', null, a.identity_id),
      s.iname is not null and @creates and (x.kind in ('create', 'replaced') or a.identity_id is null),
      x.kind <> 'replaced' and a.link_by is 'created'
    from st.act x cross join st.s s on s.id = x.sid left join account a on a.id = x.account_id
    where x.sid > @lo and x.sid <= @hi and (x.kind in ('create', 'replaced') or (x.kind <> 'reject' and a.link_by <> 'person'
      and (a.identity_id is null or @all or (x.kind <> 'same' and a.keys is not null and s.keys_digest is not null and a.keys <> s.keys_digest))))`)
  const p = { creates: plan.creates ? 1 : 0, all: plan.recorrelate ? 1 : 0 }
  for (const slice of slicesOf(db)) {
    add.run({ ...p, ...slice })
    yield
  }
}

/** Nobody finds whom a person has ruled out for the account; where nothing was ruled out, nothing is asked. */
function neverClause(db: Database): (identity: string) => string {
  if (db.statement(`select exists (select 1 from decision where kind = 'never')`).pluck().get() !== 1) return () => ''
  return (identity) =>
    `and not exists (select 1 from decision d where d.account_id = c.account_id and d.kind = 'never' and d.identity_id = ${identity})`
}

type Never = ReturnType<typeof neverClause>

/** The set-wise twin of `model/correlation.ts`; the search has linked those of which it is plain. */
function* decide(
  db: Database,
  plan: CorrelationPlan,
  rule: CorrelationRule,
  index: number,
  never: Never,
  staged: WantedKeys | undefined,
): Generator<void> {
  const search = {
    rule,
    index,
    trusted: plan.authoritative,
    asked: index === 0 ? 'true' : `c.${open} and c.sid not in (select sid from st.ended)`,
    // of a new account nobody has decided anything, and it cannot be moved
    settled: 'c.account_id is null',
  }
  yield* searchOwners(db, search, staged)
  const p = { rule: index + 1, decisive: rule.decisive ? 1 : 0, privileged: plan.privileged ? 1 : 0 }
  const key = `s.keys ->> ${index}`
  const into = `insert into st.link(sid, account_id, kind, rule, identity_id, code, candidates, value)
    select sid, account_id, kind, @rule, iif(kind in ('rule', 'moved'), one, null),
      case kind when 'ambiguous' then 'IQ2201' when 'decisive' then 'IQ2202' when 'inactive' then 'IQ2203' when 'movedAsk' then 'IQ2206' end,
      iif(kind in ('rule', 'moved'), null, ids), iif(kind in ('rule', 'moved'), null, value)`
  const foundOne = `case when one is owner then 'rule'
    when inactive and not @decisive then 'inactive'
    when owner is null then 'rule'
    when @privileged then 'movedAsk' else 'moved' end`
  // nearly every key is that of one identity: these need no counting
  const single = db.statement(`${into}
    from (select sid, account_id, one, ids, value, ${foundOne} kind
      from (select c.sid, c.account_id, c.owner, k.identity_id one, k.inactive, '[' || k.identity_id || ']' ids, k.value
        from ${rest} cross join st.ik k on k.value = ${key} ${never('k.identity_id')}
        where ${slice} and not exists (select 1 from st.shared h where h.value = k.value)))`)
  const others = db.statement(`${into}
    from (select sid, account_id, one, ids, value,
        case when found > 1 then 'ambiguous' when found = 1 then ${foundOne}
          when @decisive and not creates then case when owner is null then 'decisive' when made then 'kept' else 'unconfirmed' end end kind
      from (select c.sid, c.account_id, c.owner, c.creates, c.made, count(k.identity_id) found, max(k.identity_id) one, max(k.inactive) inactive,
          json_group_array(k.identity_id) ids, ${key} value
        from ${rest} left join st.ik k on k.value = ${key} ${never('k.identity_id')}
        where ${slice} and c.${open}
        group by c.sid))
    where kind is not null`)
  for (const rows of restSlices(db)) {
    single.run({ ...p, ...rows })
    others.run({ ...p, ...rows })
    yield
  }
  if (!rule.decisive) return
  // the search ends here for a creating application too: later rules are not asked
  db.exec(`insert or ignore into st.ended select c.sid from ${rest} where c.creates and c.${open}`)
}

const rest = 'st.rest r cross join st.cand c on c.sid = r.sid cross join st.s s on s.id = r.sid'
const slice = 'r.sid > @lo and r.sid <= @hi'

/** Where the search left nothing to be decided, there is nothing to be asked. */
function* restSlices(db: Database): ReturnType<typeof slicesOf> {
  if (db.statement('select exists (select 1 from st.rest)').pluck().get() === 1) yield* slicesOf(db)
}

/** Before an identity is created: whoever this may be is named in a question instead. */
function* ask(
  db: Database,
  plan: CorrelationPlan,
  rule: CorrelationRule,
  index: number,
  never: Never,
): Generator<void> {
  const asked = `c.creates and c.${open}`
  yield* searchOwners(db, { rule, index, trusted: plan.authoritative, asked, settled: 'false' })
  const add = db.statement(`insert into st.link(sid, account_id, kind, rule, code, candidates, value)
    select c.sid, c.account_id, 'sameAs', @rule, 'IQ2205', json_group_array(k.identity_id), k.value
    from ${rest} join st.ik k on k.value = s.keys ->> ${index} ${never('k.identity_id')}
    where ${slice} group by c.sid`)
  for (const rows of restSlices(db)) {
    add.run({ rule: index + 1, ...rows })
    yield
  }
}

/** Nobody found: a new identity, one for each name; an existing name of the same application is linked, from elsewhere an error. */
function* createRest(db: Database, applicationId: number, never: Never): Generator<void> {
  // native identities occur once; where every name is one, so does every name
  const unique =
    db
      .statement(
        'select not exists (select 1 from st.cand c cross join st.s s on s.id = c.sid where c.creates and s.iname is not s.native)',
      )
      .pluck()
      .get() === 1
  db.statement(`insert into st.link(sid, account_id, kind, identity_id, maker, code)
    select c.sid, c.account_id, iif(s.ierror is not null or (i.id is not null and i.application_id is not @app), 'error', 'created'),
      iif(s.ierror is null and i.application_id is @app, i.id, null), iif(@unique and s.ierror is null and i.id is null, c.sid, null), iif(s.ierror is not null or (i.id is not null and i.application_id is not @app), 'IQ2204', null)
    from st.cand c cross join st.s s on s.id = c.sid left join identity i on i.name = s.iname
    where c.creates and c.sid not in (select sid from st.link) ${never('i.id')}`).run({
    app: applicationId,
    unique: unique ? 1 : 0,
  })
  yield
  if (unique) return
  db.exec(`create table st.maker(name text primary key, sid int not null) strict, without rowid;
    insert into st.maker select s.iname, min(l.sid) from st.link l cross join st.s s on s.id = l.sid where l.kind = 'created' and l.identity_id is null group by 1`)
  yield
  for (const slice of slicesOf(db)) {
    db.statement(`update st.link set maker = (select k.sid from st.s mine join st.maker k on k.name = mine.iname where mine.id = link.sid)
      where sid > @lo and sid <= @hi and kind = 'created' and identity_id is null`).run(slice)
    yield
  }
}
