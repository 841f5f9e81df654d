import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { type SpawnedCli, spawnCli, until } from '../helpers/spawn-cli.ts'

const stdinRun = ['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-', '--json']
const list = async (cwd: string): Promise<TaskResultDocument[]> => [
  ...(JSON.parse((await runCli('results --json', { cwd })).stdout) as ListDocument<TaskResultDocument>).items,
]
/** A run that waits for its input: as long as the test wants. */
async function waitingRun(cwd: string, more: string[] = []): Promise<SpawnedCli> {
  const run = spawnCli([...stdinRun, ...more], cwd)
  await until(
    async () => existsSync(join(cwd, 'var/iqtask.db')) && (await list(cwd)).some((r) => r.status === 'running'),
  )
  return run
}

describe('a run', () => {
  it('keeps a second start of the same task away, which exits 5, or 0 when it may be skipped', async () => {
    const cwd = project(smallOrganisation)
    const first = await waitingRun(cwd)
    const second = await runCli('run aggregation', { cwd })
    expect(second.code).toBe(5)
    expect(second.stderr).toContain('aggregation runs already')
    const skipped = await runCli('run aggregation --if-running skip --json', { cwd })
    expect(skipped.code).toBe(0)
    expect((JSON.parse(skipped.stdout) as TaskResultDocument).status).toBe('skipped')
    first.process.stdin.end('login,mail,enabled,groups\n')
    expect((await first.done).code).toBe(0)
    expect((await list(cwd)).map((result) => result.status)).toEqual(['skipped', 'success'])
  })

  it('waits for its turn when asked to', async () => {
    const cwd = project(smallOrganisation)
    const first = await waitingRun(cwd)
    const second = runCli('run aggregation --if-running wait --json', { cwd })
    await until(async () => (await list(cwd)).some((result) => result.status === 'queued'))
    first.process.stdin.end('login,mail,enabled,groups\n')
    expect((JSON.parse((await second).stdout) as TaskResultDocument).status).toBe('warning')
  })

  it('is one of ten starts at once', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation --set fetchOnly=true', { cwd })
    const starts = Array.from({ length: 10 }, () => spawnCli(stdinRun, cwd))
    let ended = 0
    for (const start of starts) void start.done.then(() => ended++)
    await until(() => ended === 9, 40_000)
    for (const start of starts) start.process.stdin.end('login,mail,enabled,groups\n')
    const codes = (await Promise.all(starts.map((start) => start.done))).map((done) => done.code)
    expect(codes.sort()).toEqual([0, ...Array<number>(9).fill(5)])
  }, 60_000)

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends terminated within two seconds of a %s, and exits %i', async (signal, code) => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    const sent = performance.now()
    run.process.kill(signal)
    const done = await run.done
    expect(performance.now() - sent).toBeLessThan(2000)
    expect(done.code).toBe(code)
    expect(done.stderr).toContain('stopping at the next chunk')
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'terminated', stoppedBy: signal, exitCode: code })
  })

  it('shows where it is, with every heartbeat', async () => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    run.process.stdin.write('login,mail,enabled,groups\na,a@x,yes,\nb,b@x,yes,\n')
    await until(async () => (await list(cwd))[0]?.progress !== null)
    expect((await list(cwd))[0]?.progress).toEqual({ section: 'ad', phase: 'read', done: 2 })
    run.process.stdin.end()
    expect((await run.done).code).toBe(0)
  })

  it('asked to stop hears it with its next heartbeat', async () => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    expect((await runCli('ps', { cwd })).stdout).toContain('running')
    expect((await runCli('stop latest', { cwd })).code).toBe(0)
    const done = await run.done
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'terminated', stoppedBy: 'stop' })
  })

  it('ends terminated when its timeout is over', async () => {
    const cwd = project(smallOrganisation)
    const done = await spawnCli([...stdinRun, '--timeout', '300ms'], cwd).done
    expect(done.code).toBe(1)
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'terminated', stoppedBy: 'timeout' })
  })

  it('that was killed is found by the next command, and told with the reason', async () => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    run.process.kill('SIGKILL')
    await run.done
    const [dead] = await list(cwd)
    expect(dead).toMatchObject({ status: 'terminated', stoppedBy: 'crash', messages: [{ code: 'IQ3003' }] })
    expect(dead?.messages[0]?.text).toContain(`the process ${run.process.pid}`)
  })
})

const thousand = Array.from({ length: 1000 }, (_, i) => `u${i},u${i}@example.com,yes,g${i % 7}|h${i % 11}`)
const big = {
  ...smallOrganisation,
  'ad.csv': `login,mail,enabled,groups\n${thousand.join('\n')}\n`,
  'tasks/slow.yaml':
    'kind: TaskDefinition\nname: slow\nexecutor: account-aggregation\narguments: { applications: [hr, ad] }\nlossLimit: 3\n',
}
/** All that the run made, without ids and times. */
function state(cwd: string): string {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const rows = (sql: string): unknown[] => db.prepare(sql).raw().all()
  const all = JSON.stringify([
    rows(
      'select native, shown, display, flags, state, attrs, hex(hash), link_by, (select name from identity i where i.id = identity_id) from account order by application_id, native',
    ),
    rows('select name, status, attrs from identity order by name'),
    rows(
      'select a.native, e.attribute, e.value, c.until is null from access c join account a on a.id = c.account_id join entitlement e on e.id = c.entitlement_id order by 1, 2, 3',
    ),
    rows('select attribute, value, state from entitlement order by 1, 2'),
  ])
  db.close()
  return all
}

describe('a second signal', () => {
  it('ends the process now', async () => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    run.process.kill('SIGSTOP')
    run.process.kill('SIGINT')
    run.process.kill('SIGTERM')
    run.process.kill('SIGCONT')
    const done = await run.done
    expect([130, 143]).toContain(done.code)
    expect((await list(cwd))[0]?.status).toBe('terminated')
  })
})

describe('a killed run', () => {
  it('leaves a prefix of whole chunks, and resumes to the state of an undisturbed one', async () => {
    const undisturbed = project(big)
    await runCli('run slow', { cwd: undisturbed })
    const cwd = project(big)
    const run = spawnCli(['run', 'slow'], cwd)
    const count = (sql: string): number => {
      const path = join(cwd, 'var/iqtask.db')
      if (!existsSync(path)) return 0
      const db = new Sqlite(path, { readonly: true })
      try {
        return db.prepare(sql).pluck().get() as number
      } catch {
        return 0
      } finally {
        db.close()
      }
    }
    await until(() => count('select count(*) from account') > 30)
    run.process.kill('SIGKILL')
    await run.done
    const left = count('select count(*) from account')
    expect(left).toBeLessThan(1003)
    expect(left % 3).toBe(0)
    const resumed = await runCli('run slow --resume --json', { cwd })
    const result = JSON.parse(resumed.stdout) as TaskResultDocument
    expect(result.status).toBe('success')
    expect(result.counts).toMatchObject({ created: 1003, identitiesCreated: 3 })
    expect(state(cwd)).toBe(state(undisturbed))
    expect(readdirSync(join(cwd, 'var/iqtask.db.stage'))).toEqual([])
    expect(await list(cwd)).toHaveLength(1)
  }, 60_000)

  it('leaves no plan behind once it cannot go on any more', async () => {
    const cwd = project(smallOrganisation)
    const run = await waitingRun(cwd)
    const stage = join(cwd, 'var/iqtask.db.stage')
    await until(() => existsSync(stage) && readdirSync(stage).length > 0)
    run.process.kill('SIGKILL')
    await run.done
    expect(readdirSync(stage)).not.toEqual([])
    await runCli('run aggregation', { cwd })
    expect(readdirSync(stage)).toEqual([])
  })

  it('is started anew by --resume when nothing was left to resume', async () => {
    const cwd = project(smallOrganisation)
    const { code, stdout } = await runCli('run aggregation --resume --json', { cwd })
    expect(code).toBe(3)
    expect((JSON.parse(stdout) as TaskResultDocument).counts.created).toBe(9)
  })
})
