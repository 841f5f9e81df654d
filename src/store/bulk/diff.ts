import type { Database } from '../database.ts'
import { makePlain } from './plain.ts'
import { slicesOf } from './steps.ts'

export interface DiffOptions {
  /** 0: the application has no row yet, so no accounts either. */
  readonly applicationId: number
  /** ISO time; an account that has been gone since before it comes back as a new one. */
  readonly returnsUntil: string
  readonly missing: MissingDetection | undefined
  /** Unchanged records were left out; the stage knows which accounts were not among them. */
  readonly unseen: boolean
  /** Unknown entitlement values enter the catalogue; otherwise their grants are left out. */
  readonly promote: boolean
  /** Compare the grants of unchanged accounts too, instead of trusting the hash. */
  readonly compareAll: boolean
}

/** How accounts that the read did not show are treated; undefined where nothing may be concluded. */
export interface MissingDetection {
  /** `complete`: they end now. `stable`: they are marked, and end when missing again in another content after the grace time. */
  readonly level: 'complete' | 'stable'
  /** SHA-256 (hex) of what was read. */
  readonly digest: string
  /** ISO time: an account marked by a read before it may end. */
  readonly markedBefore: string
  /** Native identities that are never ended. */
  readonly isProtected: (native: string) => boolean
}

/** Compares the attached stage with the store; writes only into the stage. Join order is fixed by `cross join`: measured. */
export function* diffAccounts(db: Database, options: DiffOptions): Generator<void> {
  const app = options.applicationId
  if (app === 0 && makePlain(db)) {
    yield
    numberValues(db, options)
    return
  }
  db.exec(`insert into st.act select s.id, 'reject', null from
    (select native from st.s group by native having count(*) > 1 union select native from st.rejected) twice cross join st.s s on s.native = twice.native`)
  // two rows with one uuid would be the same account under two names
  if (db.statement('select max(uuids) from st.sealed').pluck().get() !== 0)
    db.statement(`insert or ignore into st.act
      select s.id, 'reject', (select a.id from account a where a.application_id = ? and a.uuid = s.uuid and a.retired = 0) from st.s s
      where s.uuid in (select uuid from st.s where uuid is not null group by uuid having count(*) > 1)`).run(app)
  yield
  if (app === 0)
    db.exec(`insert into st.act select id, 'create', null from st.s where id not in (select sid from st.act)`)
  else yield* classify(db, app, options.returnsUntil)
  db.exec('create index st.act_account on act(account_id) where account_id is not null')
  yield
  if (options.missing !== undefined && app !== 0) findLost(db, app, options.missing, options.unseen)
  yield
  yield* diffGrants(db, options)
}

/**
 * create · same · changed · seen (was marked missing, otherwise the same) · returned (was gone) · renamed (same uuid, other native
 * identity) · replaced (same native identity, but another uuid or gone for too long: a new account).
 */
function* classify(db: Database, app: number, returnsUntil: string): Generator<void> {
  for (const slice of slicesOf(db)) {
    db.statement(`insert into st.act
    select s.id,
      case when u.id is not null and a.id is not null and a.id <> u.id then 'reject'
           when a.id is null and u.id is null then 'create'
           when u.id is null and a.uuid is not null and s.uuid is not null then 'replaced'
           when coalesce(u.state, a.state) = 'gone' then
             iif((select ended_at from task_result r where r.id = coalesce(u.state_run, a.state_run)) < @until, 'replaced', 'returned')
           when u.id is not null and u.native <> s.native then 'renamed'
           when a.hash <> s.hash then 'changed'
           when a.state = 'missing' then 'seen'
           else 'same' end,
      coalesce(u.id, a.id)
    from st.s s
    left join account a on a.application_id = @app and a.native = s.native and a.retired = 0
    left join account u on u.application_id = @app and u.uuid = s.uuid and u.retired = 0
    where s.id > @lo and s.id <= @hi and s.id not in (select sid from st.act)`).run({
      app,
      until: returnsUntil,
      ...slice,
    })
    yield
  }
  // two staged rows with one uuid claim the same account
  db.exec(`update st.act set kind = 'reject' where account_id in
    (select account_id from st.act where account_id is not null group by account_id having count(*) > 1)`)
  yield
  // an id is kept as first written
  db.exec(`update st.s set shown = k.shown from (select x.sid, a.shown from st.act x cross join account a on a.id = x.account_id
    cross join st.s t on t.id = x.sid where x.kind in ('changed', 'returned', 'seen') and a.native = t.native and a.shown is not t.shown) k
    where s.id = k.sid`)
  yield
}

function findLost(db: Database, app: number, missing: MissingDetection, unseen: boolean): void {
  db.statement(`insert into st.lost
    select a.id, case when @level = 'complete' then 'gone'
        when a.state = 'active' then 'missing'
        when exists (select 1 from task_section t where t.run = a.state_run and t.application_id = @app
          and t.read_at <= @before and t.digest <> @digest) then 'gone'
        else 'still' end
    from ${unseen ? 'st.u u cross join account a on a.id = u.account_id' : 'account a'}
    where not exists (select 1 from st.act x where x.account_id = ${unseen ? 'u.account_id' : 'a.id'})
      and a.application_id = @app and a.retired = 0 and a.state <> 'gone'
      and not exists (select 1 from st.s s where s.native = a.native)
      and not exists (select 1 from st.rejected r where r.native = a.native)`).run({
    app,
    level: missing.level,
    before: missing.markedBefore,
    digest: missing.digest,
  })
  const protect = db.statement(`update st.lost set kind = 'protected' where account_id = ?`)
  const lost = db
    .statement('select l.account_id, a.native from st.lost l cross join account a on a.id = l.account_id')
    .raw()
    .all() as [number, string][]
  for (const [id, native] of lost) if (missing.isProtected(native)) protect.run(id)
}

/** Local entitlement numbers to the store's (0: to be made). */
function numberValues(db: Database, { applicationId: app, promote }: DiffOptions): void {
  db.statement(`insert into st.m select e.id, coalesce(x.id, 0), x.id is null from st.e e
    left join entitlement x on x.application_id = ? and x.attribute = e.attribute and x.value = e.value`).run(app)
  if (!promote)
    db.exec(`insert into st.left_out select count(*) from st.g cross join st.m on m.l = g.e where m.neu;
      update st.s set grants = (select json_group_array(j.value) from json_each(grants) j where j.value not in (select l from st.m where neu))
        where exists (select 1 from st.m where neu);
      delete from st.m where neu`)
}

/** Rows whose grants stay in the cache until they are looked at a second time. */
const grantSlice = 5_000

/** What changed accounts gain and lose. */
function* diffGrants(db: Database, options: DiffOptions): Generator<void> {
  numberValues(db, options)
  const { compareAll } = options
  const compared = compareAll
    ? `('changed', 'returned', 'renamed', 'same', 'seen')`
    : `('changed', 'returned', 'renamed')`
  for (const slice of slicesOf(db, grantSlice)) {
    // a value that is not in the catalogue yet goes by its negative local number until the plan is bound
    db.statement(`insert into st.gd select x.account_id, iif(m.neu, -m.l, m.g), 'add'
      from st.act x cross join st.g g on g.a = x.sid cross join st.m m on m.l = g.e
      left join access c on c.account_id = x.account_id and c.entitlement_id = m.g and c.until is null
      where x.sid > @lo and x.sid <= @hi and x.kind in ${compared} and c.account_id is null`).run(slice)
    db.statement(`insert into st.gd select x.account_id, c.entitlement_id, 'end'
      from st.act x cross join access c on c.account_id = x.account_id and c.until is null
      where x.sid > @lo and x.sid <= @hi and x.kind in ${compared} and not exists
        (select 1 from st.g g cross join st.m m on m.l = g.e where g.a = x.sid and m.g = c.entitlement_id)`).run(slice)
    yield
  }
  if (compareAll)
    db.exec(
      `update st.act set kind = 'changed' where kind in ('same', 'seen') and account_id in (select account_id from st.gd)`,
    )
}

/** Rows of native identities that occur more than once in the read, with the lines of the others. */
export function ambiguousRows(db: Database): readonly { line: number; native: string; lines: string | null }[] {
  return db
    .statement(`select s.line, s.native, (select group_concat(o.line, ', ') from st.s o where o.native = s.native and o.id <> s.id) lines
      from st.act x cross join st.s s on s.id = x.sid where x.kind = 'reject' order by s.line`)
    .all() as { line: number; native: string; lines: string | null }[]
}
