import type { Database } from '../database.ts'
import { accountImages } from '../images.ts'
import type { Bound } from './bind.ts'
import { cutBy, type End, endOf, type Worked } from './chunk.ts'
import { plainRows } from './plain.ts'
import { refuseRemoved } from './removed-meanwhile.ts'
import { noHash } from './seen.ts'

const made = `('create', 'replaced')`
const replaced = `select account_id from st.act where kind = 'replaced' and sid > @lo and sid <= @hi`
// a list of three would be looked up in an index of its own, for every row
const ownLink = `(l.kind = 'created' or l.kind = 'rule' or l.kind = 'moved')`
const range = 's.id > @lo and s.id <= @hi'

/** `plain`: every staged row is a new account; `own`: each makes the identity that owns it, too. */
type CreateForm = 'mixed' | 'plain' | 'own'

/** The statements of a chunk of creations. */
function createStatements(form: CreateForm) {
  const own = form === 'own'
  const isMade = (id: string): string =>
    form === 'mixed' ? `and exists (select 1 from st.act x where x.sid = ${id} and x.kind in ${made})` : ''
  const rows = own ? 'st.s s' : `st.s s left join st.link l on l.sid = s.id and ${ownLink}`
  const owner = own
    ? `@ibase + s.id, 'created', null`
    : `iif(l.maker is null, l.identity_id, @ibase + l.maker), case when l.kind = 'created' then 'created' when l.sid is null then 'none' else 'rule' end, l.rule`
  const makers = own
    ? `st.s s where ${range} order by s.id`
    : 'st.link l cross join st.s s on s.id = l.sid where l.maker = l.sid and l.sid > @lo and l.sid <= @hi order by l.sid'
  return {
    rows: `select s.id from st.s s where s.id > @lo and (exists (select 1 from st.act x where x.sid = s.id and x.kind in ${made})
      or exists (select 1 from st.link l where l.sid = s.id and l.maker = s.id)) order by s.id`,
    identities: `insert into identity(id, name, status, application_id, attrs, sources, created_run, changed_run, crc)
      select @ibase + s.id, s.iname, s.istatus, @app, s.iattrs, s.isources, @run, @run, s.icrc from ${makers}`,
    accounts: `insert into account(id, application_id, native, shown, uuid, display, use, flags, times, owner, state_run, identity_id, link_by, link_rule,
        link_run, keys, attrs, hash, created_run, changed_run)
      select @abase + s.id, @app, s.native, s.shown, s.uuid, s.display, s.use, s.flags, s.times, s.owner, @run, ${owner}, @run, s.keys_digest,
        s.attrs, s.hash, @run, @run
      from ${rows} where ${range} ${isMade('s.id')} order by s.id`,
    grants: `insert into access(account_id, entitlement_id, since) select @abase + g.a, m.g, @run from st.g g cross join st.m m on m.l = g.e
      where g.a > @lo and g.a <= @hi ${isMade('g.a')}`,
    freshGrants: `insert into access(account_id, entitlement_id, since) select @abase + g.a, @ebase + g.e, @run from st.g g
      where g.a > @lo and g.a <= @hi`,
    hashes: `insert into account_seen(account_id, application_id, mac)
      select @abase + s.id, @app, iif(s.mac is null ${own ? '' : 'or (@ownable and l.sid is null)'}, ${noHash}, s.mac)
      from ${rows} where ${range} ${isMade('s.id')} order by s.id`,
    digest: `select cast(group_concat(s.hash, '') as blob) from st.s s where ${range} ${isMade('s.id')}`,
    found: `st.link l left join identity i on i.id = l.identity_id
      where l.sid > @lo and l.sid <= @hi and l.account_id is null and l.kind = 'rule'`,
  }
}

const statements = {
  mixed: createStatements('mixed'),
  plain: createStatements('plain'),
  own: createStatements('own'),
} as const

const formOf = ({ plain, own }: Bound): CreateForm => (plain !== 1 ? 'mixed' : own !== 1 ? 'plain' : 'own')

const mixedEnd = endOf(() => statements.mixed.rows)

const plainEnd: End = (db, _, lo, size) => {
  const top = plainRows(db)
  return top > lo ? Math.min(top, lo + size) : undefined
}

/** New accounts with their grants and owners, and the identities that are made for them. */
export const creation = cutBy(
  (db, bound, lo, size) => (bound.plain === 1 ? plainEnd : mixedEnd)(db, bound, lo, size),
  createAccounts,
)

function createAccounts(db: Database, b: Bound, lo: number, hi: number): Worked {
  const { app, run, abase, ibase } = { app: b.applicationId, run: b.run, abase: b.accountBase, ibase: b.identityBase }
  const form = formOf(b)
  const sql = statements[form]
  db.statement(sql.identities).run({ app, run, ibase, lo, hi })
  if (form === 'mixed') retire(db, run, lo, hi)
  const done = db.statement(sql.accounts).run({ app, run, abase, ibase, lo, hi })
  if (b.fresh === 1) db.statement(sql.freshGrants).run({ run, abase, ebase: b.entitlementBase, lo, hi })
  else db.statement(sql.grants).run({ run, abase, lo, hi })
  if (form === 'own') db.statement(sql.hashes).run({ app, abase, lo, hi })
  else db.statement(sql.hashes).run({ app, abase, ownable: b.ownable, lo, hi })
  if (form !== 'own') markFound(db, b, sql.found, lo, hi)
  return { changed: done.changes, rows: db.statement(sql.digest).pluck().get({ lo, hi }) as Buffer }
}

/** Identities that rules found: the next refresh looks at them. */
function markFound(db: Database, { fresh }: Bound, found: string, lo: number, hi: number): void {
  const state = db.statement(`select max(i.id is null) lost, max(i.marked = 0) open from ${found}`)
  const { lost, open } = state.get({ lo, hi }) as { lost: number | null; open: number | null }
  if (open === 1)
    db.statement(`update identity set marked = 1 where id in (select i.id from ${found} and i.marked = 0)`).run({
      lo,
      hi,
    })
  // references are not looked up in such a load, and of all that rows point at only these were there before
  if (fresh === 1 && lost === 1) refuseRemoved('an identity that accounts belong to')
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
