import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { type Asked, goOnPoisoned } from '../helpers/poisoned.ts'
import { project, write } from '../helpers/project.ts'

const people = 50
const feed = (edit: (id: number) => string | undefined = (id) => row(id)): string =>
  `id,mail,groups\n${Array.from({ length: people }, (_, id) => edit(id))
    .filter((line) => line !== undefined)
    .join('\n')}\n`
const row = (id: number, mail = `m${id}@x`, groups = `all|g${id}`): string => `u${id},${mail},${groups}`
const organisation = (csv: string): string =>
  project({
    'iqtask.config.yaml':
      'timeZone: UTC\nguards: { deletes: off, grantsRemoved: off, grantsAdded: off }\nidentity: { name: hr.id, attributes: { mail: { from: [hr.mail] } } }\n',
    'applications/hr.yaml': `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv, evidence: { minRows: 10 } }
account: { nativeIdentity: id, attributes: { groups: { multiple: true, split: "|", entitlement: true } } }
`,
    'tasks/t.yaml':
      'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\nlossLimit: 10\narguments: { applications: [hr] }\n',
    'hr.csv': csv,
  })

/** Goes on until the process lives; how often it died. */
function goOn(
  cwd: string,
  triggers: readonly string[],
  asked: Asked = { task: 't' },
): { deaths: number; result: TaskResultDocument } {
  for (let deaths = 0; deaths < 12; deaths++) {
    const done = goOnPoisoned(cwd, asked, triggers)
    if (done.signal === 'SIGABRT') continue
    if (done.status !== 0) throw new Error(done.stderr)
    return { deaths, result: JSON.parse(done.stdout) as TaskResultDocument }
  }
  throw new Error('it dies for ever')
}

function accounts(cwd: string): Record<string, { state: string; mail: string; owner: string | null; grants: string }> {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const rows = db
    .prepare(
      `select a.native, a.state, a.attrs ->> 'mail' mail, i.name owner, (select group_concat(e.value order by e.value) from access c
         join entitlement e on e.id = c.entitlement_id where c.account_id = a.id and c.until is null) grants
       from account a left join identity i on i.id = a.identity_id`,
    )
    .all() as { native: string; state: string; mail: string; owner: string | null; grants: string }[]
  const violations = db.pragma('foreign_key_check')
  db.close()
  expect(violations).toEqual([])
  return Object.fromEntries(rows.map(({ native, ...rest }) => [native, rest]))
}

const creating = (native: string): string => `before insert on account when new.native = '${native}'`

describe('an account that kills the process each time it is applied', () => {
  it('is put aside and named after three crashes, also a second one; the others are created', () => {
    const cwd = organisation(feed())
    const { deaths, result } = goOn(cwd, [creating('u12'), creating('u37')])
    expect(deaths).toBe(6)
    expect(result).toMatchObject({
      status: 'warning',
      exitCode: 3,
      counts: { read: 50, created: 48, identitiesCreated: 48, grantsAdded: 96, correlated: 48, uncorrelated: 0 },
    })
    expect(result.messages.filter(({ code }) => code === 'IQ3015').map(({ text }) => text)).toEqual(
      ['hr:u12', 'hr:u37'].map((name) => `${name} was put aside: the process died 3 times while it was applied`),
    )
    expect(result.leftOut).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ reason: 'quarantined', kind: 'create', object: 'account', first: ['hr:u12'] }),
        expect.objectContaining({ reason: 'quarantined', kind: 'create', object: 'account', first: ['hr:u37'] }),
      ]),
    )
    const there = accounts(cwd)
    expect(Object.keys(there)).toHaveLength(48)
    expect(there).toMatchObject({ u11: { owner: 'u11', grants: 'all,g11' }, u49: { owner: 'u49', grants: 'all,g49' } })
    // nothing stands in its way any more
    const again = goOn(cwd, [])
    expect(again.result).toMatchObject({ status: 'success', counts: { created: 2, unchanged: 48, correlated: 50 } })
    expect(accounts(cwd)).toMatchObject({ u12: { owner: 'u12', grants: 'all,g12' }, u37: { owner: 'u37' } })
  }, 60_000)

  it('stays as it was where it would be changed, or is absent', () => {
    const cwd = organisation(feed())
    goOn(cwd, [])
    write(cwd, { 'hr.csv': feed((id) => (id === 30 || id === 31 ? undefined : row(id, `new${id}@x`, 'all|other'))) })
    const { deaths, result } = goOn(cwd, [
      `before update of attrs on account when new.native = 'u20'`,
      `before update of state on account when new.native = 'u30' and new.state = 'gone'`,
    ])
    expect(deaths).toBe(6)
    expect(result).toMatchObject({
      status: 'warning',
      counts: { changed: 47, missing: 2, gone: 1, grantsAdded: 47, grantsEnded: 49 },
    })
    expect(accounts(cwd)).toMatchObject({
      u20: { state: 'active', mail: 'm20@x', owner: 'u20', grants: 'all,g20' },
      u21: { state: 'active', mail: 'new21@x', grants: 'all,other' },
      u30: { state: 'active', mail: 'm30@x', grants: 'all,g30' },
      u31: { state: 'gone' },
    })
    // its record is looked at again, although it is the same
    const again = goOn(cwd, [])
    expect(again.result).toMatchObject({ status: 'success', counts: { changed: 1, gone: 1, unchanged: 47 } })
    expect(accounts(cwd)).toMatchObject({ u20: { mail: 'new20@x', grants: 'all,other' }, u30: { state: 'gone' } })
  }, 60_000)

  it('stays with its owner where a run is taken back', () => {
    const cwd = organisation(feed())
    goOn(cwd, [])
    const { deaths, result } = goOn(cwd, [`before delete on account when old.native = 'u20'`], {
      task: 'undo',
      set: { result: 't@latest' },
    })
    // twice where all were to go at once
    expect(deaths).toBe(2 + 3)
    expect(result).toMatchObject({
      status: 'warning',
      counts: { accountsRemoved: 49, identitiesRemoved: 49, entitlementsRemoved: 49 },
      leftOut: [{ reason: 'quarantined', kind: 'end', object: 'account', count: 1, first: ['hr:u20'] }],
    })
    expect(accounts(cwd)).toEqual({ u20: { state: 'active', mail: 'm20@x', owner: 'u20', grants: 'all,g20' } })
  }, 60_000)

  it('goes with all others where it killed the process but once', () => {
    const cwd = organisation(feed())
    goOn(cwd, [])
    const asked = { task: 'undo', set: { result: 't@latest' } }
    expect(goOnPoisoned(cwd, asked, ['before delete on account']).signal).toBe('SIGABRT')
    expect(Object.keys(accounts(cwd))).toHaveLength(people)
    const { deaths, result } = goOn(cwd, [], asked)
    expect([deaths, result.status, accounts(cwd)]).toEqual([0, 'success', {}])
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    const keys = db.prepare(`select key from audit where action = 'chunk.applied' and key like 'undo/%'`).pluck().all()
    db.close()
    expect(keys).toEqual(['undo/empty', 'undo/remove entitlements'])
  }, 60_000)

  it('stays also where it kills the process while it is packed with all others', () => {
    const cwd = organisation(feed())
    goOn(cwd, [])
    const packed = `before insert on removed when exists (select 1 from json_each(new.images) where value ->> 1 = 'u20')`
    const { deaths, result } = goOn(cwd, [packed], { task: 'undo', set: { result: 't@latest' } })
    expect(deaths).toBe(3)
    expect(result).toMatchObject({ status: 'warning', counts: { accountsRemoved: 49, identitiesRemoved: 49 } })
    expect(Object.keys(accounts(cwd))).toEqual(['u20'])
  }, 60_000)
})
