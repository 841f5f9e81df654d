import type { Database } from '../database.ts'
import { accountImages } from '../images.ts'
import type { Bound } from './bind.ts'
import { type Applied, type Chunk, chunked, type End, type Worked } from './chunk.ts'
import { creation } from './create.ts'
import { buildIndex, dropIndexes } from './indexes.ts'
import { linkAccounts, linkStatements } from './link.ts'
import { refuseRemoved } from './removed-meanwhile.ts'
import { noHash } from './seen.ts'

interface Step {
  readonly name: string
  readonly chunk: Chunk
  readonly end?: End
  /** What it writes needs no look-up of references and conditions. */
  readonly proved?: (bound: Bound) => boolean
}

/** In this order; each chunk runs in one transaction of the caller, with its checkpoint. */
export const applySteps: readonly Step[] = [
  { name: 'index-drop', chunk: withoutIndexes },
  { name: 'catalogue', ...chunked(() => 'select l id from st.m where neu and l > @lo order by l', catalogue) },
  // of a first load everything that a row points at is made by the plan itself, with numbers that the bind reserved
  { name: 'create', ...creation, proved: ({ fresh }) => fresh === 1 },
  {
    name: 'change',
    // in the accounts' order: pages that lie together are read and written once
    ...chunked(
      () => `select account_id id from st.act where kind in ${changing} and account_id > @lo order by account_id`,
      change,
    ),
    // `refuseLost` looks at all of them at once
    proved: () => true,
  },
  { name: 'link', ...chunked(() => linkStatements.rows, linkAccounts) },
  {
    name: 'missing',
    ...chunked(
      () =>
        `select account_id id from st.lost where kind in ('gone', 'missing') and account_id > @lo order by account_id`,
      lost,
    ),
  },
  {
    name: 'remember',
    ...chunked(
      () => `select x.sid id from st.act x where ${remembered} and x.sid > @lo order by x.sid`,
      (db, b, lo, hi) => remember(db, b, `${remembered} and x.sid > @lo and x.sid <= @hi`, { lo, hi }),
    ),
  },
  { name: 'index', chunk: builtIndex },
]

const nothing = { changed: 0, digest: '' }

function withoutIndexes(db: Database, { deferral, own }: Bound, after: number): Applied | undefined {
  if (after > 0 || deferral === 'none') return undefined
  dropIndexes(db, deferral, own === 1)
  return { position: 1, ...nothing }
}

function builtIndex(db: Database, _: Bound, after: number): Applied | undefined {
  return buildIndex(db) === undefined ? undefined : { position: after + 1, ...nothing }
}

function catalogue(db: Database, b: Bound, lo: number, hi: number): Worked {
  const done = db
    .statement(`insert into entitlement(id, application_id, attribute, value, shown, created_run)
      select m.g, @app, e.attribute, e.value, e.shown, @run from st.m m cross join st.e e on e.id = m.l where m.neu and m.l > @lo and m.l <= @hi
      order by m.l`)
    .run({ app: b.applicationId, run: b.run, lo, hi })
  const rows = db
    .statement(
      'select e.attribute, e.value from st.m m cross join st.e e on e.id = m.l where m.neu and m.l > ? and m.l <= ?',
    )
    .raw()
    .all(lo, hi)
  return { changed: done.changes, rows }
}

/*
 * `or fail`: a statement that fails takes its whole transaction with it, so that SQLite need not keep the pages as they were before it.
 */

const changing = `('changed', 'returned', 'renamed', 'seen')`
const changed = `x.kind in ${changing} and x.account_id > @lo and x.account_id <= @hi`
/** Their chunk is the last that touches them. */
const settled = `${changed} and x.sid not in (select sid from st.link)`
const remembered = `x.kind not in ('create', 'replaced') and (x.kind not in ${changing} or x.sid in (select sid from st.link))`

function change(db: Database, b: Bound, lo: number, hi: number): Worked {
  const p = { run: b.run, lo, hi }
  const touched = `select x.account_id from st.act x where ${changed}`
  refuseLost(db, touched, lo, hi)
  db.statement(accountImages(touched)).run(p)
  const done = db
    .statement(`update or fail account set shown = s.shown, display = s.display, use = s.use, flags = s.flags, times = s.times, owner = s.owner,
      state_run = iif(account.state = 'active', account.state_run, @run), state = 'active', keys = s.keys_digest, attrs = s.attrs, hash = s.hash, changed_run = @run
    from (select x.account_id aid, t.* from st.act x cross join st.s t on t.id = x.sid where ${changed} limit -1) s
    where account.id = s.aid`)
    .run(p)
  // every row that is set goes out of its index and in again, also where it stays what it was
  db.statement(`update account set native = s.native, uuid = s.uuid
    from (select x.account_id aid, t.native, t.uuid from st.act x cross join st.s t on t.id = x.sid cross join account a on a.id = x.account_id
      where ${changed} and (a.native <> t.native or a.uuid is not t.uuid) limit -1) s
    where account.id = s.aid`).run({ lo, hi })
  db.statement(
    `update or fail access set until = @run where until is null and (account_id, entitlement_id) in (select account_id, e from st.gd where op = 'end' and account_id in (${touched}))`,
  ).run(p)
  db.statement(
    `insert or fail into access(account_id, entitlement_id, since) select account_id, e, @run from st.gd where op = 'add' and account_id in (${touched})`,
  ).run(p)
  markOwners(db, touched, lo, hi)
  remember(db, b, settled, { lo, hi })
  return { changed: done.changes, rows: imagesOf(db, p, touched) }
}

/** Accounts and entitlements that the changes are about were there when the read was compared. */
function refuseLost(db: Database, touched: string, lo: number, hi: number): void {
  const lost = db
    .statement(`select exists (${touched} and x.account_id not in (select id from account))
      or exists (select 1 from st.gd d where d.op = 'add' and d.account_id in (${touched}) and d.e not in (select id from entitlement))`)
    .pluck()
  if (lost.get({ lo, hi }) === 1) refuseRemoved('an account or an entitlement that changes')
}

function lost(db: Database, b: Bound, lo: number, hi: number): Worked {
  const p = { run: b.run, lo, hi }
  const touched = `select account_id from st.lost where kind in ('gone', 'missing') and account_id > @lo and account_id <= @hi`
  db.statement(accountImages(touched)).run(p)
  const done = db
    .statement(
      `update account set state = (select kind from st.lost where account_id = account.id), state_run = @run, changed_run = @run where id in (${touched})`,
    )
    .run(p)
  db.statement(
    `update or fail access set until = @run where until is null and account_id in (select account_id from st.lost where kind = 'gone' and account_id > @lo and account_id <= @hi)`,
  ).run(p)
  markOwners(db, touched, lo, hi)
  return { changed: done.changes, rows: imagesOf(db, p, touched) }
}

/**
 * What the accounts are now made from, after everything that touched them. Those without an owner are looked at again in every read, and so
 * are those whose row was rejected: it may stand beside the one that they were made from.
 */
function remember(db: Database, b: Bound, chosen: string, range: { lo: number; hi: number }): Worked {
  db.statement(`update or fail account_seen set mac = n.mac
    from (select a.id, iif(s.mac is null or (@ownable and a.identity_id is null) or x.kind = 'reject', ${noHash}, s.mac) mac
      from st.act x cross join st.s s on s.id = x.sid cross join account a on a.id = coalesce(x.account_id,
        (select o.id from account o where o.application_id = @app and o.native = s.native and o.retired = 0))
      where ${chosen} limit -1) n
    where account_id = n.id`).run({ app: b.applicationId, ownable: b.ownable, ...range })
  return { changed: 0, rows: [] }
}

/** Whose accounts changed is looked at by the next refresh. */
function markOwners(db: Database, touched: string, lo: number, hi: number): void {
  db.statement(
    `update or fail identity set marked = 1 where marked = 0 and id in (select identity_id from account where id in (${touched}))`,
  ).run({ lo, hi })
}

function imagesOf(db: Database, p: { run: number; lo: number; hi: number }, touched: string): unknown[] {
  return db
    .statement(
      `select before from change where run = @run and object = 'account' and object_id in (${touched}) order by object_id`,
    )
    .pluck()
    .all(p)
}
