import { type PlanChange, unitOf } from '../../model/plan-change.ts'
import type { Database } from '../database.ts'
import { spellOut } from './plain.ts'

/**
 * Takes changes out of the attached plan, each with its whole record: what is left is a plan as if the source had not said it. A row that
 * is left out is treated like a rejected one: its account stays as it is and is not missing.
 */
export function leaveOut(
  db: Database,
  application: string,
  changes: Iterable<PlanChange>,
  unwanted: (change: PlanChange) => boolean,
): void {
  const units = new Set<string>()
  for (const change of changes) if (unwanted(change)) units.add(unitOf(change))
  db.exec('begin')
  try {
    spellOut(db)
    db.exec(
      'create table if not exists st.unwanted(unit text not null, key text not null, primary key(unit, key)) strict, without rowid',
    )
    db.exec('delete from st.unwanted')
    const add = db.statement('insert into st.unwanted values (?, ?)')
    for (const unit of units) {
      const space = unit.indexOf(' ')
      const key = unit.slice(space + 1)
      const kind = unit.slice(0, space)
      add.run(kind, kind === 'identity' ? key : key.slice(application.length + 1))
    }
    records(db)
    links(db)
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

const keysOf = (unit: string): string => `(select key from st.unwanted where unit = '${unit}')`

function records(db: Database): void {
  const rows = `select s.id from st.s s where coalesce(s.shown, s.native) in ${keysOf('account')}`
  // an account that is the same can have an owner to be changed, and nothing else
  const left = `select sid from st.act where sid in (${rows}) and kind <> 'same'`
  db.exec(`delete from st.gd where account_id in (select account_id from st.act where sid in (${left}));
    delete from st.link where sid in (${left});
    update st.act set kind = 'reject' where sid in (${left});
    update st.lost set kind = 'still' where kind in ('gone', 'missing') and account_id in
      (select a.id from st.lost l cross join account a on a.id = l.account_id where coalesce(a.shown, a.native) in ${keysOf('account')})`)
}

/** Owners, also of identities that are not made; whoever else names such an identity makes it instead. */
function links(db: Database): void {
  db.exec(`delete from st.link where maker in (select s.id from st.s s where s.iname in ${keysOf('identity')});
    delete from st.link where kind in ('rule', 'created', 'moved')
      and sid in (select s.id from st.s s where coalesce(s.shown, s.native) in ${keysOf('link')});
    update st.link set maker = (select min(o.sid) from st.link o where o.maker = link.maker) where maker is not null`)
}
