import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AccountDocument, TaskResultDocument } from '../../src/model/documents.ts'
import type { PlanChange } from '../../src/model/plan-change.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

async function changed(): Promise<string> {
  const cwd = project(smallOrganisation)
  await runCli('run aggregation', { cwd })
  write(cwd, {
    'hr.csv': smallOrganisation['hr.csv'].replace('Cy,', 'Cyd,').concat('4,Di,di@example.com,active,2024-01-01\n'),
    'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g2|g3').replace('svc,,yes', 'svc,,no'),
  })
  return cwd
}
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n')

describe('iqtask plan', () => {
  it('writes a header and every change with its value before, and changes nothing', async () => {
    const cwd = await changed()
    const before = digestOf(cwd)
    const made = await runCli('plan aggregation --out p.plan', { cwd })
    expect(made.code).toBe(0)
    expect(made.stdout).toContain('disable')
    const [header = '', ...lines] = linesOf(join(cwd, 'p.plan'))
    expect(JSON.parse(header)).toMatchObject({
      schema: 'iqtask/Plan/1',
      task: 'aggregation',
      changes: lines.length,
      sections: [{ name: 'hr' }, { name: 'ad' }],
    })
    const changes = lines.map((line) => JSON.parse(line) as PlanChange)
    const short = changes.map(({ kind, key, field, before, after }) => [
      kind,
      key,
      field,
      field === null ? null : before,
      field === null ? null : after,
    ])
    expect(short).toEqual([
      ['create', '4', null, null, null],
      ['change', 'hr:3', 'attributes.name', 'Cy', 'Cyd'],
      ['create', 'hr:4', null, null, null],
      ['link', 'hr:4', 'identity', null, '4'],
      ['disable', 'ad:svc', 'disabled', false, true],
      ['change', 'ad:svc', 'attributes.enabled', 'yes', 'no'],
      ['remove', 'ad:ada', 'groups', 'g1', null],
      ['add', 'ad:ada', 'groups', null, 'g3'],
    ])
    expect(digestOf(cwd)).toBe(before)
    expect((await runCli('plan show p.plan', { cwd })).stdout).toContain('ad:svc')
    expect(JSON.parse((await runCli('plan show p.plan --json', { cwd })).stdout)).toMatchObject({ items: changes })
  })

  it('shows the first ten changes of each kind, and with --detail every one', async () => {
    const rows = Array.from({ length: 14 }, (_, n) => `${n},N${n},n${n}@example.com,active,2024-01-01\n`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${rows.join('')}` })
    const shown = async (line: string) =>
      (await runCli(line, { cwd })).stdout.match(/^ {4}hr:\d+ {2}account$/gm)?.length
    await runCli('plan aggregation --set applications=hr --out p.plan', { cwd })
    expect((await runCli('plan show p.plan', { cwd })).stdout).toMatch(/… 18 more, with --detail/)
    expect(await shown('plan show p.plan --detail')).toBe(14)
    expect(await shown('plan aggregation --set applications=hr --detail')).toBe(14)
    expect(await shown('plan aggregation --set applications=hr')).toBeUndefined()
  })

  it('exits 10 with --exit-code when there are changes, else 0', async () => {
    const cwd = await changed()
    expect((await runCli('plan aggregation --exit-code', { cwd })).code).toBe(10)
    await runCli('run aggregation', { cwd })
    expect((await runCli('plan aggregation --exit-code', { cwd })).code).toBe(0)
  })

  it('leaves no half file behind when the task does not exist', async () => {
    const cwd = project(smallOrganisation)
    expect((await runCli('plan nosuch --out p.plan', { cwd })).code).toBe(2)
    expect(existsSync(join(cwd, 'p.plan'))).toBe(false)
  })
})

describe('iqtask apply', () => {
  it('makes exactly the changes of the plan, once', async () => {
    const cwd = await changed()
    const twin = await changed()
    await runCli('run aggregation', { cwd: twin })
    await runCli('plan aggregation --out p.plan', { cwd })
    expect((await runCli('apply p.plan', { cwd })).code).toBe(3)
    expect(digestOf(cwd)).toBe(digestOf(twin))
    const again = await runCli('apply p.plan', { cwd })
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('was applied already')
  })

  it('refuses with the row when the source was edited, and changes nothing', async () => {
    const cwd = await changed()
    await runCli('plan aggregation --out p.plan', { cwd })
    const before = digestOf(cwd)
    write(cwd, {
      'ad.csv': readFileSync(join(cwd, 'ad.csv'), 'utf8').replace('cy,cy@example.com,no', 'cy,cy@example.com,yes'),
    })
    const { code, stderr } = await runCli('apply p.plan', { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain('ad:cy has moved')
    expect(digestOf(cwd)).toBe(before)
  })

  it('refuses with the row when the store has moved', async () => {
    const cwd = await changed()
    await runCli('plan aggregation --out p.plan', { cwd })
    const hr = readFileSync(join(cwd, 'hr.csv'), 'utf8')
    write(cwd, { 'hr.csv': hr.replace('Cyd,', 'Other,') })
    await runCli('run aggregation --set applications=hr', { cwd })
    write(cwd, { 'hr.csv': hr })
    const { code, stderr } = await runCli('apply p.plan', { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain('hr:3 has moved')
  })

  it('refuses a plan that expired, was cut, altered, or is none', async () => {
    const cwd = await changed()
    await runCli('plan aggregation --out p.plan', { cwd })
    const lines = linesOf(join(cwd, 'p.plan'))
    const refuses = async (content: string, why: string): Promise<void> => {
      writeFileSync(join(cwd, 'q.plan'), content)
      const { code, stderr } = await runCli('apply q.plan', { cwd })
      expect([code, stderr.includes(why)], stderr).toEqual([2, true])
    }
    await refuses(lines.join('\n').replace(/"expiresAt":"\d{4}/, '"expiresAt":"2020'), 'expired')
    await refuses(lines.slice(0, -1).join('\n'), 'is cut')
    await refuses([...lines.slice(0, -1), lines[1] ?? ''].join('\n'), 'no longer fits')
    await refuses('hello', 'is no plan')
    expect((await runCli('apply absent.plan', { cwd })).code).toBe(2)
  })
})

describe('a part of a plan', () => {
  const planned = async (): Promise<string> => {
    const cwd = await changed()
    await runCli('plan aggregation --out p.plan', { cwd })
    return cwd
  }
  const account = async (cwd: string, key: string): Promise<AccountDocument> =>
    JSON.parse((await runCli(`account show ${key} --json`, { cwd })).stdout) as AccountDocument
  const next = async (cwd: string): Promise<TaskResultDocument> =>
    JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument

  it('is applied with --only; what was left is listed, and planned again by the next run', async () => {
    const cwd = await planned()
    const done = await runCli(['apply', 'p.plan', '--only', `change.kind == 'disable'`, '--json'], { cwd })
    expect((JSON.parse(done.stdout) as TaskResultDocument).leftOut).toEqual([
      { section: 'hr', reason: 'notAccepted', kind: 'create', object: 'identity', count: 1, first: ['4'] },
      { section: 'hr', reason: 'notAccepted', kind: 'change', object: 'account', count: 1, first: ['hr:3'] },
      { section: 'hr', reason: 'notAccepted', kind: 'create', object: 'account', count: 1, first: ['hr:4'] },
      { section: 'hr', reason: 'notAccepted', kind: 'link', object: 'account', count: 1, first: ['hr:4'] },
      { section: 'ad', reason: 'notAccepted', kind: 'remove', object: 'grant', count: 1, first: ['ad:ada'] },
      { section: 'ad', reason: 'notAccepted', kind: 'add', object: 'grant', count: 1, first: ['ad:ada'] },
    ])
    expect(await account(cwd, 'ad:svc')).toMatchObject({ disabled: true, attributes: { enabled: 'no' } })
    expect((await runCli('store check', { cwd })).code).toBe(0)
    expect((await next(cwd)).counts).toMatchObject({ created: 1, changed: 2, grantsAdded: 1, identitiesCreated: 1 })
    expect((await runCli('apply p.plan', { cwd })).stderr).toContain('was applied already')
  })

  it('is left out with --except, with the whole record', async () => {
    const cwd = await planned()
    const done = await runCli(['apply', 'p.plan', '--except', `change.key in ['ad:svc', '4']`], { cwd })
    expect(done.stdout).toContain('not accepted, so not made')
    expect(await account(cwd, 'ad:svc')).toMatchObject({ disabled: false, attributes: { enabled: 'yes' } })
    expect((await account(cwd, 'ad:ada')).entitlements.map((e) => e.value)).toEqual(['g2', 'g3'])
    // an account whose identity is not made has no owner
    expect((await account(cwd, 'hr:4')).identity).toBeNull()
    expect((await next(cwd)).counts).toMatchObject({ created: 0, changed: 1, identitiesCreated: 1 })
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('is refused where the expression is faulty, with nothing changed', async () => {
    const cwd = await planned()
    const before = digestOf(cwd)
    const refused = async (only: string): Promise<string> => {
      const { code, stdout, stderr } = await runCli(['apply', 'p.plan', '--only', only], { cwd })
      expect(code).not.toBe(0)
      return stdout + stderr
    }
    expect(await refused('chang.kind')).toContain('did you mean change?')
    expect(await refused('change.kind')).toContain('gives no true or false')
    expect(digestOf(cwd)).toBe(before)
  })
})

describe('--forbid', () => {
  it('leaves accounts as they are whose change it forbids, says which, and does the rest', async () => {
    const cwd = await changed()
    const { code, stdout } = await runCli('run aggregation --forbid disable,create --json', { cwd })
    expect(code).toBe(3)
    const result = JSON.parse(stdout) as TaskResultDocument
    expect(result.leftOut.map(({ kind, object, count, first }) => [kind, object, count, first])).toEqual([
      ['create', 'identity', 1, ['4']],
      ['create', 'account', 1, ['hr:4']],
      ['link', 'account', 1, []],
      ['disable', 'account', 1, ['ad:svc']],
      ['change', 'account', 1, []],
    ])
    expect(result.messages.filter((message) => message.code === 'IQ3009')).toHaveLength(2)
    expect(result.counts).toMatchObject({ created: 0, changed: 2, identitiesCreated: 0, grantsAdded: 1 })
    const again = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(again.counts).toMatchObject({ created: 1, changed: 1, identitiesCreated: 1 })
  })

  it('is part of a plan, and what is forbidden trips no guard', async () => {
    const cwd = await changed()
    const hr = readFileSync(join(cwd, 'applications/hr.yaml'), 'utf8')
    write(cwd, {
      'applications/hr.yaml': hr.replace('../hr.csv', '../hr.csv, evidence: { minRows: 1 }'),
      'hr.csv': 'id,name,mail,state,start\n1,Ada,ada@example.com,active,2020-01-31\n',
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { shrunkenSource: off, otherSource: off }\n`,
    })
    expect((await runCli('plan aggregation', { cwd })).code).toBe(4)
    const made = await runCli('plan aggregation --forbid delete --out p.plan', { cwd })
    expect(made.code, made.stdout).toBe(0)
    const done = await runCli('apply p.plan --json', { cwd })
    expect((JSON.parse(done.stdout) as TaskResultDocument).counts).toMatchObject({ gone: 0, missing: 2, changed: 2 })
  })

  it('takes words of changes only, in a file too', async () => {
    const cwd = project({
      ...smallOrganisation,
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: hr }\nforbid: [delet]\n',
    })
    expect(await runCli('run t', { cwd })).toMatchObject({ code: 2, stdout: '' })
    const typo = await runCli('run aggregation --forbid delets', { cwd })
    expect(typo).toMatchObject({ code: 2 })
    expect(typo.stderr).toContain('did you mean delete?')
  })
})
