import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** SHA-256 over accounts, grants, identities and questions as they are, without numbers of rows and runs. */
export function digestOf(cwd: string, store = 'var/iqtask.db'): string {
  const db = new Sqlite(join(cwd, store), { readonly: true })
  const hash = createHash('sha256')
  for (const sql of [
    `select p.name, a.native, a.retired > 0, a.shown, a.uuid, a.display, a.use, a.flags, a.times, a.owner, a.state, i.name, a.link_by, a.link_rule,
       a.unconfirmed, a.attrs, hex(a.hash) from account a join application p on p.id = a.application_id left join identity i on i.id = a.identity_id
       order by 1, 2, 3, a.id`,
    'select i.name, i.type, i.status, m.name, i.attrs, i.sources, i.frozen from identity i left join identity m on m.id = i.manager_id order by 1',
    `select p.name, a.native, e.attribute, e.value, count(*), sum(c.until is null) from access c join account a on a.id = c.account_id
       join entitlement e on e.id = c.entitlement_id join application p on p.id = a.application_id group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
    'select p.name, e.attribute, e.value, e.shown, e.state from entitlement e join application p on p.id = e.application_id order by 1, 2, 3',
    'select a.native, q.kind, q.code, q.rule, q.value from question q join account a on a.id = q.account_id order by 1',
  ])
    for (const row of db.prepare(sql).raw().iterate()) hash.update(JSON.stringify(row))
  db.close()
  return hash.digest('hex')
}
