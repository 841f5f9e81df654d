import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { digestOf } from '../../helpers/digest.ts'
import { project, write } from '../../helpers/project.ts'

const off = [
  'deletes',
  'disables',
  'grantsRemoved',
  'ownersChanged',
  'identitiesCreated',
  'accountsEnabled',
  'grantsAdded',
  'emptySource',
  'shrunkenSource',
  'emptiedAttribute',
  'otherSource',
]
const files = {
  'iqtask.config.yaml': `timeZone: UTC
guards: { ${off.map((name) => `${name}: off`).join(', ')} }
identity:
  name: hr.id
  attributes: { mail: { from: [hr.mail] } }
`,
  'applications/hr.yaml': `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv, evidence: { minRows: 0 } }
account: { nativeIdentity: id }
`,
  'hr.csv': 'id,mail\n1,m1\n2,m2\n3,m3\n',
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv, evidence: { minRows: 0 } }
account:
  nativeIdentity: login
  uuid: guid
  attributes:
    day: { type: date }
    groups: { multiple: true, split: "|", entitlement: true }
correlation:
  - { account: mail, identity: mail }
`,
  'tasks/t.yaml':
    'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr, ad] }\nlossLimit: 2\nmaxErrors: 1000\n',
}

const row = fc.record({
  login: fc.constantFrom('a', 'b', 'c', 'd', ''),
  guid: fc.constantFrom('', 'g1', 'g2', 'g3'),
  mail: fc.constantFrom('', 'm1', 'm2', 'm9'),
  day: fc.constantFrom('2020-01-01', '2020-02-02', 'never'),
  groups: fc.constantFrom('', 'x', 'x|y', '"y|x"'),
})
const line = (r: Record<string, string>): string => `${r.login},${r.guid},${r.mail},${r.day},${r.groups}\n`
/** Rows of one read; later reads keep some of the lines as they are. */
const reads = fc.array(fc.array(row, { maxLength: 6 }), { minLength: 2, maxLength: 4 })
const kept = fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { minLength: 4, maxLength: 4 })

it('a read that leaves unchanged records out comes to what a read of everything comes to', async () => {
  await fc.assert(
    fc.asyncProperty(reads, kept, async (given, keep) => {
      const nights: string[] = []
      let before: string[] = []
      for (const [n, rows] of given.entries()) {
        before = [...before.filter((_, i) => keep[n]?.[i % 6] === true), ...rows.map(line)]
        const text = `login,guid,mail,day,groups\n${before.join('')}`
        // every other file is byte for byte the one before
        nights.push(text, text)
      }
      const told: unknown[][] = []
      for (const optimizeReaggregation of ['true', 'false']) {
        const cwd = project(files)
        const app = await openApp({ cwd, env: {} })
        const said: unknown[] = []
        for (const [night, text] of nights.entries()) {
          // an identity that comes later is found by accounts that did not change
          if (night === 2) write(cwd, { 'hr.csv': `${files['hr.csv']}9,m9\n` })
          write(cwd, { 'ad.csv': text })
          const { status, counts, id } = await app.run({ task: 't', trigger: 'manual', set: { optimizeReaggregation } })
          const rejects = app
            .store()
            .db.statement(
              'select code, reason, line, native from reject where run = (select id from task_result where result_id = ?) order by line, code, reason',
            )
          said.push({ status, counts, rejects: rejects.all(id) })
        }
        await app.close()
        told.push([...said, digestOf(cwd)])
      }
      expect(told[0]).toEqual(told[1])
    }),
    { numRuns: 5 },
  )
}, 120_000)

it('an account that something else changed is looked at again, and is as the source says', async () => {
  const cwd = project({ ...files, 'ad.csv': 'login,guid,mail,day,groups\na,,m1,2020-01-01,x|y\nb,,m2,2020-01-01,y\n' })
  const app = await openApp({ cwd, env: {} })
  const run = () => app.run({ task: 't', trigger: 'manual', set: { applications: 'ad' } })
  await app.run({ task: 't', trigger: 'manual', set: {} })
  const { db } = app.store()
  const zeros = () => db.statement('select count(*) from account_seen where mac = zeroblob(8)').pluck().get()
  expect(zeros()).toBe(0)
  expect((await run()).counts).toMatchObject({ read: 2, unchanged: 2, changed: 0 })
  for (const change of [
    `update account set attrs = '{}', hash = x'00' where native = 'a'`,
    `update access set until = 1 where account_id = (select id from account where native = 'a')`,
    `delete from access where account_id = (select id from account where native = 'a')`,
  ]) {
    const before = digestOf(cwd)
    db.exec(change)
    expect(zeros(), change).toBe(1)
    expect(digestOf(cwd), change).not.toBe(before)
    await app.run({ task: 't', trigger: 'manual', set: { applications: 'ad', optimizeReaggregation: 'false' } })
    expect(zeros(), change).toBe(0)
  }
  await app.close()
})

it('a source that is byte for byte what it was is not read, unless an account was touched or its proof lies elsewhere', async () => {
  const cwd = project({ ...files, 'ad.csv': 'login,guid,mail,day,groups\na,,m1,2020-01-01,x|y\nb,,m2,2020-01-01,y\n' })
  const app = await openApp({ cwd, env: {} })
  await app.run({ task: 't', trigger: 'manual', set: {} })
  const { accountPlans, applications, db } = app.store()
  let taken = 0
  const { allSeen } = accountPlans
  Object.assign(accountPlans, {
    allSeen: (...given: Parameters<typeof allSeen>) => {
      const table = allSeen(...given)
      if (table !== undefined) taken++
      return table
    },
  })
  const run = async () => (await app.run({ task: 't', trigger: 'manual', set: { applications: 'ad' } })).counts
  const id = Number(applications.idOf('ad'))
  expect(applications.lastRead(id)).toMatchObject({ rows: 2, evidence: { level: 'complete' } })
  expect(await run()).toMatchObject({ read: 2, unchanged: 2, correlated: 2, missing: 0 })
  expect(taken).toBe(1)
  // however many rows the last read is said to have had
  for (const rows of [undefined, 0, 1, 1000]) {
    const { slots } = accountPlans.seen(id, 'any', rows).slots
    expect(slots.filter((number, at) => at % 2 === 0 && number !== 0)).toHaveLength(2)
  }
  const walk = `explain query plan select account_id from account_seen where application_id = ? and mac = x'0000000000000000'`
  expect(db.statement(walk).all(id)).toMatchObject([{ detail: expect.stringContaining('account_seen_again') }])
  db.exec(`update account set attrs = '{}', hash = x'00' where native = 'a'`)
  expect(await run()).toMatchObject({ read: 2, unchanged: 1, changed: 1 })
  expect(taken).toBe(1)
  expect(await run()).toMatchObject({ read: 2, unchanged: 2 })
  expect(taken).toBe(2)
  write(cwd, { 'ad.csv': 'login,guid,mail,day,groups\na,,m1,2020-01-01,x|y\n' })
  // next to the table of what is known the store keeps few pages, and more of them for what is compared and changed
  const { exec } = db
  const pages: unknown[] = []
  Object.assign(db, {
    exec(sql: string) {
      exec(sql)
      if (/^pragma cache_size/.test(sql)) pages.push(db.statement('pragma main.cache_size').pluck().get())
    },
  })
  expect(await run()).toMatchObject({ read: 1, unchanged: 1, gone: 1 })
  expect(pages).toEqual([-2048, -49152, -24576])
  expect(await run()).toMatchObject({ read: 1, unchanged: 1, gone: 0 })
  await app.close()
})

it('a few accounts among many are found by what was not seen: changed, absent, touched', async () => {
  const rows = (changed: boolean): string =>
    Array.from({ length: 60 }, (_, n) =>
      changed && n === 30 ? '' : `${n + 1},m${changed && n === 7 ? 'x' : n + 1}\n`,
    ).join('')
  const cwd = project({ ...files, 'hr.csv': `id,mail\n${rows(false)}`, 'ad.csv': 'login,guid,mail,day,groups\n' })
  const app = await openApp({ cwd, env: {} })
  const run = () => app.run({ task: 't', trigger: 'manual', set: {} })
  await run()
  app.store().db.exec(`update account set display = 'touched' where native = '50'`)
  write(cwd, { 'hr.csv': `id,mail\n${rows(true)}` })
  const { sections } = await run()
  expect(sections[0]?.counts).toMatchObject({ read: 59, changed: 1, gone: 1, unchanged: 58 })
  const states = app.store().db.statement(`select native from account where state = 'gone'`).pluck().all()
  expect(states).toEqual(['31'])
  await app.close()
})
