import { appendFileSync, cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generate, type PlantedNight } from '../../scripts/example/generate.ts'
import { openApp } from '../../src/app.ts'
import type { AccountDocument, ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

const example = join(import.meta.dirname, '../../examples/organisation')

async function sample(): Promise<string> {
  const cwd = join(project(), 'example')
  expect((await runCli(['init', cwd, '--example'], { cwd: '/' })).code).toBe(0)
  return cwd
}

async function run(cwd: string, task: string): Promise<TaskResultDocument> {
  return JSON.parse((await runCli(`run ${task} --json`, { cwd })).stdout) as TaskResultDocument
}

const plantedIn = (cwd: string): readonly PlantedNight[] =>
  (JSON.parse(readFileSync(join(cwd, 'planted.json'), 'utf8')) as { nights: PlantedNight[] }).nights

const bySection = (result: TaskResultDocument) => ({
  sections: Object.fromEntries(result.sections.map((section) => [section.application, section.counts])),
  total: result.counts,
})

describe('the sample organisation', () => {
  it('is what its generator makes, byte for byte', () => {
    for (const [path, content] of generate()) expect(readFileSync(join(example, path)).equals(content), path).toBe(true)
  })

  it('gives the counts and facts that were planted, three nights in a row', async () => {
    const cwd = await sample()
    expect((await runCli('config validate', { cwd })).stdout).toContain('nothing wrong')
    const nights = plantedIn(cwd)
    expect(nights.map((one) => one.night)).toEqual([1, 2, 3])
    for (const { night, day, aggregation, entitlementAggregation, facts } of nights) {
      if (night > 1) cpSync(join(cwd, 'nights', String(night)), join(cwd, 'data'), { recursive: true })
      const accounts = await run(cwd, 'aggregation')
      expect(bySection(accounts), `accounts of night ${night}`).toEqual(aggregation)
      expect(accounts).toMatchObject({ status: 'warning', exitCode: 3 })
      const catalogue = await run(cwd, 'entitlement-aggregation')
      expect(bySection(catalogue), `catalogue of night ${night}`).toEqual(entitlementAggregation)
      expect(facts, `facts of night ${night}`).toEqual({ ...events(facts), ...(await factsIn(cwd, day)) })
    }
  })

  it('changes nothing when it is read again', async () => {
    const cwd = await sample()
    const first = await run(cwd, 'aggregation')
    for (const { application, counts: c } of first.sections)
      if (application !== 'bank')
        expect(c.read).toBe(sum(c, ['filtered', 'rejected', 'created', 'changed', 'unchanged', 'returned', 'renamed']))
    const digest = digestOf(cwd)
    const second = await run(cwd, 'aggregation')
    const nothing = 'created changed gone missing grantsAdded grantsEnded identitiesCreated'.split(' ')
    expect(second.counts).toMatchObject(Object.fromEntries(nothing.map((name) => [name, 0])))
    expect(second.counts.unchanged).toBe(first.counts.created)
    expect(digestOf(cwd)).toBe(digest)
    const list = JSON.parse((await runCli('results --json', { cwd })).stdout) as ListDocument<TaskResultDocument>
    expect(list.items.map((item) => item.id)).toEqual([second.id, first.id])
  })

  it('explains every bad row: file, line and reason', async () => {
    const cwd = await sample()
    await runCli('run aggregation', { cwd })
    const { stdout } = await runCli('results failures --items --json', { cwd })
    const { items } = JSON.parse(stdout) as { items: { code: string; line: number; file: string; reason: string }[] }
    const { rejected = 0, grantsRejected = 0 } = plantedIn(cwd)[0]?.aggregation.total ?? {}
    expect(items).toHaveLength(rejected + grantsRejected)
    expect(items.every((item) => item.line > 1 && item.reason !== '' && item.file.startsWith(cwd))).toBe(true)
    expect(new Set(items.map((item) => item.code))).toEqual(
      new Set(['IQ2101', 'IQ2102', 'IQ2103', 'IQ2104', 'IQ2106', 'IQ2107', 'IQ2109', 'IQ2110']),
    )
  })
})

/** What happened cannot be seen in the store as it is; the counts of the night tell it. */
const events = (facts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(['joiners', 'rehires', 'movers', 'leavers', 'married'].map((name) => [name, facts[name] ?? 0]))

/** The planted facts, found in the store alone. */
async function factsIn(cwd: string, day: string): Promise<Record<string, number>> {
  const all = async (application: string): Promise<AccountDocument[]> => {
    const { stdout } = await runCli(`account find --application ${application} --output jsonl`, { cwd })
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AccountDocument)
  }
  const [hr, directory, erp, bank] = [await all('hr'), await all('directory'), await all('erp'), await all('bank')]
  const before = (days: number): string => new Date(Date.parse(day) - days * 86_400_000).toISOString()
  const enabled = directory.filter(
    (one) => one.state !== 'gone' && !one.disabled && !one.nativeIdentity.startsWith('svc-'),
  )
  const left = new Set(hr.filter((one) => one.attributes.status === 'left').map((one) => one.nativeIdentity))
  const holds = (account: AccountDocument, ...values: string[]): boolean =>
    account.state !== 'gone' && values.every((value) => account.entitlements.some((one) => one.value === value))
  const vendors = new Set(erp.filter((one) => holds(one, 'VENDOR_CREATE')).map((one) => one.identity))
  const mailboxes = directory.filter((one) => one.use === 'shared')
  return {
    people: hr.filter((one) => one.state !== 'gone' && !one.nativeIdentity.startsWith('198')).length,
    staleAccounts: enabled.filter((one) => one.lastLogin !== null && one.lastLogin < before(90)).length,
    neverUsed: enabled.filter((one) => one.lastLogin === null && String(one.attributes.whenCreated) < before(30))
      .length,
    leaversEnabled: enabled.filter((one) => left.has(String(one.attributes.employeeID))).length,
    sharedMailboxes: mailboxes.length,
    mailboxesWithoutOwner: mailboxes.filter((one) => one.attributes.managedBy === undefined).length,
    conflictsErp: erp.filter((one) => holds(one, 'VENDOR_CREATE', 'PAY_RUN')).length,
    conflictsBank: bank.filter((one) => holds(one, 'PAY_ENTRY', 'PAY_RELEASE')).length,
    conflictsAcross: bank.filter((one) => holds(one, 'PAY_ENTRY') && vendors.has(one.identity)).length,
  }
}

const sum = (counts: Readonly<Record<string, number>>, names: readonly string[]): number =>
  names.reduce((total, name) => total + (counts[name] ?? 0), 0)

describe('the nightly chain of the sample organisation', () => {
  const story = (result: TaskResultDocument) =>
    result.messages.map(({ item, text }) => `${item ?? 'run'}: ${text.split(/ in |: result|, its last| at 2/)[0]}`)

  it('is killed in the middle, goes on, tells the story, and has less to do when nothing changed', async () => {
    const cwd = await sample()
    appendFileSync(
      join(cwd, 'iqtask.config.yaml'),
      `notify:
  channels: { box: { type: file, folder: var/box } }
  rules: [{ on: [warning], tasks: [nightly], channels: [box] }]
`,
    )
    const night = spawnCli(['run', 'nightly', '--progress', 'jsonl'], cwd)
    // the first step is over as soon as the result of the second is there
    await until(() => existsSync(join(cwd, 'var/iqtask.db')))
    const app = await openApp({ cwd, env: {} })
    await until(() => app.store().results.list({ task: 'aggregation', status: ['warning'] }).total === 1, 60_000)
    night.process.kill('SIGKILL')
    expect((await night.done).signal).toBe('SIGKILL')
    await app.close()
    const resumed = await spawnCli(['run', 'nightly', '--resume', '--json'], cwd).done
    expect(resumed.code).toBe(3)
    const result = JSON.parse(resumed.stdout) as TaskResultDocument
    const told = story(result)
    for (const step of ['aggregation: warning', 'entitlement-aggregation: warning', 'tag-unused: success'])
      expect(told.filter((one) => one === step)).toEqual([step])
    expect(told.filter((one) => one.includes('is gone'))).toHaveLength(1)
    expect(result.children).toHaveLength(3)
    expect(result.notices).toMatchObject([{ channel: 'box', state: 'sent' }])
    const again = await run(cwd, 'nightly')
    expect(story(again)).toContain('tag-unused: not run: nothing changed')
  })
})
