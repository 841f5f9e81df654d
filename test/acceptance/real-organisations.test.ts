import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import type { Counts } from '../../src/model/result.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { digestOf } from '../helpers/digest.ts'
import { project } from '../helpers/project.ts'
import { realData } from '../helpers/real-data.ts'
import { runCli } from '../helpers/run-cli.ts'

const [orgs, leads, pairs, azure, aws] = [
  'kubernetes-org',
  'kubernetes-leads',
  'hp-role-mining',
  'azure-roles',
  'aws-toxic-combinations',
].map(realData)

const names = [
  ['kubernetes', 'kubernetes-sigs', 'kubernetes-csi', 'kubernetes-client'],
  ['kubernetes-nightly', 'kubernetes-incubator', 'kubernetes-retired', 'etcd-io'],
].flat()
const withTeams = names.filter((name) => !/incubator|retired/.test(name))

/** One system of the eight, all of them in the same three files. */
const organisation = (name: string, ignoreCase = true): string => `kind: Application
name: ${name}
connector: delimited
connection: { file: ../accounts.csv, where: { expr: "row.org == '${name}'" }, evidence: { minRows: 2000 } }
ignoreCase: ${ignoreCase}
account:
  nativeIdentity: login
correlation:
  - { account: login, identity: login, ignoreCase: true }
grants:
  - { file: ../memberships.csv, where: { expr: "row.org == '${name}'" }, account: login, value: team, as: teams }
${
  withTeams.includes(name)
    ? `entitlements: { file: ../teams.csv, where: { expr: "row.org == '${name}'" }, evidence: { minRows: 700 }, value: team, description: description, gives: parent_team }`
    : ''
}
`
const people = {
  'iqtask.config.yaml':
    'timeZone: Europe/Berlin\nidentity:\n  attributes:\n    login: { from: [leads.github], normalize: [lower] }\n    displayName: { from: [leads.name] }\n',
  'applications/leads.yaml': `kind: Application
name: leads
authoritative: true
connector: delimited
connection: { file: ../leads.csv, merge: true }
ignoreCase: true
account:
  nativeIdentity: github
  attributes:
    group_kind: { multiple: true }
    group: { entitlement: true }
    role: { multiple: true }
`,
}

describe.skipIf(orgs === undefined || leads === undefined)('eight organisations over fourteen months', () => {
  const cwd = project({
    ...people,
    ...Object.fromEntries(names.map((name) => [`applications/${name}.yaml`, organisation(name)])),
  })
  let now = ''
  const clock: Clock = { now: () => new Date(now), monotonicMs: () => 0 }
  const month = (name: string): void => {
    for (const file of ['accounts', 'memberships', 'teams'])
      copyFileSync(join(orgs ?? '', name, `${file}.csv`), join(cwd, `${file}.csv`))
    now = `${name}-15T02:00:00Z`
  }
  const run = async (task: string, more: Partial<RunRequest> = {}): Promise<TaskResultDocument> => {
    const app = await openApp({ cwd, env: {}, clock })
    const result = await app.run({ task, trigger: 'manual', set: {}, ...more })
    await app.close()
    return result
  }
  const without = (result: TaskResultDocument, section: string): Counts => {
    const counts: Counts = result.sections.find((one) => one.application === section)?.counts ?? {}
    return Object.fromEntries(Object.entries(result.counts).map(([name, count]) => [name, count - (counts[name] ?? 0)]))
  }

  it('give the figures of every snapshot, stop the real purge, and let it through for a person', async () => {
    copyFileSync(join(leads ?? '', 'leads.csv'), join(cwd, 'leads.csv'))
    month('2025-07')
    const teams = await run('entitlement-aggregation')
    expect(teams).toMatchObject({ status: 'success', counts: { created: 724, givesAdded: 59, rejected: 0 } })
    const july = await run('aggregation')
    expect(july.status).toBe('success')
    expect(july.sections[0]).toMatchObject({
      application: 'leads',
      counts: { read: 286, created: 224, identitiesCreated: 224, rejected: 0 },
    })
    const first = without(july, 'leads')
    expect(first).toMatchObject({ created: 2688, grantsAdded: 3607, grantsRejected: 0, entitlementsCreated: 0 })
    expect(first).toMatchObject({ correlated: 427, uncorrelated: 2688 - 427 })

    month('2025-08')
    expect((await run('entitlement-aggregation')).counts).toMatchObject({ created: 6, gone: 5, changed: 0 })
    const before = digestOf(cwd)
    const purge = await run('aggregation')
    expect(purge).toMatchObject({ exitCode: 4, stoppedBy: 'guard' })
    const tripped = purge.guards.filter((verdict) => verdict.verdict === 'tripped')
    expect(tripped.filter((v) => v.application === 'kubernetes').map((v) => [v.guard, v.value])).toEqual([
      ['deletes', 309],
      ['shrunkenSource', 1045],
    ])
    expect(tripped.filter((v) => v.guard === 'deletes').map((v) => [v.application, v.value])).toEqual(
      expect.arrayContaining([
        ['kubernetes-sigs', 232],
        ['kubernetes-csi', 21],
      ]),
    )
    expect(accountsOf('kubernetes', 'gone'), 'nothing of it changed').toBe(0)
    expect(accountsOf('kubernetes', 'active')).toBe(1322)
    const guards = ['deletes', 'shrunkenSource']
    const allowed = await run('aggregation', { allow: { guards, reason: 'the yearly purge, ticket 4711' } })
    expect(allowed, JSON.stringify(allowed.guards)).toMatchObject({ status: 'success', exitCode: 0 })
    expect(sum('created', purge, allowed)).toBe(68)
    expect(sum('gone', purge, allowed)).toBe(577)
    expect([sum('grantsAdded', purge, allowed), sum('grantsEnded', purge, allowed)]).toEqual([54, 318])
    expect(allowed.guards.find((v) => v.application === 'kubernetes' && v.guard === 'deletes')).toMatchObject({
      verdict: 'allowed',
      value: 309,
    })
    expect(digestOf(cwd)).not.toBe(before)

    month('2026-05')
    expect((await run('entitlement-aggregation')).counts).toMatchObject({ created: 48, gone: 8, changed: 2 })
    const may = await run('aggregation', { allow: { guards: ['grantsAdded'], reason: 'nine months in one step' } })
    expect(may.exitCode, JSON.stringify(may.guards.filter((v) => v.verdict === 'tripped'))).toBe(0)
    expect(may.counts).toMatchObject({ created: 367, gone: 9, grantsRejected: 0, grantsAdded: 375, grantsEnded: 210 })

    month('2026-08')
    expect((await run('entitlement-aggregation')).counts).toMatchObject({ created: 6, gone: 5, changed: 0 })
    const august = await run('aggregation')
    expect(august.exitCode, JSON.stringify(august.guards.filter((v) => v.verdict === 'tripped'))).toBe(0)
    expect(august.counts).toMatchObject({
      created: 129,
      gone: 0,
      changed: expect.any(Number) as number,
      grantsRejected: 0,
    })
    expect([august.counts.grantsAdded, august.counts.grantsEnded]).toEqual([145, 38])
    expect(without(august, 'leads')).toMatchObject({ correlated: 407, uncorrelated: 2259 })
    expect(Object.fromEntries(names.map((name) => [name, accountsOf(name, 'active')]))).toEqual({
      kubernetes: 1276,
      'kubernetes-sigs': 1144,
      'kubernetes-csi': 94,
      'etcd-io': 58,
      'kubernetes-client': 51,
      'kubernetes-nightly': 23,
      'kubernetes-incubator': 10,
      'kubernetes-retired': 10,
    })
    await look(async (app) => {
      const { accounts, catalogue, db } = app.store()
      const digits = [...accounts.find({ text: '249043822' })]
      expect(digits.length).toBeGreaterThan(0)
      expect(digits.every((account) => account.attributes.login === '249043822')).toBe(true)
      expect(catalogue.count({ state: 'active', attribute: 'teams' })).toBe(766)
      expect(catalogue.get('kubernetes:teams:milestone-maintainers').holders).toBe(127)
      const live = `from access where until is null and entitlement_id in (select id from entitlement where attribute = 'teams')`
      expect(db.statement(`select count(*) ${live}`).pluck().get()).toBe(3615)
      expect(db.statement('select count(*) from entitlement_gives').pluck().get()).toBe(56)
    })
    const again = await run('aggregation')
    expect(again.counts).toMatchObject({ created: 0, changed: 0, gone: 0, missing: 0, grantsAdded: 0, grantsEnded: 0 })
  }, 90_000)

  const sum = (count: string, ...results: readonly TaskResultDocument[]): number =>
    results.reduce(
      (total, result) =>
        total +
        result.sections
          // what a guard stopped is planned, not made
          .filter((section) => section.status === 'success')
          .reduce((part, section) => part + (section.counts[count] ?? 0), 0),
      0,
    )
  const look = async (work: (app: App) => Promise<void>): Promise<void> => {
    const app = await openApp({ cwd, env: {}, clock })
    await work(app)
    await app.close()
  }
  const accountsOf = (application: string, state: string): number => {
    let count = 0
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    count = Number(
      db
        .prepare(
          'select count(*) from account a join application p on p.id = a.application_id where p.name = ? and a.state = ? and a.retired = 0',
        )
        .pluck()
        .get(application, state),
    )
    db.close()
    return count
  }

  it('have nineteen members whose grants dangle when logins are compared exactly, and none without case', async () => {
    const folder = project({
      'iqtask.config.yaml': 'timeZone: UTC\n',
      ...Object.fromEntries(
        names.map((name) => [`applications/${name}.yaml`, organisation(name, false).replace(/correlation:\n.*\n/, '')]),
      ),
    })
    for (const file of ['accounts', 'memberships', 'teams'])
      copyFileSync(join(orgs ?? '', '2026-08', `${file}.csv`), join(folder, `${file}.csv`))
    const app = await openApp({ cwd: folder, env: {} })
    const result = await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
    const rejects = [...app.store().results.rejects(result.id)]
    await app.close()
    expect(result).toMatchObject({ status: 'warning', counts: { created: 2666 } })
    expect(new Set(rejects.map((reject) => `${reject.application}:${reject.native}`)).size).toBe(19)
    expect(result.counts.grantsRejected).toBe(rejects.length)
    expect(rejects.every((reject) => reject.code === 'IQ2110' && reject.reason.includes('ignoreCase: true'))).toBe(true)
  }, 60_000)
})

describe.skipIf(pairs === undefined)('user and permission pairs of five systems', () => {
  const expected: Readonly<Record<string, readonly [rows: number, users: number, permissions: number, most: number]>> =
    {
      healthcare: [1486, 46, 46, 46],
      domino: [730, 79, 231, 209],
      firewall1: [31_951, 365, 709, 617],
      apj: [6841, 2044, 1164, 58],
      americas_small: [105_205, 3477, 1587, 310],
    }
  it('merge into their users and permissions', async () => {
    const files = Object.keys(expected).map((name): [string, string] => [
      `applications/${name}.yaml`,
      `kind: Application\nname: ${name}\nconnector: delimited\nconnection: { file: ${JSON.stringify(join(pairs ?? '', `${name}.csv`))}, merge: true }\naccount: { nativeIdentity: user, attributes: { permission: { entitlement: true } } }\n`,
    ])
    const cwd = project({ 'iqtask.config.yaml': 'timeZone: UTC\n', ...Object.fromEntries(files) })
    const app = await openApp({ cwd, env: {} })
    const result = await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
    const most = (name: string): unknown =>
      app
        .store()
        .db.statement(
          `select max(n) from (select count(*) n from access c join account a on a.id = c.account_id join application p on p.id = a.application_id
             where p.name = ? group by a.id)`,
        )
        .pluck()
        .get(name)
    expect(
      Object.fromEntries(
        result.sections.map(({ application, counts: c }) => [
          application,
          [c.grantsAdded, c.created, c.entitlementsCreated, most(application)],
        ]),
      ),
    ).toEqual(expected)
    expect(result).toMatchObject({ status: 'success', counts: { rejected: 0 } })
    await app.close()
  }, 60_000)
})

describe.skipIf(azure === undefined || aws === undefined)('the roles of two clouds', () => {
  it('load as accounts with grants beside them and a catalogue', async () => {
    // lists of objects are no feed shape: one line a permission block
    const roles = JSON.parse(readFileSync(join(azure ?? '', 'built-in-roles.min.json'), 'utf8')) as {
      name: string
      roleName: string
      description: string
      permissions: Record<string, unknown>[]
    }[]
    const lines = (items: readonly object[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('')
    const kinds = ['actions', 'notActions', 'dataActions', 'notDataActions']
    const cwd = project({
      'iqtask.config.yaml': 'timeZone: UTC\n',
      'roles.jsonl': lines(roles.map(({ permissions: _, ...role }) => role)),
      'blocks.jsonl': lines(roles.flatMap(({ name, permissions }) => permissions.map((block) => ({ name, ...block })))),
      'applications/azure.yaml': `kind: Application
name: azure
connector: jsonl
connection: { file: ../roles.jsonl }
account:
  nativeIdentity: name
  displayName: roleName
  attributes: { roleName: { entitlement: true }, description: { ignore: true }, assignableScopes: { multiple: true } }
grants:
${kinds.map((kind) => `  - { file: ../blocks.jsonl, account: name, value: ${kind}, as: ${kind}, where: { expr: "has(row.${kind})" } }\n`).join('')}
entitlements: { file: ../roles.jsonl, as: roleName, value: roleName, description: description, displayName: roleName }
`,
      'applications/aws.yaml': `kind: Application
name: aws
connector: delimited
connection: { file: ${JSON.stringify(join(aws ?? '', 'policy_actions.csv.gz'))}, merge: true, where: { expr: "row.effect == 'Allow' && row.element == 'Action'" } }
account:
  nativeIdentity: policy
  attributes:
    action: { entitlement: true }
    statement: { ignore: true }
    resource: { ignore: true }
    condition: { ignore: true }
`,
    })
    const catalogue = JSON.parse(
      (await runCli('run entitlement-aggregation --json', { cwd })).stdout,
    ) as TaskResultDocument
    expect(catalogue).toMatchObject({ status: 'success', counts: { read: 928, created: 928 } })
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(result.status, JSON.stringify(result.messages)).toBe('success')
    const counts = Object.fromEntries(result.sections.map((section) => [section.application, section.counts]))
    expect(counts.aws).toMatchObject({ read: 60_867, filtered: 1927, created: 1631, grantsAdded: 56_987 })
    expect(counts.azure).toMatchObject({ read: 928, created: 928, rejected: 0, grantsRejected: 0 })
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    const azureValues = `from entitlement where attribute in (${kinds.map((kind) => `'${kind}'`).join()})`
    // one of the 5,138 differs from another only by a blank at its end
    expect(db.prepare(`select count(distinct value) ${azureValues}`).pluck().get()).toBe(5137)
    expect(db.prepare(`select count(distinct value) ${azureValues} and value like '%*%'`).pluck().get()).toBe(1005)
    const writes = `select count(*) from access c join entitlement e on e.id = c.entitlement_id where e.attribute = 'actions' and e.value = ?`
    expect(db.prepare(writes).pluck().get('Microsoft.Authorization/roleAssignments/write')).toBe(26)
    expect(
      db
        .prepare(`select count(*) from entitlement where attribute = 'roleName' and catalogue_run is not null`)
        .pluck()
        .get(),
    ).toBe(928)
    db.close()
  }, 60_000)
})
