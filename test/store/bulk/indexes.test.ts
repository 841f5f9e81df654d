import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { buildIndex, deferralOf, missingIndexes } from '../../../src/store/bulk/indexes.ts'
import { digestOf } from '../../helpers/digest.ts'
import { project } from '../../helpers/project.ts'

const files = {
  'iqtask.config.yaml': 'timeZone: UTC\nidentity: { name: ad.login, attributes: {} }\n',
  'applications/ad.yaml': `kind: Application
name: ad
authoritative: true
connector: delimited
connection: { file: ../ad.csv }
account:
  nativeIdentity: login
  attributes: { groups: { multiple: true, split: "|", entitlement: true } }
`,
  'tasks/t.yaml':
    'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: ad }\nlossLimit: 400\n',
}
const key = (n: number): string => String((n * 7919) % 1500).padStart(5, '0')
const csv = (ordered: boolean): string => {
  const rows = Array.from({ length: 1500 }, (_, n) => `u${key(n)},g${n % 7}|h${n % 3}\n`)
  return `login,groups\n${(ordered ? rows.sort() : rows).join('')}`
}

const indexesOf = (cwd: string): unknown[] => {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const all = db
    .prepare("select name, sql from sqlite_schema where type = 'index' and sql is not null order by 1")
    .all()
  db.close()
  return all
}

it('only a load that dwarfs what is there builds indexes afterwards; unique ones only where the feed has no order', () => {
  expect(deferralOf(1000, 0, 0)).toBe('none')
  expect(deferralOf(2000, 8000, 0)).toBe('none')
  expect(deferralOf(2000, 7999, 0)).toBe('secondary')
  expect(deferralOf(2000, 0, 20)).toBe('secondary')
  expect(deferralOf(2000, 0, 21)).toBe('all')
  expect(deferralOf(2000, 100, 1000)).toBe('secondary')
})

it.each([true, false])('after a load (in order: %s) every index is what the migrations made', async (ordered) => {
  const cwd = project({ ...files, 'ad.csv': csv(ordered) })
  const app = await openApp({ cwd, env: {} })
  app.store()
  const before = indexesOf(cwd)
  const result = await app.run({ task: 't', trigger: 'manual', set: {} })
  const phases = app.store().db.statement(`select count(*) from audit where action = 'chunk.applied'`).pluck().get()
  await app.close()
  expect(result.counts).toMatchObject({ created: 1500, identitiesCreated: 1500, grantsAdded: 3000 })
  expect(phases).toBe(5)
  expect(indexesOf(cwd)).toEqual(before)
})

it('gives the same store whatever the order of the feed', async () => {
  const digests = []
  for (const ordered of [true, false]) {
    const cwd = project({ ...files, 'ad.csv': csv(ordered) })
    const app = await openApp({ cwd, env: {} })
    await app.run({ task: 't', trigger: 'manual', set: {} })
    await app.close()
    digests.push(digestOf(cwd))
  }
  expect(digests[0]).toBe(digests[1])
})

it('a later aggregation builds the indexes that one which never came to its end left out', async () => {
  const cwd = project({ ...files, 'ad.csv': csv(true) })
  const app = await openApp({ cwd, env: {} })
  const { db } = app.store()
  db.exec('drop index access_entitlement; drop index identity_name')
  expect(missingIndexes(db)).toEqual(['identity_name', 'access_entitlement'])
  await app.run({ task: 't', trigger: 'manual', set: {} })
  expect(missingIndexes(db)).toEqual([])
  expect(buildIndex(db)).toBeUndefined()
  await app.close()
})

it('an undo that takes nearly all accounts does without indexes meanwhile, also over a stop and a resume', async () => {
  const config = `${files['iqtask.config.yaml']}guards: { deletes: off, grantsRemoved: off }\n`
  const cwd = project({ ...files, 'iqtask.config.yaml': config, 'ad.csv': csv(true) })
  const app = await openApp({ cwd, env: {} })
  const { db } = app.store()
  const before = indexesOf(cwd)
  const load = await app.run({ task: 't', trigger: 'manual', set: {} })
  const stop = new AbortController()
  let missing: string[] = []
  const stopped = await app.run({
    task: 'undo',
    trigger: 'manual',
    set: { result: load.id },
    // of all of them, the tables would be emptied
    select: { except: `change.key == 'ad:u00007'` },
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type !== 'progress' || event.phase !== 'remove accounts') return
      missing = missingIndexes(db)
      stop.abort()
    },
  })
  expect(stopped.status).toBe('terminated')
  expect(missing).toEqual(['access_entitlement', 'account_identity'])
  const resumed = await app.run({ task: 'undo', trigger: 'manual', set: { result: load.id }, resume: true })
  expect(resumed).toMatchObject({ status: 'success', counts: { accountsRemoved: 1499, identitiesRemoved: 1499 } })
  expect(db.statement('select count(*) from account').pluck().get()).toBe(1)
  expect(db.statement('select count(*) from access').pluck().get()).toBe(2)
  await app.close()
  expect(indexesOf(cwd)).toEqual(before)
})
