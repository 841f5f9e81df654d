import type { Database } from '../database.ts'
import { accountImages } from '../images.ts'
import type { Bound } from './bind.ts'
import type { Worked } from './chunk.ts'

const made = `('create', 'replaced')`
const replaced = `select account_id from st.act where kind = 'replaced' and sid > @lo and sid <= @hi`
// a list of three would be looked up in an index of its own, for every row
const ownLink = `(l.kind = 'created' or l.kind = 'rule' or l.kind = 'moved')`

/** The statements of a chunk of creations; `plain`: every staged row is one. */
export function createStatements(plain: boolean) {
  const isMade = (id: string): string =>
    plain ? '' : `and exists (select 1 from st.act x where x.sid = ${id} and x.kind in ${made})`
  const makes = plain
    ? ''
    : `and (exists (select 1 from st.act x where x.sid = s.id and x.kind in ${made}) or exists (select 1 from st.link l where l.sid = s.id and l.maker = s.id))`
  return {
    rows: `select s.id from st.s s where s.id > @lo ${makes} order by s.id`,
    identities: `insert into identity(id, name, status, application_id, attrs, sources, created_run, changed_run, crc)
      select @ibase + s.id, s.iname, s.istatus, @app, s.iattrs, s.isources, @run, @run, s.icrc from st.link l cross join st.s s on s.id = l.sid
      where l.maker = l.sid and l.sid > @lo and l.sid <= @hi order by l.sid`,
    accounts: `insert into account(id, application_id, native, shown, uuid, display, use, flags, times, owner, state_run, identity_id, link_by, link_rule,
        link_run, keys, attrs, hash, created_run, changed_run)
      select @abase + s.id, @app, s.native, s.shown, s.uuid, s.display, s.use, s.flags, s.times, s.owner, @run,
        iif(l.maker is null, l.identity_id, @ibase + l.maker), case when l.kind = 'created' then 'created' when l.sid is null then 'none' else 'rule' end,
        l.rule, @run, s.keys_digest, s.attrs, s.hash, @run, @run
      from st.s s left join st.link l on l.sid = s.id and ${ownLink} where s.id > @lo and s.id <= @hi ${isMade('s.id')} order by s.id`,
    grants: `insert into access(account_id, entitlement_id, since) select @abase + g.a, m.g, @run from st.g g cross join st.m m on m.l = g.e
      where g.a > @lo and g.a <= @hi ${isMade('g.a')}`,
    freshGrants: `insert into access(account_id, entitlement_id, since) select @abase + g.a, @ebase + g.e, @run from st.g g
      where g.a > @lo and g.a <= @hi`,
    hashes: `insert into account_seen(account_id, application_id, mac)
      select @abase + s.id, @app, iif(s.mac is null or (@ownable and l.sid is null), zeroblob(8), s.mac)
      from st.s s left join st.link l on l.sid = s.id and ${ownLink} where s.id > @lo and s.id <= @hi ${isMade('s.id')} order by s.id`,
    digest: `select group_concat(hex(s.hash)) from st.s s where s.id > @lo and s.id <= @hi ${isMade('s.id')}`,
    mark: `update identity set marked = 1 where marked = 0 and id in
      (select l.identity_id from st.link l where l.sid > @lo and l.sid <= @hi and l.account_id is null and l.kind = 'rule')`,
  }
}

const statements = { plain: createStatements(true), mixed: createStatements(false) }

/** New accounts with their grants and owners, and the identities that are made for them. */
export function createAccounts(db: Database, b: Bound, lo: number, hi: number): Worked {
  const { app, run, abase, ibase } = { app: b.applicationId, run: b.run, abase: b.accountBase, ibase: b.identityBase }
  const sql = b.plain === 1 ? statements.plain : statements.mixed
  db.statement(sql.identities).run({ app, run, ibase, lo, hi })
  if (b.plain !== 1) retire(db, run, lo, hi)
  const done = db.statement(sql.accounts).run({ app, run, abase, ibase, lo, hi })
  if (b.fresh === 1) db.statement(sql.freshGrants).run({ run, abase, ebase: b.entitlementBase, lo, hi })
  else db.statement(sql.grants).run({ run, abase, lo, hi })
  db.statement(sql.hashes).run({ app, abase, ownable: b.ownable, lo, hi })
  db.statement(sql.mark).run({ lo, hi })
  return { changed: done.changes, rows: db.statement(sql.digest).pluck().all({ lo, hi }) }
}

/** Accounts whose place another one takes. */
function retire(db: Database, run: number, lo: number, hi: number): void {
  const p = { run, lo, hi }
  db.statement(accountImages(replaced)).run(p)
  db.statement(`update access set until = @run where until is null and account_id in (${replaced})`).run(p)
  db.statement(
    `update account set retired = id, state = 'gone', state_run = iif(state = 'gone', state_run, @run), changed_run = @run where id in (${replaced})`,
  ).run(p)
}
