import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { accountHistory } from '../../src/store/account-history.ts'
import { checkStore } from '../../src/store/check.ts'
import { openImages } from '../../src/store/images.ts'
import { removedRows } from '../../src/store/migrations/0024-removed-rows.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import type { Store } from '../../src/store/store.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'

/** A first aggregation; what takes it back does three objects a chunk. */
async function aggregated() {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletes: off, grantsRemoved: off }\n`,
    'tasks/undo.yaml':
      'kind: TaskDefinition\nname: undo\nexecutor: undo\nparameters: [{ name: result }]\narguments: { result: "${args.result}" }\nlossLimit: 3\n',
  })
  const app = await openApp({ cwd, env: {} })
  const run = (task: string, result?: string) =>
    app.run({ task, trigger: 'manual', set: result === undefined ? {} : { result } })
  const first = await run('aggregation')
  let id = first.id
  const undoFirst = async (): Promise<number> => {
    const undone = await run('undo', first.id)
    expect(undone.status).toBe('success')
    id = undone.id
    return app.store().runs.numberOf(undone.id)
  }
  return { cwd, app, before: digestOf(cwd), undoFirst, redo: () => run('undo', id) }
}

/** And its undo, whose number `undo` is. */
async function takenBack() {
  const { undoFirst, ...all } = await aggregated()
  return { ...all, undo: await undoFirst() }
}

const one = (store: Store, sql: string): unknown => store.db.statement(sql).pluck().get()

it('what is removed is kept a chunk a row; whatever of it changes is found', async () => {
  const { app, undo } = await takenBack()
  const store = app.store()
  const rows = store.db
    .statement('select object, objects from removed where run = ? order by object, first')
    .raw()
    .all(undo)
  expect(rows).toEqual([
    ['account', 3],
    ['account', 3],
    ['account', 3],
    ['entitlement', 2],
    ['identity', 3],
  ])
  const findings = () => checkStore(store, { quick: false }).map(({ text }) => text)
  expect(findings()).toEqual([])
  // a damaged disk pulls no trigger
  store.db.exec('drop trigger removed_unseal')
  for (const damage of [
    `images = replace(images, 'Ada', 'Eda')`,
    'last = last + 1',
    'objects = objects + 1',
    'run = run + 1',
    `object = 'accounts'`,
  ]) {
    store.db.exec(`savepoint damage; update removed set ${damage} where object = 'account' and first = 1`)
    expect(findings(), damage).toContain('removed: a row is not what was written')
    store.db.exec('rollback to damage; release damage')
  }
  expect(findings()).toEqual([])
  await app.close()
})

it('an undo of which an older store has an image a row is taken back all the same', async () => {
  const { cwd, app, before, redo, undo } = await takenBack()
  const { db } = app.store()
  openImages(db, undo)
  db.write(() => {
    db.exec(`insert into change(run, object, object_id, before) select run, object, object_id, before from temp.image;
      delete from removed; delete from temp.image`)
  })
  expect((await redo()).status).toBe('success')
  await app.close()
  expect(digestOf(cwd)).toBe(before)
})

it('what is unusual about an object comes back with it', async () => {
  const { app, redo, undoFirst } = await aggregated()
  const { db } = app.store()
  const unusual = [
    `account set retired = 7, shown = 'A]"[', uuid = 'u', display = 'É[]', flags = 3, link_rule = 2, keys = x'00ff' where id = 1`,
    `account set use = 'service' where id = 2`,
    `account set times = '{"lastLogin":"2024-01-01T00:00:00.000Z"}' where id = 3`,
    `account set owner = 'somebody' where id = 4`,
    `account set state = 'missing' where id = 5`,
    `account set state_run = 7 where id = 6`,
    `account set link_run = 7 where id = 7`,
    `account set unconfirmed = 1 where id = 8`,
    `identity set type = 'machine' where id = 1`,
    `identity set manager_id = 1 where id = 2`,
    `identity set frozen = 1 where id = 3`,
  ]
  db.write(() => {
    db.exec('delete from question')
    for (const update of unusual) db.exec(`update ${update}`)
    db.exec(`insert into question(account_id, kind, code, since) values (9, 'ambiguous', 'IQ1', 1);
      insert into account(id, application_id, native, state_run, link_run, attrs, hash, created_run, changed_run)
        values (10, 1, 'decided', 1, 1, '{}', x'00', 1, 1);
      insert into decision(account_id, kind, run, reason, actor, at) values (10, 'unlink', 1, '', '{}', '')`)
  })
  const rows = () =>
    ['account', 'identity', 'question', 'decision'].map((table) =>
      (db.statement(`select * from ${table} order by 1`).all() as object[]).map((row) => ({
        ...row,
        changed_run: 0,
        sums: 0,
        crc: 0,
        marked: 0,
      })),
    )
  const before = rows()
  await undoFirst()
  expect(one(app.store(), 'select count(*) from account')).toBe(0)
  await redo()
  expect(rows()).toEqual(before)
  await app.close()
})

it('the packs of an older store are as they were in its new table', () => {
  const db = new Sqlite(':memory:')
  for (const step of migrations.slice(0, migrations.indexOf(removedRows))) db.exec(step)
  db.exec(`insert into removed(run, object, first, last, objects, images, crc)
    values (2, 'identity', 1, 3, 2, '[[1],[3]]', 7), (2, 'account', 4, 4, 1, '[[4]]', 8), (1, 'account', 9, 9, 1, '[[9]]', null)`)
  const rows = () =>
    db.prepare('select run, object, first, last, objects, images, crc from removed order by run, object').raw().all()
  const before = rows()
  db.exec(removedRows)
  expect(rows()).toEqual(before)
  expect(() => db.exec('insert into removed select * from removed')).toThrow('UNIQUE')
  db.close()
})

it('an account that came back tells what it was like before it was removed', async () => {
  const { app, redo } = await takenBack()
  expect((await redo()).status).toBe('success')
  const { db } = app.store()
  const ada = Number(one(app.store(), `select id from account where native = 'ada'`))
  const { changes } = accountHistory(db, ada)
  expect(changes).toHaveLength(1)
  expect(changes[0]?.before).toEqual(
    JSON.parse(String(one(app.store(), `select attrs from account where id = ${ada}`))),
  )
  await app.close()
})

it('retention counts the objects of a row, and leaves those rows that tell of a held account', async () => {
  const { app, redo, undo } = await takenBack()
  await redo()
  const { retention, db } = app.store()
  retention.holdAccounts(undefined)
  const due = [...retention.images('9999')].find(({ id }) => id === undo)
  expect(due?.rows).toBe(9 + 3 + 2)
  retention.holdAccounts((key) => key === 'hr:1')
  expect([...retention.results('9999')].map(({ id }) => id)).not.toContain(undo)
  db.write(() => retention.remove('images', [undo]))
  const held = Number(one(app.store(), `select id from account where native = '1'`))
  expect(db.statement('select object, first <= ? and last >= ? from removed').raw().all(held, held)).toEqual([
    ['account', 1],
  ])
  await app.close()
})

it('brings grants back with their runs, those also that are younger than their account or ended', async () => {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletes: off, grantsRemoved: off }\n`,
  })
  const app = await openApp({ cwd, env: {} })
  const first = await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g2') })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  write(cwd, { 'ad.csv': smallOrganisation['ad.csv'] })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  const rows = () => app.store().db.statement('select * from access').raw().all()
  const there = rows()
  expect(new Set(there.map((row) => String((row as unknown[]).slice(2, 4))))).toEqual(new Set(['1,', '1,2', '3,']))
  const undone = await app.run({ task: 'undo', trigger: 'manual', set: { result: first.id, accept: 'ad:ada' } })
  expect(undone).toMatchObject({ status: 'success', counts: { accountsRemoved: 9 } })
  expect(rows()).toEqual([])
  expect((await app.run({ task: 'undo', trigger: 'manual', set: { result: undone.id } })).status).toBe('success')
  expect(rows()).toEqual(there)
  await app.close()
})
