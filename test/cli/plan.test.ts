import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
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
