import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { AccountDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, write } from '../helpers/project.ts'

const hour = 3_600_000
/** A clock that stands until it is moved on. */
function handClock(): Clock & { forward(ms: number): void } {
  let now = Date.parse('2026-11-24T02:00:00Z')
  return {
    now: () => new Date(now),
    monotonicMs: () => now,
    forward(ms) {
      now += ms
    },
  }
}

const files = {
  'iqtask.config.yaml': `timeZone: UTC
guards: { deletes: off, shrunkenSource: off, otherSource: off, emptySource: off, ownersChanged: off, grantsRemoved: off, emptiedAttribute: off }
identity:
  name: hr.id
  attributes:
    number: { from: [hr.id] }
    email: { from: [hr.mail] }
`,
  'applications/hr.yaml':
    'kind: Application\nname: hr\nauthoritative: true\nconnector: delimited\nconnection: { file: ../hr.csv }\naccount: { nativeIdentity: id }\n',
  'hr.csv': 'id,mail\n1,a@x\n2,b@x\n',
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv }
account:
  nativeIdentity: login
  uuid: guid
  attributes:
    groups: { multiple: true, split: "|", entitlement: true }
correlation:
  - { account: number, identity: number, decisive: true }
  - { account: mail, identity: email }
protect:
  - { match: "svc-*", reason: night jobs }
  - { match: "old-*", reason: over since long, until: 2020-01-01 }
`,
}
const header = 'login,guid,number,mail,groups\n'

interface Bench {
  readonly app: App
  readonly clock: ReturnType<typeof handClock>
  readonly cwd: string
  /** Writes the directory's file and aggregates it. */
  read(rows: string, set?: Record<string, string>): Promise<TaskResultDocument>
  account(login: string): AccountDocument
}

async function bench(more: Record<string, string> = {}): Promise<Bench> {
  const cwd = project({ ...files, ...more })
  const clock = handClock()
  const app = await openApp({ cwd, env: {}, clock })
  await app.run({ task: 'aggregation', trigger: 'manual', set: { applications: 'hr' } })
  return {
    app,
    clock,
    cwd,
    read(rows, set = {}) {
      write(cwd, { 'ad.csv': header + rows })
      return app.run({ task: 'aggregation', trigger: 'manual', set: { applications: 'ad', ...set } })
    },
    account: (login) => app.store().accounts.get(`ad:${login}`),
  }
}
const evident = {
  'applications/ad.yaml': files['applications/ad.yaml'].replace('../ad.csv', '../ad.csv, evidence: { minRows: 0 }'),
}

describe('an account that is absent', () => {
  it('after a stable read is missing, and ends when missing again in other content after the grace time', async () => {
    const { read, account, clock } = await bench()
    await read('a,1,,,g1\nb,2,,,\n')
    expect((await read('b,2,,,\n')).counts).toMatchObject({ missing: 1, gone: 0 })
    clock.forward(21 * hour)
    expect((await read('b,2,,,\n')).counts, 'the same content says nothing new').toMatchObject({ missing: 1, gone: 0 })
    expect((await read('b,2,,,\nc,3,,,\n')).counts).toMatchObject({ missing: 1, gone: 1, grantsEnded: 1 })
    expect(account('a')).toMatchObject({ state: 'gone', entitlements: [] })
  })

  it('within the grace time stays missing, and is active again when it is seen', async () => {
    const { read, account, clock } = await bench()
    await read('a,1,,,g1\nb,2,,,\n')
    await read('b,2,,,\n')
    clock.forward(19 * hour)
    expect((await read('b,2,,,\nc,3,,,\n')).counts).toMatchObject({ missing: 1, gone: 0 })
    expect((await read('a,1,,,g1\nb,2,,,\nc,3,,,\n')).counts).toMatchObject({ missing: 0, changed: 1 })
    expect(account('a')).toMatchObject({ state: 'active', entitlements: [{ value: 'g1' }] })
  })

  it('is never ended while it is protected, and every result says how many that were', async () => {
    const { read, account } = await bench(evident)
    await read('svc-1,1,,,\nold-1,2,,,\nb,3,,,\n')
    expect((await read('b,3,,,\n')).counts).toMatchObject({ protected: 1, missing: 1, gone: 1 })
    expect([account('svc-1').state, account('old-1').state]).toEqual(['active', 'gone'])
  })

  it('in a read with a reject that cannot be told apart is only missing, although the read was complete', async () => {
    const { read } = await bench(evident)
    await read('a,1,,,\nb,2,,,\n')
    expect((await read('b,2,,,\nbroken\n')).counts).toMatchObject({ rejected: 1, missing: 1, gone: 0 })
  })

  it('is not missing when checkDeleted is off', async () => {
    const { read } = await bench(evident)
    await read('a,1,,,\nb,2,,,\n')
    expect((await read('b,2,,,\n', { checkDeleted: 'false' })).counts).toMatchObject({ missing: 0, gone: 0 })
  })
})

describe('an account that comes back', () => {
  it('within thirty days is the same one, with its owner and its grants as new intervals', async () => {
    const { read, account, clock, app } = await bench(evident)
    await read('a,1,1,,g1\nb,2,,,\n')
    await read('b,2,,,\n')
    clock.forward(29 * 24 * hour)
    expect((await read('a,1,1,,g1\nb,2,,,\n')).counts).toMatchObject({ returned: 1, created: 0, grantsAdded: 1 })
    expect(account('a')).toMatchObject({ state: 'active', identity: '1', entitlements: [{ value: 'g1' }] })
    expect(app.store().accounts.count({ application: 'ad', text: 'a' })).toBe(1)
  })

  it('after more than thirty days is a new one, correlated afresh', async () => {
    const { read, account, clock, app } = await bench(evident)
    await read('a,1,1,,g1\nb,2,,,\n')
    await read('b,2,,,\n')
    clock.forward(31 * 24 * hour)
    expect((await read('a,1,2,,g1\nb,2,,,\n')).counts).toMatchObject({ returned: 0, created: 1 })
    expect(account('a')).toMatchObject({ state: 'active', identity: '2' })
    expect(app.store().accounts.count({ state: 'gone' })).toBe(1)
  })
})

describe('the uuid', () => {
  it('recognises an account that was renamed: everything is kept', async () => {
    const { read, account } = await bench(evident)
    await read('a,1,1,,g1\n')
    expect((await read('anna,1,1,,g1\n')).counts).toMatchObject({ renamed: 1, created: 0, missing: 0, grantsAdded: 0 })
    expect(account('anna')).toMatchObject({ identity: '1', uuid: '1', entitlements: [{ value: 'g1' }] })
  })

  it('tells that a native identity was given to somebody else: a new account, the old one ends', async () => {
    const { read, account, app } = await bench(evident)
    await read('a,1,1,,g1\n')
    expect((await read('a,9,2,,g2\n')).counts).toMatchObject({ created: 1, changed: 0 })
    expect(account('a')).toMatchObject({ identity: '2', uuid: '9', entitlements: [{ value: 'g2' }] })
    expect([...app.store().accounts.find({ state: 'gone' })]).toMatchObject([{ uuid: '1', entitlements: [] }])
  })

  it('that belongs to one account while the native identity belongs to another is a reject', async () => {
    const { read, account } = await bench(evident)
    await read('a,1,1,,\nb,2,2,,\n')
    expect((await read('b,1,1,,\n')).counts).toMatchObject({ rejected: 1, renamed: 0 })
    expect(account('b')).toMatchObject({ uuid: '2' })
  })
})

describe('an owner', () => {
  it('is kept, unconfirmed, when the changed key finds nobody; confirmed when it fits again', async () => {
    const { read, account } = await bench()
    await read('a,1,,a@x,\n')
    expect(account('a')).toMatchObject({ identity: '1', correlation: { by: 'rule', rule: 2, unconfirmed: false } })
    await read('a,1,,nobody@x,\n')
    expect(account('a')).toMatchObject({ identity: '1', correlation: { unconfirmed: true } })
    await read('a,1,,a@x,\n')
    expect(account('a')).toMatchObject({ identity: '1', correlation: { unconfirmed: false } })
  })

  it('changes when the changed key finds somebody else; on a privileged application that is a question', async () => {
    const usual = await bench()
    await usual.read('a,1,1,,\n')
    expect((await usual.read('a,1,2,,\n')).counts).toMatchObject({ moved: 1, questions: 0 })
    expect(usual.account('a').identity).toBe('2')
    const careful = await bench({ 'applications/ad.yaml': `${files['applications/ad.yaml']}privileged: true\n` })
    await careful.read('a,1,1,,\n')
    const asked = await careful.read('a,1,2,,\n')
    expect(asked.counts).toMatchObject({ moved: 1, questions: 1 })
    expect(asked.status).toBe('warning')
    expect(careful.account('a').identity).toBe('1')
  })

  it('is looked for again for every account with recorrelate, and never created with correlateOnly', async () => {
    const { read, account, cwd, app } = await bench()
    await read('a,1,,b@x,\n')
    write(cwd, { 'hr.csv': 'id,mail\n1,a@x\n2,b@x\n3,c@x\n' })
    const only = await app.run({
      task: 'aggregation',
      trigger: 'manual',
      set: { applications: 'hr', correlateOnly: 'true' },
    })
    expect(only.counts).toMatchObject({ created: 1, identitiesCreated: 0, uncorrelated: 1 })
    expect(
      (await app.run({ task: 'aggregation', trigger: 'manual', set: { applications: 'hr' } })).counts,
    ).toMatchObject({ identitiesCreated: 1 })
    expect((await read('a,1,,b@x,\n', { recorrelate: 'true' })).counts).toMatchObject({ moved: 0, unchanged: 1 })
    expect(account('a').identity).toBe('2')
  })
})

describe('entitlements', () => {
  it('that are unknown are left out with promoteManagedAttributes off, and made good without trusting the hash', async () => {
    const { read, account } = await bench()
    await read('a,1,,,g1\n')
    const left = await read('a,1,,,g1|g2\nb,2,,,g3\n', { promoteManagedAttributes: 'false' })
    expect(left.counts).toMatchObject({ grantsAdded: 0, grantsRejected: 2, entitlementsCreated: 0 })
    expect((await read('a,1,,,g1|g2\nb,2,,,g3\n')).counts).toMatchObject({ unchanged: 2, grantsAdded: 0 })
    const good = await read('a,1,,,g1|g2\nb,2,,,g3\n', { optimizeReaggregation: 'false' })
    expect(good.counts).toMatchObject({ changed: 2, grantsAdded: 2, entitlementsCreated: 2 })
    expect(account('a').entitlements.map((e) => e.value)).toEqual(['g1', 'g2'])
    expect((await read('a,1,,,g1|g2\nb,2,,,g3\n', { optimizeReaggregation: 'false' })).counts).toMatchObject({
      changed: 0,
      unchanged: 2,
    })
  })
})

describe('a rule that looks at an attribute which no identity has', () => {
  it('is refused with the nearest one: it would never find anybody', async () => {
    const { read } = await bench({
      'applications/ad.yaml': files['applications/ad.yaml'].replace('identity: email', 'identity: emial'),
    })
    const result = await read('a,1,,,\n')
    expect(result).toMatchObject({ status: 'error', exitCode: 1, messages: [{ code: 'IQ1105' }] })
    expect(result.messages[0]?.text).toContain('did you mean email')
  })
})
