import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { checkStore } from '../../../src/store/check.ts'
import type { Database } from '../../../src/store/database.ts'
import { project, write } from '../../helpers/project.ts'

const files = {
  'iqtask.config.yaml': 'timeZone: UTC\nguards: { disables: off, grantsAdded: off, grantsRemoved: off }\n',
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv, evidence: { minRows: 1 } }
account: { nativeIdentity: id, attributes: { groups: { multiple: true, split: "|", entitlement: true } } }
`,
  'tasks/ad.yaml': 'kind: TaskDefinition\nname: ad\nexecutor: account-aggregation\narguments: { applications: [ad] }\n',
  'ad.csv': 'id,mail,groups\n1,a@example.com,x\n2,b@example.com,y\n3,c@example.com,\n',
}
const changed = { 'ad.csv': 'id,mail,groups\n1,a@example.com,x|y\n2,b2@example.com,y\n3,c@example.com,\n' }

/** Runs the changed read; `meanwhile` is done when its chunk of changes begins. */
async function runChanged(meanwhile: string) {
  const cwd = project(files)
  const app = await openApp({ cwd, env: {} })
  const { db } = app.store()
  const run = () => app.run({ task: 'ad', trigger: 'manual', set: {} })
  await run()
  write(cwd, changed)
  const checks: unknown[] = []
  let once = false
  const { statement } = db
  ;(db as { statement: Database['statement'] }).statement = (sql) => {
    if (sql.startsWith('update or fail account set shown'))
      checks.push(['foreign_keys', 'ignore_check_constraints'].map((name) => statement(`pragma ${name}`).pluck().get()))
    if (!once && sql.includes('st.gd d where d.op')) {
      once = true
      db.exec(meanwhile)
    }
    return statement(sql)
  }
  const { status, messages, counts } = await run()
  expect(db.statement('pragma foreign_keys').pluck().get()).toBe(1)
  expect(checkStore(app.store(), { quick: false })).toEqual([])
  const mails = db.statement(`select attrs ->> 'mail' from account order by native`).pluck().all()
  const held = db.statement('select count(*) from access').pluck().get()
  await app.close()
  return { status, codes: messages.map(({ code }) => code), changed: counts.changed, checks, mails, held }
}

it('what changes is looked up once a chunk, not row by row', async () => {
  const done = await runChanged('select 1')
  expect(done).toMatchObject({ status: 'success', changed: 2, checks: [[0, 1]], held: 3 })
  expect(done.mails).toEqual(['a@example.com', 'b2@example.com', 'c@example.com'])
})

it.each([
  ['entitlement', 'delete from access where entitlement_id = 2; delete from entitlement where id = 2'],
  ['account', 'delete from access where account_id = 1; delete from account where id = 1'],
])('nothing is written where an %s that it is about was removed meanwhile', async (_, meanwhile) => {
  const done = await runChanged(meanwhile)
  expect(done).toMatchObject({ status: 'error', checks: [], held: 2 })
  expect(done.codes.at(-1)).toBe('IQ3001')
  // what was removed in that transaction is there again with the rest
  expect(done.mails).toEqual(['a@example.com', 'b@example.com', 'c@example.com'])
})
