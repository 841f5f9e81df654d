import type { Database } from '../database.ts'
import { accountImages } from '../images.ts'
import type { Bound } from './bind.ts'
import type { Worked } from './chunk.ts'

const range = 'l.sid > @lo and l.sid <= @hi'
// a replaced account is a new one: the link is that of the new row
const isReplaced = `(select kind from st.act x where x.sid = l.sid) is 'replaced'`
const fresh = `iif(l.account_id is null or ${isReplaced}, @abase + l.sid, l.account_id)`
const owner = 'iif(l.maker is null, l.identity_id, @ibase + l.maker)'
const asked = `('ambiguous', 'decisive', 'inactive', 'sameAs', 'movedAsk')`

/** New accounts got their owner when they were made: what is left are those that were there, and the open questions. */
export const linkStatements = {
  rows: `select l.sid id from st.link l where l.sid > @lo and (l.account_id is not null or l.code is not null) order by l.sid`,
  // who it belonged to before; an account changed in this run has its image
  images: accountImages(
    `select l.account_id from st.link l where l.account_id is not null and l.kind in ('rule', 'created', 'moved', 'unconfirmed') and ${range} and not ${isReplaced}`,
  ),
  owners: `update account set identity_id = n.owner, link_by = n.kind, link_rule = n.rule, unconfirmed = 0,
      link_run = iif(account.identity_id is n.owner, account.link_run, @run), changed_run = @run
    from (select l.account_id id, ${owner} owner, iif(l.kind = 'moved', 'rule', l.kind) kind, l.rule from st.link l
      where l.account_id is not null and l.kind in ('rule', 'created', 'moved') and ${range} and not ${isReplaced} limit -1) n
    where account.id = n.id and (account.identity_id is not n.owner or account.unconfirmed = 1)`,
  unsure: `update account set unconfirmed = 1, changed_run = @run where unconfirmed = 0 and id in
    (select l.account_id from st.link l where l.kind = 'unconfirmed' and ${range})`,
  marks: `update identity set marked = 1 where marked = 0 and id in (select ${owner} from st.link l where l.kind in ('rule', 'moved') and ${range})`,
  answered: `delete from question where account_id in (select ${fresh} from st.link l where ${range}) and account_id not in
    (select ${fresh} from st.link l where l.code is not null and l.kind <> 'error' and ${range})`,
  questions: `insert into question(account_id, kind, code, rule, value, candidates, since)
    select ${fresh}, iif(l.kind = 'movedAsk', 'moved', l.kind), l.code, l.rule, l.value, coalesce(l.candidates, '[]'), @run from st.link l
    where l.kind in ${asked} and ${range}
    on conflict do update set kind = excluded.kind, code = excluded.code, rule = excluded.rule, value = excluded.value, candidates = excluded.candidates`,
  digest: `select s.native, l.kind, l.rule, coalesce(i.name, m.iname) from st.link l cross join st.s s on s.id = l.sid
    left join identity i on i.id = l.identity_id left join st.s m on m.id = l.maker
    where ${range} and (l.account_id is not null or l.code is not null) order by l.sid`,
} as const

export function linkAccounts(db: Database, b: Bound, lo: number, hi: number): Worked {
  const { run, accountBase: abase, identityBase: ibase } = b
  const sql = linkStatements
  db.statement(sql.images).run({ run, lo, hi })
  const done = db.statement(sql.owners).run({ run, ibase, lo, hi })
  const unsure = db.statement(sql.unsure).run({ run, lo, hi })
  db.statement(sql.marks).run({ ibase, lo, hi })
  db.statement(sql.answered).run({ abase, lo, hi })
  db.statement(sql.questions).run({ run, abase, lo, hi })
  return { changed: done.changes + unsure.changes, rows: db.statement(sql.digest).raw().all({ lo, hi }) }
}
