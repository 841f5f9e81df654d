import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { aliveAccounts, standingAccounts } from '../../src/store/bulk/alive.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

it('accounts are counted by application, whatever their state, also where it is the only one', async () => {
  const app = await openApp({ cwd: project(smallOrganisation), env: {} })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  const { db, applications } = app.store()
  const number = (sql: string, id: number) => Number(db.statement(sql).pluck().get(id))
  const counts = (name: string) => {
    const id = applications.idOf(name) ?? 0
    expect([aliveAccounts(db, id), standingAccounts(db, id)]).toEqual([
      number(`select count(*) from account where application_id = ? and retired = 0 and state <> 'gone'`, id),
      number('select count(*) from account where application_id = ? and retired = 0', id),
    ])
    return standingAccounts(db, id)
  }
  expect(counts('hr') * counts('ad')).toBeGreaterThan(0)
  db.exec(`update account set state = 'gone' where id in (select min(id) from account group by application_id);
    update account set state = 'gone', retired = id where id in (select max(id) from account group by application_id)`)
  counts('hr')
  counts('ad')
  db.exec(`update account set application_id = (select min(application_id) from account), native = id || native`)
  expect(counts('hr') * counts('ad')).toBe(0)
  await app.close()
})
