import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const evident = {
  ...smallOrganisation,
  'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { deletes: off, shrunkenSource: off, grantsRemoved: off }\n`,
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
    expect(result.messages[0]).toMatchObject({ code: 'IQ3012' })
    expect(result.messages[0]?.text).toContain('ad:ada')
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
