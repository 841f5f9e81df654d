import { expect, it } from 'vitest'
import { type App, openApp } from '../../../src/app.ts'
import { checkStore } from '../../../src/store/check.ts'
import type { Database } from '../../../src/store/database.ts'
import { digestOf } from '../../helpers/digest.ts'
import { project, smallOrganisation } from '../../helpers/project.ts'

const files = {
  ...smallOrganisation,
  'tasks/hr.yaml': 'kind: TaskDefinition\nname: hr\nexecutor: account-aggregation\narguments: { applications: [hr] }\n',
  'tasks/ad.yaml': 'kind: TaskDefinition\nname: ad\nexecutor: account-aggregation\narguments: { applications: [ad] }\n',
}
const shuffled = { 'hr.csv': 'id,name,mail,state,start\n3,Cy,,active,\n1,Ada,ada@example.com,active,2020-01-31\n' }
const repeated = { 'hr.csv': `${files['hr.csv']}2,Bo again,,active,\n` }

/** The statements in which the business tables are written, in their order. */
function watch(db: Database, look: (sql: string) => void): void {
  const { statement } = db
  ;(db as { statement: Database['statement'] }).statement = (sql) => {
    look(sql)
    return statement(sql)
  }
}

const run = (app: App, task: string) => app.run({ task, trigger: 'manual', set: {} })

/** `known`: the application is there already, without an account, so that its rows are compared one by one. */
async function load(more: Record<string, string>, known: boolean) {
  const cwd = project({ ...files, ...more })
  const app = await openApp({ cwd, env: {} })
  const { db } = app.store()
  if (known) for (const name of ['hr', 'ad']) app.store().applications.ensure(name)
  const forms = new Set<string>()
  watch(db, (sql) => {
    if (sql.startsWith('insert into account('))
      forms.add(/st\.act/.test(sql) ? 'mixed' : /st\.link/.test(sql) ? 'plain' : 'own')
  })
  const results = []
  for (const task of ['hr', 'ad']) {
    const { planHash, sections } = await run(app, task)
    results.push({ planHash, counts: sections.map(({ counts }) => counts) })
  }
  expect(checkStore(app.store(), { quick: false })).toEqual([])
  await app.close()
  return { results, digest: digestOf(cwd), forms: [...forms] }
}

it.each([
  { of: 'in the order of its keys', more: {}, forms: ['own', 'plain'] },
  { of: 'in another order', more: shuffled, forms: ['own', 'plain'] },
  { of: 'with a key that occurs twice', more: repeated, forms: ['mixed', 'plain'] },
])('a first read $of comes to what comparing row by row comes to', async ({ more, forms }) => {
  const first = await load(more, false)
  const compared = await load(more, true)
  expect(first.forms).toEqual(forms)
  expect(compared.forms).toEqual(['mixed'])
  expect(first.results).toEqual(compared.results)
  expect(first.digest).toEqual(compared.digest)
})

it('looks up no reference while it creates what its own plan proves, and every one afterwards', async () => {
  const app = await openApp({ cwd: project(files), env: {} })
  const { db } = app.store()
  const state = () =>
    ['foreign_keys', 'ignore_check_constraints'].map((name) => db.statement(`pragma ${name}`).pluck().get())
  const seen: unknown[] = []
  watch(db, (sql) => {
    if (sql.startsWith('insert into account(') || sql.startsWith('insert into question(')) seen.push(state())
  })
  await run(app, 'hr')
  await run(app, 'ad')
  await app.close()
  expect(seen).toEqual([
    [0, 1],
    [0, 1],
    [1, 0],
  ])
})

it('does not link an account to somebody who was removed meanwhile', async () => {
  const app = await openApp({ cwd: project(files), env: {} })
  const { db } = app.store()
  await run(app, 'hr')
  let once = false
  watch(db, (sql) => {
    if (once || !sql.startsWith('insert into account(')) return
    once = true
    db.exec(`delete from identity where name = '3'`)
  })
  const { status, messages } = await run(app, 'ad')
  expect({ status, code: messages.map(({ code }) => code).at(-1) }).toEqual({ status: 'error', code: 'IQ3001' })
  expect(db.statement('select count(*) from account where application_id = 2').pluck().get()).toBe(0)
  expect(db.statement('pragma foreign_keys').pluck().get()).toBe(1)
  await app.close()
})
