import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { checkStore } from '../../src/store/check.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

const off = ['deletes', 'grantsRemoved', 'creates', 'identitiesCreated', 'grantsAdded', 'ownersChanged']
const undoTask = (name: string, lossLimit: number): Record<string, string> => ({
  [`tasks/${name}.yaml`]: `kind: TaskDefinition\nname: ${name}\nexecutor: undo\nparameters: [{ name: result }]\narguments: { result: "\${args.result}" }\nlossLimit: ${lossLimit}\n`,
})
const only = (application: string): Record<string, string> => ({
  [`tasks/${application}.yaml`]: `kind: TaskDefinition\nname: ${application}\nexecutor: account-aggregation\narguments: { applications: [${application}] }\n`,
})

interface Field {
  readonly cwd: string
  readonly app: App
  readonly first: TaskResultDocument
  readonly before: string
  run(task: string, result?: string, more?: object): Promise<TaskResultDocument>
  one(sql: string): unknown
  /** The phases whose chunks changed something, by their audit events. */
  applied(result: string): readonly string[]
}

/** After the first aggregation, of both applications or of one of them. */
async function afterFirst(task = 'aggregation'): Promise<Field> {
  const cwd = project({
    ...smallOrganisation,
    'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { ${off.map((guard) => `${guard}: off`)} }\n`,
    ...undoTask('undo', 2),
    ...undoTask('other', 2),
    ...only('hr'),
    ...only('ad'),
  })
  const app = await openApp({ cwd, env: {} })
  const run: Field['run'] = (name, result, more = {}) =>
    app.run({ task: name, trigger: 'manual', set: result === undefined ? {} : { result }, ...more })
  const first = await run(task)
  return {
    cwd,
    app,
    first,
    before: digestOf(cwd),
    run,
    one: (sql) => app.store().db.statement(sql).pluck().get(),
    applied: (result) =>
      app
        .store()
        .audit.list({ run: result, action: 'chunk.applied', limit: 100 })
        .items.map(({ key }) => key),
  }
}

/** An undo that is stopped when so many objects are packed. */
async function stopped({ run, first }: Field, done: number): Promise<TaskResultDocument> {
  const stop = new AbortController()
  const result = await run('undo', first.id, {
    signal: stop.signal,
    onEvent(event: { type: string; phase?: string; done?: number }) {
      if (event.type === 'progress' && event.phase === 'pack' && event.done === done) stop.abort()
    },
  })
  expect(result.status).toBe('terminated')
  return result
}

const sound = ({ app }: Field): void => expect(checkStore(app.store(), { quick: false })).toEqual([])
/** Of nine accounts and three identities, two of each a chunk. */
const packing = [4, 7, 11, 12]

describe('an undo of the run that made all that is there', () => {
  it('packs everything, and empties the tables at once; what follows is as quick and as safe as before', async () => {
    const field = await afterFirst()
    const undone = await field.run('undo', field.first.id)
    expect(undone).toMatchObject({ status: 'success', counts: { accountsRemoved: 9, identitiesRemoved: 3 } })
    expect(field.applied(undone.id)).toEqual(expect.arrayContaining(['undo/empty', 'undo/remove entitlements']))
    expect(field.applied(undone.id)).toHaveLength(2)
    expect(field.one(`select count(*) from removed where object = 'pending'`)).toBe(0)
    for (const table of ['account', 'identity', 'access', 'account_seen', 'question', 'decision'])
      expect(field.one(`select count(*) from ${table}`), table).toBe(0)
    sound(field)
    expect((await field.run('undo', undone.id)).status).toBe('success')
    expect(digestOf(field.cwd)).toBe(field.before)
    // the trigger is there again: what is touched has to be looked at by the next read
    field.app.store().db.write(() => {
      field.app.store().db.exec(`update account_seen set mac = x'0102030405060708'`)
      field.app.store().db.exec(`delete from access where account_id = (select max(account_id) from access)`)
    })
    expect(field.one(`select count(*) from account_seen where mac = zeroblob(8)`)).toBe(1)
    await field.app.close()
  })

  it('empties a table as a whole, with all tables that refer to it', async () => {
    const { app } = await afterFirst()
    const { db } = app.store()
    const executed: string[] = []
    const watched = db as { exec: (sql: string) => void }
    const { exec } = db
    watched.exec = (sql) => {
      const [, table] = /^delete from (\w+)$/.exec(sql) ?? []
      if (table !== undefined) {
        const opcodes = (db.statement(`explain ${sql}`).all() as { opcode: string }[]).map(({ opcode }) => opcode)
        expect(opcodes, table).toContain('Clear')
        expect(opcodes, table).not.toContain('Delete')
        executed.push(table)
      }
      exec(sql)
    }
    await app.run({ task: 'undo', trigger: 'manual', set: { result: 'aggregation@latest' } })
    const referring = db
      .statement(`select distinct t.name from pragma_table_list t cross join pragma_foreign_key_list(t.name) f
        where t.schema = 'main' and f."table" in ('account', 'identity')`)
      .pluck()
      .all()
    expect(executed).toEqual(expect.arrayContaining([...referring, 'account', 'identity']))
    await app.close()
  })

  it('takes the usual steps where something stays, or was changed since', async () => {
    const left = await afterFirst()
    const part = await left.run('undo', left.first.id, { select: { except: `change.key == 'ad:ada'` } })
    expect(part).toMatchObject({ status: 'success', counts: { accountsRemoved: 8 } })
    expect(left.applied(part.id)).not.toContain('undo/empty')
    await left.app.close()
    const joined = await afterFirst('hr')
    await joined.run('ad')
    const undone = await joined.run('undo', joined.first.id, { set: { result: joined.first.id, accept: '1' } })
    expect(joined.applied(undone.id)).not.toContain('undo/empty')
    sound(joined)
    await joined.app.close()
  })
})

describe('an undo that is stopped while it packs', () => {
  it('has changed nothing, tells nothing, and goes on to the same end', async () => {
    for (const done of packing) {
      const field = await afterFirst()
      const { id } = await stopped(field, done)
      expect(digestOf(field.cwd)).toBe(field.before)
      expect(field.applied(id)).toEqual([])
      const account = Number(field.one(`select min(id) from account`))
      expect(field.app.store().accounts.historyOf(account).changes).toEqual([])
      sound(field)
      expect(await field.run('undo', field.first.id, { resume: true })).toMatchObject({
        id,
        status: 'success',
        counts: { accountsRemoved: 9, identitiesRemoved: 3, entitlementsRemoved: 2 },
      })
      expect(field.applied(id)).toContain('undo/empty')
      expect(field.one('select count(*) from account')).toBe(0)
      expect((await field.run('undo', id)).status).toBe('success')
      expect(digestOf(field.cwd)).toBe(field.before)
      sound(field)
      await field.app.close()
    }
  })

  it('has nothing that could be taken back; another undo of the same run does it, and leaves no packs of the first', async () => {
    for (const done of packing) {
      const field = await afterFirst()
      const { id } = await stopped(field, done)
      const nothing = await field.run('undo', id)
      expect(nothing).toMatchObject({ status: 'success', counts: { accountsRestored: 0, identitiesRestored: 0 } })
      expect(digestOf(field.cwd)).toBe(field.before)
      const again = await field.run('undo', field.first.id)
      expect(again).toMatchObject({ status: 'success', counts: { accountsRemoved: 9 } })
      const of = (result: string): number =>
        Number(field.one(`select count(*) from removed where run = ${field.app.store().runs.numberOf(result)}`))
      expect([of(id) > 0, of(again.id) > 0]).toEqual([false, true])
      expect((await field.run('undo', again.id)).status).toBe('success')
      expect(digestOf(field.cwd)).toBe(field.before)
      await field.app.close()
    }
  })

  const between: Readonly<Record<string, (field: Field) => Promise<unknown> | undefined>> = {
    'accounts came': ({ run }) => run('ad'),
    'an account changed': ({ app: { store } }) => write(store, 'update account set changed_run = 2 where id = 2'),
    'an identity changed': ({ app: { store } }) => write(store, 'update identity set changed_run = 2 where id = 2'),
    'an account went': ({ app: { store } }) => write(store, `delete from account where native = '3'`),
    'a question was asked': ({ app: { store } }) =>
      write(store, `insert into question(account_id, kind, code, since) values (1, 'ambiguous', 'IQ1', 2)`),
    'something was decided': ({ app: { store } }) =>
      write(
        store,
        `insert into decision(account_id, kind, run, reason, actor, at) values (1, 'unlink', 2, '', '{}', '')`,
      ),
    'another undo threw its packs away': ({ run, first }) =>
      run('other', first.id, { select: { only: `change.key == 'nobody'` } }),
  }
  for (const [what, happen] of Object.entries(between))
    it(`takes the usual steps where ${what} meanwhile`, async () => {
      const field = await afterFirst('hr')
      const { id } = await stopped(field, 6)
      await happen(field)
      const there = digestOf(field.cwd)
      const resumed = await field.run('undo', field.first.id, { resume: true })
      expect(resumed).toMatchObject({ id, status: 'success' })
      expect(field.applied(id)).not.toContain('undo/empty')
      expect(field.applied(id)).toContain('undo/remove accounts')
      expect(field.one(`select count(*) from account where application_id = 1`)).toBe(0)
      expect(field.one(`select count(*) from removed where object = 'pending'`)).toBe(0)
      sound(field)
      expect((await field.run('undo', id)).status).toBe('success')
      expect(digestOf(field.cwd)).toBe(there)
      await field.app.close()
    })
})

function write(store: App['store'], sql: string): undefined {
  const { db } = store()
  db.write(() => db.exec(sql))
}
