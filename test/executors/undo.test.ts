import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import type { PlanChange } from '../../src/model/plan-change.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const evident = {
  ...smallOrganisation,
  'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletes: off, shrunkenSource: off, grantsRemoved: off, disables: off, otherSource: off }\n`,
  'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
    '../ad.csv',
    '../ad.csv, evidence: { minRows: 0 }',
  ),
}
const json = async (line: string, cwd: string): Promise<TaskResultDocument> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as TaskResultDocument
/** New, changed, gone, joined, questioned: a bit of everything. */
function nextNight(cwd: string): void {
  write(cwd, {
    'hr.csv': evident['hr.csv']
      .replace('Cy,', 'Cyd,')
      .replace('2,Bo,bo@example.com,left', '2,Bo,bo@example.com,active')
      .concat('4,Di,di@example.com,active,2024-01-01\n'),
    'ad.csv':
      'login,mail,enabled,groups\nada,ADA@example.com,yes,g2|g9\nbo,cy@example.com,yes,g1\ncy,nobody@example.com,no,\nnew,di@example.com,yes,g9\nsvc,,no,g2\n',
  })
}

describe('undo', () => {
  it('brings everything back to what it was before the run; an undo of the undo brings it forth again', async () => {
    const cwd = project(evident)
    await json('run aggregation', cwd)
    const first = digestOf(cwd)
    nextNight(cwd)
    const night = await json('run aggregation', cwd)
    expect(night.counts).toMatchObject({ created: 2, gone: 2, identitiesCreated: 1 })
    const second = digestOf(cwd)
    expect(second).not.toBe(first)
    const undone = await json(`undo ${night.id}`, cwd)
    expect(undone).toMatchObject({
      status: 'success',
      task: 'undo',
      counts: { accountsRemoved: 2, identitiesRemoved: 1 },
    })
    expect(digestOf(cwd)).toBe(first)
    await json(`undo ${undone.id}`, cwd)
    expect(digestOf(cwd)).toBe(second)
    const app = await openApp({ cwd, env: {} })
    const unhashed = 'select count(*) from account where id not in (select account_id from account_seen)'
    expect(app.store().db.statement(unhashed).pluck().get()).toBe(0)
    await app.close()
    expect((await json('run aggregation', cwd)).counts).toMatchObject({ created: 0, changed: 0, gone: 0 })
    expect((await runCli('audit verify', { cwd })).code).toBe(0)
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('of the very first run empties the store, in chunks of any size', async () => {
    const cwd = project(evident)
    await json('run aggregation', cwd)
    const app = await openApp({ cwd, env: {} })
    write(cwd, {
      'tasks/undo.yaml':
        'kind: TaskDefinition\nname: undo\nexecutor: undo\nparameters: [{ name: result }]\narguments: { result: "${args.result}" }\nlossLimit: 1\n',
    })
    await app.close()
    expect((await json('undo latest', cwd)).counts).toMatchObject({
      accountsRemoved: 9,
      identitiesRemoved: 3,
      entitlementsRemoved: 2,
    })
    expect((await runCli('account find --json', { cwd })).stdout).toContain('"total": 0')
    expect((await runCli('identity find --json', { cwd })).stdout).toContain('"total": 0')
  })

  it('is refused when something changed since, with the rows', async () => {
    const cwd = project(evident)
    await json('run aggregation', cwd)
    const { id } = await json('results show latest', cwd)
    nextNight(cwd)
    await json('run aggregation', cwd)
    const before = digestOf(cwd)
    const refused = await runCli(`undo ${id} --json`, { cwd })
    expect(refused.code).toBe(1)
    const result = JSON.parse(refused.stdout) as TaskResultDocument
    const refusal = result.messages.find((message) => message.code === 'IQ3012')
    expect(refusal?.text).toContain('ad:ada')
    expect(refusal?.text).toContain('--accept KEY')
    expect(digestOf(cwd)).toBe(before)
  })

  it('has guards of its own, and a dry run', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation', cwd)
    const before = digestOf(cwd)
    const stopped = await runCli('undo latest', { cwd })
    expect(stopped.code).toBe(4)
    expect(digestOf(cwd)).toBe(before)
    const target = (await json('results show aggregation@latest', cwd)).id
    expect(
      (await runCli(['undo', target, '--dry-run', '--allow', 'deletes', '--reason', 'wrong file'], { cwd })).code,
    ).toBe(0)
    expect(digestOf(cwd)).toBe(before)
    expect((await runCli(['undo', target, '--allow', 'deletes', '--reason', 'wrong file'], { cwd })).code).toBe(0)
    expect((await runCli(`undo aggregation@latest`, { cwd })).code).toBe(0)
  })

  it('of a dry run is refused', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation --dry-run', cwd)
    expect((await json('undo latest', cwd)).messages[0]?.text).toContain('dry run')
  })
})

/** One value out of the store, past the tool. */
function inStore(cwd: string, sql: string): unknown {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'))
  try {
    return db.prepare(sql).raw().get()
  } finally {
    db.close()
  }
}
const account = async (cwd: string, key: string): Promise<Record<string, unknown>> =>
  JSON.parse((await runCli(`account show ${key} --json`, { cwd })).stdout) as Record<string, unknown>

describe('an undo', () => {
  async function twoNights(): Promise<{ cwd: string; night: TaskResultDocument }> {
    const cwd = project(evident)
    await json('run aggregation', cwd)
    nextNight(cwd)
    return { cwd, night: await json('run aggregation', cwd) }
  }

  it('is a plan like any other: every change with its value before, the same hash in a dry run', async () => {
    const { cwd, night } = await twoNights()
    const made = await runCli(['plan', 'undo', '--set', `result=${night.id}`, '--out', 'u.plan'], { cwd })
    expect(made.code, made.stdout).toBe(0)
    const plan = JSON.parse((await runCli('plan show u.plan --json', { cwd })).stdout) as { items: PlanChange[] }
    const short = plan.items.map(({ kind, object, key, field, before, after }) =>
      field === null ? [kind, object, key] : [kind, object, key, field, before, after],
    )
    for (const expected of [
      ['end', 'account', 'ad:new'],
      ['end', 'account', 'hr:4'],
      ['change', 'account', 'hr:3', 'attributes.name', 'Cyd', 'Cy'],
      ['change', 'account', 'ad:svc2', 'state', 'gone', 'active'],
      ['enable', 'account', 'ad:svc', 'disabled', true, false],
      ['remove', 'grant', 'ad:ada', 'groups', 'g9', null],
      ['add', 'grant', 'ad:ada', 'groups', null, 'g1'],
      ['end', 'identity', '4'],
      ['end', 'entitlement', 'ad:groups:g9'],
    ])
      expect(short).toContainEqual(expected)
    const before = await json(`undo ${night.id} --dry-run`, cwd)
    expect((await json(`undo ${night.id}`, cwd)).planHash).toBe(before.planHash)
    // what was planned before is not what would be done now
    expect((await runCli('apply u.plan', { cwd })).code).not.toBe(0)
  })

  it('of many objects tells guards how many go and the first ten; its hash stands on what they are, not on their numbers', async () => {
    const person = (n: number): string => `${n},P${n},p${n}@example.com,active,2024-01-01\n`
    const people = (count: number): string =>
      `id,name,mail,state,start\n${Array.from({ length: count }, (_, n) => person(n + 10)).join('')}`
    const one = { ...evident, 'hr.csv': people(13) }
    const [first, second, other] = [
      project(one),
      project(one),
      project({ ...one, 'hr.csv': people(13).replace('P22', 'Q') }),
    ]
    await json('run aggregation', second)
    await json('undo latest', second)
    for (const cwd of [first, second, other]) await json('run aggregation --set applications=hr', cwd)
    const undone = await json('undo latest --dry-run', first)
    expect(undone.guards.find(({ guard }) => guard === 'deletes')?.text).toMatch(/13 accounts/)
    expect(undone.guards.find(({ guard }) => guard === 'deletes')?.first).toEqual(
      Array.from({ length: 10 }, (_, n) => `hr:${n + 10}`),
    )
    expect((await json('undo latest --dry-run', second)).planHash).toBe(undone.planHash)
    expect((await json('undo latest --dry-run', other)).planHash).not.toBe(undone.planHash)
  })

  it('of a part leaves the rest, with what it needs; the rest can be taken back later', async () => {
    const { cwd, night } = await twoNights()
    const second = digestOf(cwd)
    const only = `change.key in ['ad:svc', 'ad:ada', '4']`
    const done = JSON.parse(
      (await runCli(['undo', night.id, '--only', only, '--json'], { cwd })).stdout,
    ) as TaskResultDocument
    // the identity stays: the account that it owns does
    expect(done.counts).toMatchObject({ accountsRemoved: 0, accountsRestored: 2, identitiesRemoved: 0 })
    expect(done.leftOut.every((left) => left.reason === 'notAccepted')).toBe(true)
    expect(await account(cwd, 'ad:svc')).toMatchObject({ disabled: false, state: 'active' })
    expect(((await account(cwd, 'ad:ada')).entitlements as { value: string }[]).map((e) => e.value)).toEqual([
      'g1',
      'g2',
    ])
    expect(await account(cwd, 'hr:4')).toMatchObject({ identity: '4' })
    expect((await runCli('store check', { cwd })).code).toBe(0)
    await json(`undo ${done.id}`, cwd)
    expect(digestOf(cwd)).toBe(second)
    const except = `change.key in ['ad:svc', 'ad:ada']`
    const rest = await runCli(['undo', night.id, '--except', except, '--json'], { cwd })
    expect((JSON.parse(rest.stdout) as TaskResultDocument).counts).toMatchObject({
      accountsRemoved: 2,
      identitiesRemoved: 1,
    })
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('takes back what changed since only where that is accepted, one by one', async () => {
    const { cwd, night } = await twoNights()
    write(cwd, {
      'ad.csv':
        'login,mail,enabled,groups\nada,ADA@example.com,yes,g1|g9\nbo,cy@example.com,yes,g1\ncy,nobody@example.com,no,\nnew,di@example.com,no,g9\nsvc,,no,g2\n',
    })
    await json('run aggregation', cwd)
    const before = digestOf(cwd)
    const refused = await runCli(['undo', night.id, '--accept', 'ad:ada'], { cwd })
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('ad:new changed since')
    expect(digestOf(cwd)).toBe(before)
    expect((await runCli(['undo', night.id, '--accept', 'ad:svc'], { cwd })).stdout).toContain(
      'there is nothing to accept about "ad:svc"',
    )
    expect((await runCli(['undo', night.id, '--dry-run'], { cwd })).stdout).toContain('ad:ada, ad:new changed since')
    // what is left out need not be accepted
    const part = await runCli(
      ['undo', night.id, '--except', `change.key == 'ad:new'`, '--accept', 'ad:ada', '--json', '--dry-run'],
      { cwd },
    )
    expect((JSON.parse(part.stdout) as TaskResultDocument).status).toBe('success')
    const done = await runCli(['undo', night.id, '--accept', 'ad:ada', '--accept', 'ad:new', '--json'], { cwd })
    const result = JSON.parse(done.stdout) as TaskResultDocument
    expect(result).toMatchObject({
      status: 'success',
      arguments: { accept: ['ad:ada', 'ad:new'] },
      counts: { accountsRemoved: 2 },
    })
    expect(((await account(cwd, 'ad:ada')).entitlements as { value: string }[]).map((e) => e.value)).toEqual([
      'g1',
      'g2',
    ])
    expect((await runCli('store check', { cwd })).code).toBe(0)
    await json(`undo ${result.id}`, cwd)
    expect(digestOf(cwd)).toBe(before)
  })

  it('of an identity that others joined since leaves them without an owner, where that is accepted', async () => {
    const { cwd, night } = await twoNights()
    write(cwd, {
      'ad.csv':
        'login,mail,enabled,groups\nada,ADA@example.com,yes,g2|g9\nbo,cy@example.com,yes,g1\ncy,nobody@example.com,no,\nnew,di@example.com,yes,g9\nsvc,,no,g2\nlate,di@example.com,yes,\n',
    })
    await json('run aggregation', cwd)
    const before = digestOf(cwd)
    expect(await account(cwd, 'ad:late')).toMatchObject({ identity: '4' })
    const done = await runCli(['undo', night.id, '--accept', '4', '--json'], { cwd })
    expect((JSON.parse(done.stdout) as TaskResultDocument).counts).toMatchObject({ identitiesRemoved: 1 })
    expect(await account(cwd, 'ad:late')).toMatchObject({ identity: null })
    expect((await runCli('store check', { cwd })).code).toBe(0)
    await json(`undo latest`, cwd)
    expect(digestOf(cwd)).toBe(before)
  })

  it('takes decisions about what goes with it, and its own undo brings them back', async () => {
    const cwd = project(evident)
    const first = await json('run aggregation', cwd)
    await json('account link ad:svc 3 --reason robot', cwd)
    await json('account unlink ad:ada --reason shared', cwd)
    const decisions = () =>
      inStore(cwd, `select count(*), group_concat(reason, ' ' order by reason) from decision order by 1`)
    expect(decisions()).toEqual([2, 'robot shared'])
    const accepted = ['ad:svc', 'ad:ada', '3'].flatMap((key) => ['--accept', key])
    const undone = JSON.parse(
      (await runCli(['undo', first.id, ...accepted, '--json'], { cwd })).stdout,
    ) as TaskResultDocument
    expect(undone).toMatchObject({ status: 'success', counts: { accountsRemoved: 9 } })
    expect(decisions()).toEqual([0, null])
    expect((await runCli('store check', { cwd })).code).toBe(0)
    await json(`undo ${undone.id}`, cwd)
    expect(decisions()).toEqual([2, 'robot shared'])
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('gives the delta token back, and a full read is due until one was made; its own undo takes that back', async () => {
    const { cwd, night } = await twoNights()
    const [ad] = inStore(cwd, `select id from application where name = 'ad'`) as [number]
    const db = new Sqlite(join(cwd, 'var/iqtask.db'))
    const tokenOf = (value: string): string => JSON.stringify({ value, definition: '' })
    db.prepare(
      `update task_section set facts = json_set(facts, '$.read', json_object('before', ?)) where application_id = ? and run = 2`,
    ).run(tokenOf('monday'), ad)
    db.prepare('update application set token = ? where id = ?').run(tokenOf('tuesday'), ad)
    db.close()
    const state = () => inStore(cwd, `select token ->> 'value', full_read_needed from application where id = ${ad}`)
    const undone = await json(`undo ${night.id}`, cwd)
    expect(state()).toEqual(['monday', 1])
    await json(`undo ${undone.id}`, cwd)
    expect(state()).toEqual(['tuesday', 0])
    await json('undo latest', cwd)
    await json('run aggregation --limit 1', cwd)
    expect(state()).toEqual(['monday', 1])
    await json('run aggregation', cwd)
    expect(state()).toEqual(['monday', 0])
  })

  it('lists what stays although the run is taken back, in the text and in the result', async () => {
    const { cwd, night } = await twoNights()
    const db = new Sqlite(join(cwd, 'var/iqtask.db'))
    db.exec(`insert into output_file(run, path, rows, sha256) values (2, 'exports/people.csv', 3, '');
      insert into outbox(message_id, run, event, channel, payload, state, next_at, created_at) values ('m', 2, 'warning', 'ops', '{}', 'sent', '', '')`)
    db.close()
    write(cwd, {
      'ad.csv':
        'login,mail,enabled,groups\nada,ADA@example.com,yes,g2|g9\nbo,cy@example.com,yes,g1|g9\ncy,nobody@example.com,no,\nnew,di@example.com,yes,g9\nsvc,,no,g2\n',
    })
    await json('run aggregation', cwd)
    const done = await runCli(['undo', night.id, '--except', `change.key == 'ad:bo'`], { cwd })
    expect(done.stdout).toContain('files that it wrote stay where they are: exports/people.csv')
    const result = await json('results show latest', cwd)
    expect(result.messages.filter((message) => message.code === 'IQ3014').map((message) => message.text)).toEqual([
      expect.stringMatching(/^the audit trail keeps the \d+ events of the run$/),
      'notices that were sent stay sent: 1 by ops',
      'files that it wrote stay where they are: exports/people.csv',
      'catalogue entries that others use by now stay: groups:g9',
    ])
  })

  it('of a part that is stopped half-way goes on to the same end', async () => {
    const { cwd, night } = await twoNights()
    const twin = await twoNights()
    const oneByOne =
      'kind: TaskDefinition\nname: undo\nexecutor: undo\nparameters: [{ name: result }]\narguments: { result: "${args.result}" }\nlossLimit: 1\n'
    const select = { except: `change.key in ['ad:svc', 'hr:3']` }
    write(cwd, { 'tasks/undo.yaml': oneByOne })
    const app = await openApp({ cwd, env: {} })
    const stop = new AbortController()
    let chunks = 0
    const request = { task: 'undo', trigger: 'manual', set: { result: night.id }, select } as const
    const stopped = await app.run({
      ...request,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && ++chunks === 3) stop.abort()
      },
    })
    expect(stopped.status).toBe('terminated')
    const left = digestOf(cwd)
    // what was left out is part of the bound plan: a resume need not be told again
    const resumed = await app.run({ task: 'undo', trigger: 'manual', set: { result: night.id }, resume: true })
    await app.close()
    expect(resumed.status).toBe('success')
    expect(digestOf(cwd)).not.toBe(left)
    await runCli(['undo', twin.night.id, '--except', select.except], { cwd: twin.cwd })
    expect(digestOf(cwd)).toBe(digestOf(twin.cwd))
  })
})
