import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codes } from '../../src/base/codes.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

const json = async <T>(line: string, cwd: string): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
const bad = (rows: string): string => `${smallOrganisation['hr.csv']}${rows}`

async function twoRuns(): Promise<string> {
  const cwd = project({ ...smallOrganisation, 'hr.csv': bad('7,X,x@example.com,active,31.13.2026\n') })
  await runCli('run aggregation', { cwd })
  write(cwd, { 'hr.csv': bad('7,X,x@example.com,active,31.13.2026\n8,Y,y@example.com,active,never\n') })
  await runCli('run aggregation', { cwd })
  return cwd
}

describe('results listed', () => {
  it('say why a run did not do its work', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'ad.csv': 'login,mail,enabled,groups\nada,ADA@example.com,yes,g1\n', 'hr.csv': '' })
    await runCli('run aggregation --set applications=ad', { cwd })
    await runCli('run aggregation --set applications=hr', { cwd })
    const [head, broken, stopped, fine] = (await runCli('results', { cwd })).stdout.split('\n')
    expect(head).toMatch(/ WHY$/)
    expect(broken).toMatch(/✖ error .*hr\.csv/)
    expect(stopped).toMatch(/✖ guard .*shrunkenSource: 1 read, 6 were in the last read/)
    expect(fine?.trimEnd()).toMatch(/\d$/)
  })

  it('are compared only with runs that did the same work', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    await runCli('run aggregation --set applications=ad', { cwd })
    expect((await runCli('results show', { cwd })).stdout).not.toContain('AGAINST')
    await runCli('run aggregation', { cwd })
    expect((await runCli('results show', { cwd })).stdout).toMatch(/AGAINST .*MEDIAN OF 2/)
  })
})

describe('results compared', () => {
  it('tells new, gone and standing failures of two runs, and the counts that differ', async () => {
    const cwd = await twoRuns()
    const diff = await json<{ counts: object[]; failures: Record<string, { native: string }[]> }>(
      'results diff aggregation@-2 aggregation@latest',
      cwd,
    )
    expect(diff.failures.new?.map((one) => one.native)).toEqual(['8'])
    expect(diff.failures.standing?.map((one) => one.native)).toEqual(['7'])
    expect(diff.counts).toContainEqual({ name: 'rejected', from: 1, to: 2 })
    expect((await runCli('results diff aggregation@-2 latest', { cwd })).stdout).toMatch(/1 new\n.*IQ2104 {2}hr {2}8/)
    expect((await runCli('results diff latest latest', { cwd })).stdout).toMatch(
      /^\w+ → \w+\n {2}the same counts\n {2}0 new/,
    )
  })

  it('tells how the runs of a task went, and what is usual', async () => {
    const cwd = await twoRuns()
    const stats = await json<{ runs: number; byStatus: object; trends: { name: string }[] }>(
      'results stats aggregation',
      cwd,
    )
    expect(stats).toMatchObject({ runs: 2, byStatus: { warning: 2 } })
    expect(stats.trends).toContainEqual({ name: 'read', last: 11, before: 10, median: 10 })
    expect((await runCli('results stats agregation', { cwd })).stderr).toContain('aggregation')
  })

  it('exports them whole or not at all, readable only by their owner', async () => {
    const cwd = await twoRuns()
    expect((await runCli('results export --out r.jsonl', { cwd })).code).toBe(0)
    const lines = readFileSync(join(cwd, 'r.jsonl'), 'utf8').trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as TaskResultDocument).task)).toEqual(['aggregation', 'aggregation'])
    expect(statSync(join(cwd, 'r.jsonl')).mode & 0o777).toBe(0o600)
    expect((await runCli('results export --out r.jsonl', { cwd })).code).toBe(2)
    expect((await runCli('results export --out nowhere/r.jsonl', { cwd })).code).toBe(2)
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
  })
})

describe('a result', () => {
  it('is signed off with a comment, which it shows and the audit trail keeps', async () => {
    const cwd = await twoRuns()
    expect((await runCli('results ack latest', { cwd })).code).toBe(2)
    await runCli('results ack latest --comment "ticket 4711"', { cwd })
    expect((await json<TaskResultDocument>('results show latest', cwd)).acknowledged).toMatchObject({
      comment: 'ticket 4711',
      by: { user: expect.any(String) },
    })
    expect((await runCli('audit list --action result.acknowledged', { cwd })).stdout).toContain('result.acknowledged')
  })

  it('is waited for, and gives its exit code', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const live = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    expect((await runCli('results wait latest --timeout 1s', { cwd })).code).toBe(5)
    const waiting = runCli('results wait latest', { cwd })
    live.process.stdin.end(smallOrganisation['ad.csv'])
    expect((await waiting).code).toBe((await live.done).code)
    expect((await waiting).code).toBe(3)
  })
})

describe('doctor', () => {
  it('finds nothing wrong with a sound project', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const { code, stdout } = await runCli('doctor', { cwd })
    expect(stdout).toMatch(/✔ ok {4}store {2}.*synchronous FULL/)
    expect(stdout).toMatch(/✔ ok {4}application ad {2}/)
    expect(code).toBe(0)
  })

  it('mends a store that others may read, when it is asked to', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    chmodSync(join(cwd, 'var'), 0o755)
    const before = await runCli('doctor', { cwd })
    expect(before.code).toBe(1)
    expect(before.stdout).toMatch(/✖ fail {2}store mode {2}others may read or write .*\n +chmod 700 /)
    expect((await runCli('doctor --fix', { cwd })).code).toBe(0)
    expect(statSync(join(cwd, 'var')).mode & 0o777).toBe(0o700)
  })

  it('names what is wrong: a file, a source that is not there, a secret that does not resolve', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/bad.yaml': 'kind: Application\nname: bad\nconector: delimited\n',
      'applications/gone.yaml':
        'kind: Application\nname: gone\nconnector: delimited\nconnection: { file: ../gone.csv }\naccount: { nativeIdentity: id }\n',
      'applications/env.yaml':
        'kind: Application\nname: env\nconnector: delimited\nconnection: { file: "${env:NOT_SET}" }\naccount: { nativeIdentity: id }\n',
    })
    const { findings, healthy } = await json<{
      healthy: boolean
      findings: { name: string; status: string; text: string }[]
    }>('doctor', cwd)
    expect(healthy).toBe(false)
    const failed = findings.filter((one) => one.status === 'fail').map((one) => `${one.name}: ${one.text}`)
    expect(failed.join('\n')).toMatch(/configuration: .*bad.yaml:3: .*conector/)
    expect(failed.join('\n')).toMatch(/application gone: .*gone.csv/)
    expect(failed.join('\n')).toMatch(/application env: .*NOT_SET/)
  })
})

describe('doctor, as it is installed', () => {
  it('gives everything that it finds a name', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/bad.yaml': 'kind: Application\nname: bad\nconector: x\n',
    })
    const bin = join(import.meta.dirname, '../../bin/iqtask.js')
    const { stdout } = spawnSync(process.execPath, [bin, 'doctor', '--json'], { cwd, encoding: 'utf8' })
    const { findings } = JSON.parse(stdout) as { findings: { name: string; status: string }[] }
    expect(findings.map(({ name }) => name)).not.toContain('')
    expect(findings.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual([
      'configuration',
      'application bad',
    ])
  })
})

describe('explain', () => {
  it('knows every code, by what it means and how it is mended', async () => {
    for (const code of Object.keys(codes)) {
      const { stdout } = await runCli(`explain ${code.toLowerCase()}`, { cwd: '/' })
      expect(stdout.split('\n').length, code).toBeGreaterThan(2)
    }
  })

  it('knows topics, and suggests the one that was meant', async () => {
    expect((await runCli('explain guards', { cwd: '/' })).stdout).toContain('--allow')
    const { stderr, code } = await runCli('explain gards', { cwd: '/' })
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean guards')])
  })
})

describe('a list as JSON lines', () => {
  it('survives a reader that goes away, without an error', async () => {
    const people = Array.from({ length: 5_000 }, (_, i) => `${i},N ${i},m${i}@example.com,active,2024-01-01`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${people.join('\n')}\n` })
    await runCli('run aggregation --set applications=hr', { cwd })
    const listing = spawnCli(['account', 'find', '--output', 'jsonl'], cwd)
    listing.process.stdout.once('data', () => listing.process.stdout.destroy())
    const { code, stderr } = await listing.done
    expect([code, stderr]).toEqual([0, ''])
  })
})
