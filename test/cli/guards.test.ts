import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/base/json.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const people = (count: number): string =>
  `id,name,mail,state,start\n${Array.from({ length: count }, (_, i) => `${i},n${i},m${i}@example.com,active,2020-01-01\n`).join('')}`
const evident = {
  ...smallOrganisation,
  'applications/hr.yaml': smallOrganisation['applications/hr.yaml'].replace(
    'file: ../hr.csv',
    'file: ../hr.csv, evidence: { minRows: 1 }',
  ),
  'hr.csv': people(100),
}
const accounts = async (cwd: string): Promise<string> => (await runCli('account find --output jsonl', { cwd })).stdout

describe('an attribute that goes empty', () => {
  it('because the definition leaves it out stops nothing', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    const hr = evident['applications/hr.yaml'].replace('attributes:\n', 'attributes:\n    name: { ignore: true }\n')
    write(cwd, { 'applications/hr.yaml': hr })
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(result.guards.filter((guard) => guard.verdict === 'tripped')).toEqual([])
    expect(result.sections[0]?.counts).toMatchObject({ changed: 100 })
  })
})

describe('half an HR file', () => {
  it('stops the whole run with exit 4, changes nothing, and tells how to allow it', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    const before = await accounts(cwd)
    write(cwd, { 'hr.csv': people(50) })
    const { code, stdout } = await runCli('run aggregation', { cwd })
    expect(code).toBe(4)
    expect(stdout).toContain('stopped by guard, nothing changed')
    expect(stdout).toMatch(/hr {2}shrunkenSource +50 read, 100 were in the last read \(50 %; limit 80 %\)/)
    expect(stdout).toMatch(/hr {2}deletes +50 accounts/)
    expect(stdout).toContain('iqtask run aggregation --allow ')
    expect(await accounts(cwd)).toBe(before)
    const result = JSON.parse((await runCli('results show latest --json', { cwd })).stdout) as TaskResultDocument
    expect(result).toMatchObject({ status: 'error', exitCode: 4, stoppedBy: 'guard' })
    // the directory was not read: a tripped authoritative application stops the whole run
    expect(result.sections).toHaveLength(1)
  })

  it('is applied when every guard that speaks is allowed by name with a reason, which is audited', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'hr.csv': people(50) })
    const some = await runCli(['run', 'aggregation', '--allow', 'deletes', '--reason', 'closing a site'], { cwd })
    expect(some.code).toBe(4)
    // the next run is allowed nothing of this one
    expect(some.stdout).toContain('iqtask run aggregation --allow deletes,shrunkenSource --reason')
    const all = ['run', 'aggregation', '--allow', 'deletes,shrunkenSource', '--reason', 'closing a site', '--json']
    const { stdout } = await runCli(all, { cwd })
    const result = JSON.parse(stdout) as TaskResultDocument
    expect(result.sections[0]?.counts).toMatchObject({ gone: 50 })
    expect(
      result.guards
        .filter((guard) => guard.verdict === 'allowed')
        .map((guard) => guard.guard)
        .sort(),
    ).toEqual(['deletes', 'shrunkenSource'])
    expect(result.messages.filter((message) => message.code === 'IQ4003')).toHaveLength(2)
    expect(result.messages[0]?.text).toContain('closing a site')
  })

  it('is told in a dry run too, which exits 4', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'hr.csv': people(50) })
    expect((await runCli('run aggregation --dry-run', { cwd })).code).toBe(4)
  })
})

describe('guards', () => {
  it('are configured per project, application and task; a switched-off one is said in every result', async () => {
    const cwd = project({
      ...evident,
      'tasks/lax.yaml':
        'kind: TaskDefinition\nname: lax\nexecutor: account-aggregation\narguments: { applications: hr }\nguards: { shrunkenSource: off, deletes: { percent: 60 } }\n',
    })
    await runCli('run lax', { cwd })
    write(cwd, { 'hr.csv': people(50) })
    const done = JSON.parse((await runCli('run lax --json', { cwd })).stdout) as TaskResultDocument
    expect(done.guards.find((guard) => guard.guard === 'shrunkenSource')).toMatchObject({ verdict: 'off' })
    expect(done.guards.find((guard) => guard.guard === 'deletes')).toMatchObject({ verdict: 'passed', value: 50 })
    expect(done.counts.gone).toBe(50)
  })

  it('with an unknown name are refused with the nearest, on the command line and in a file', async () => {
    const cwd = project(evident)
    const typo = await runCli(['run', 'aggregation', '--allow', 'delets', '--reason', 'x'], { cwd })
    expect(typo).toMatchObject({ code: 2 })
    expect(typo.stderr).toContain('did you mean deletes')
    expect((await runCli('run aggregation --allow deletes', { cwd })).stderr).toContain('--allow needs a reason')
    write(cwd, { 'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletez: off }\n` })
    expect((await runCli('run aggregation', { cwd })).code).toBe(2)
  })

  it('take an empty source after some for a stop', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'hr.csv': people(0) })
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(result.guards.find((guard) => guard.guard === 'emptySource')?.verdict).toBe('tripped')
  })

  it.each([
    ['allowed for this run', '', ['--allow', 'scopeChanged', '--reason', 'moved']],
    ['switched off', 'guards: { scopeChanged: off }\n', []],
  ])('detect what is missing after a change of scope that is %s', async (_, guards, more) => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    const hr = evident['applications/hr.yaml'].replace('../hr.csv', '../hr2.csv')
    write(cwd, { 'applications/hr.yaml': hr + guards, 'hr2.csv': people(97) })
    const done = await runCli(['run', 'aggregation', ...more, '--json'], { cwd })
    expect((JSON.parse(done.stdout) as TaskResultDocument).sections[0]?.counts).toMatchObject({ missing: 3, gone: 3 })
  })

  it('end nothing after a change of scope, unless that is allowed by name', async () => {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    write(cwd, {
      'applications/hr.yaml': evident['applications/hr.yaml'].replace('../hr.csv', '../hr2.csv'),
      'hr2.csv': people(97),
    })
    const first = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(first.sections[0]?.counts).toMatchObject({ missing: 0, gone: 0, unchanged: 97 })
    expect(first.guards.find((guard) => guard.guard === 'scopeChanged')).toBeDefined()
    const second = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(second.sections[0]?.counts).toMatchObject({ missing: 3, gone: 3 })
  })
})

describe('the plan that a guard stopped', () => {
  const reason = ['--reason', 'closing a site']
  async function stopped(): Promise<{ cwd: string; id: string }> {
    const cwd = project(evident)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'hr.csv': people(50) })
    const { stdout } = await runCli('run aggregation', { cwd })
    expect(stdout.match(/The plan is kept/g)).toHaveLength(1)
    const id = /The plan is kept: iqtask plan show (\S+)/.exec(stdout)?.[1] ?? ''
    expect(id, stdout).not.toBe('')
    return { cwd, id }
  }

  it('is kept: shown with the biggest risks first, and as JSON', async () => {
    const { cwd, id } = await stopped()
    const { stdout } = await runCli(`plan show ${id}`, { cwd })
    expect(stdout).toMatch(
      /^plan \S+ {2}aggregation {2}50 changes {2}valid until .*\n {2}hr {2}deletes {2}50 accounts would be gone .*\n {2}hr {2}shrunkenSource {2}.*\n {2}end {2}50\n {4}hr:50 {2}state/,
    )
    const plan = JSON.parse((await runCli(`plan show ${id} --json`, { cwd })).stdout) as Record<string, unknown[]>
    expect(plan).toMatchObject({
      schema: 'iqtask/Plan/1',
      task: 'aggregation',
      sections: [{ name: 'hr' }],
      changes: 50,
    })
    expect(plan.items).toHaveLength(50)
    expect(plan.guards).toContainEqual(expect.objectContaining({ guard: 'deletes', verdict: 'tripped' }))
    expect(statSync(join(cwd, 'var/plans', String(plan.id).concat('.plan'))).mode & 0o777).toBe(0o600)
  })

  it('is applied once, with a pass that holds for this plan alone', async () => {
    const { cwd, id } = await stopped()
    const apply = ['apply', id, '--allow', 'deletes,shrunkenSource', ...reason]
    const stoppedAgain = await runCli(['apply', id], { cwd })
    expect(stoppedAgain.code).toBe(4)
    expect(stoppedAgain.stdout).toContain(`iqtask apply ${id} --allow `)
    expect(stoppedAgain.stdout).not.toContain('The plan is kept')
    write(cwd, { 'hr.csv': people(49) })
    const before = await accounts(cwd)
    const moved = await runCli(apply, { cwd })
    expect(moved).toMatchObject({ code: 2 })
    expect(moved.stderr).toContain('hr:49 has moved')
    expect(await accounts(cwd)).toBe(before)
    write(cwd, { 'hr.csv': people(50) })
    const done = await runCli([...apply, '--json'], { cwd })
    const result = JSON.parse(done.stdout) as TaskResultDocument
    // the directory was not part of the plan
    expect(result.sections.map((section) => [section.application, section.counts.gone])).toEqual([['hr', 50]])
    const audit = JSON.parse((await runCli('audit list --json', { cwd })).stdout) as ListDocument<{
      action: string
      body: JsonObject
    }>
    const allowed = audit.items.filter((event) => event.action === 'guard.allowed')
    const plan = JSON.parse((await runCli(`plan show ${id} --json`, { cwd })).stdout) as {
      sections: { hash: string }[]
    }
    expect(allowed.map((event) => event.body.plan)).toEqual(Array(2).fill(plan.sections[0]?.hash))
    expect((await runCli(apply, { cwd })).stderr).toContain('was applied already')
  })

  it('is accepted in part like any other', async () => {
    const { cwd, id } = await stopped()
    const part = [
      'apply',
      id,
      '--only',
      `change.key in ['hr:50', 'hr:51']`,
      '--allow',
      'shrunkenSource',
      ...reason,
      '--json',
    ]
    const result = JSON.parse((await runCli(part, { cwd })).stdout) as TaskResultDocument
    expect(result.counts).toMatchObject({ gone: 2, missing: 50 })
  })

  it('is swept away after a day', async () => {
    const { cwd, id } = await stopped()
    const [file = ''] = readdirSync(join(cwd, 'var/plans'))
    const yesterday = Date.now() / 1000 - 25 * 3600
    utimesSync(join(cwd, 'var/plans', file), yesterday, yesterday)
    await runCli('run aggregation --set applications=ad', { cwd })
    expect(readdirSync(join(cwd, 'var/plans'))).toEqual([])
    const gone = await runCli(`plan show ${id}`, { cwd })
    expect(gone.code).toBe(2)
    expect(gone.stderr).toContain('plans are kept for 24 hours')
  })

  it('is none after a dry run, or a run that no guard stopped', async () => {
    const { cwd } = await stopped()
    expect((await runCli('run aggregation --dry-run', { cwd })).stdout).not.toContain('The plan is kept')
    expect(readdirSync(join(cwd, 'var/plans'))).toHaveLength(1)
    expect((await runCli('plan show latest', { cwd })).stderr).toContain('keeps no plan')
  })
})
