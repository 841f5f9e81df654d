import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

const broken = { ...smallOrganisation, 'hr.csv': 'id,name,mail,state,start\n1,Ada,a@example.com,active,never\n' }
/** Speaks, waits until the test says go, and speaks again. */
const talk = {
  yaml: 'kind: TaskDefinition\nname: talk\nexecutor: ./talk.ts\n',
  code: `import { defineExecutor } from 'iqtask'
import { existsSync } from 'node:fs'
import { z } from 'zod'
export default defineExecutor({
  name: 'talk', summary: 'Talks', arguments: z.object({}),
  async run(ctx) {
    ctx.log.info('first')
    ctx.progress(41)
    while (!existsSync(import.meta.dirname + '/../go')) await new Promise((resolve) => setTimeout(resolve, 20))
    ctx.log.warning('second')
  },
})
`,
}
describe('watch and logs', () => {
  it('follow a run to its end, with its result and exit code', async () => {
    const cwd = project(smallOrganisation)
    // it lives until the test ends its input
    const run = spawnCli(['run', 'aggregation', '--set', 'input=-', '--set', 'applications=hr'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    const watch = spawnCli(['watch', '--json'], cwd)
    await until(async () => (await runCli('ps', { cwd })).stdout.includes('aggregation'))
    run.process.stdin.end(broken['hr.csv'])
    expect((await run.done).code).toBe(3)
    const watched = await watch.done
    expect(watched.code).toBe(3)
    expect(JSON.parse(watched.stdout)).toMatchObject({ status: 'warning', task: 'aggregation' })
  })

  it('tell what is said when it is said, and end with the run', async () => {
    const cwd = project({ ...smallOrganisation, 'tasks/talk.yaml': talk.yaml, 'tasks/talk.ts': talk.code })
    const run = spawnCli(['run', 'talk'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    const heard = (args: string[], stream: 'stdout' | 'stderr') => {
      const one = { cli: spawnCli(args, cwd), said: '' }
      one.cli.process[stream].on('data', (piece: Buffer) => {
        one.said += piece
      })
      return one
    }
    const logs = heard(['logs', '-f', '--output', 'jsonl'], 'stdout')
    const watch = heard(['watch', '--progress', 'jsonl'], 'stdout')
    await until(() => logs.said.includes('first') && watch.said.includes('"done":41'))
    expect(logs.said).not.toContain('second')
    expect(run.process.exitCode).toBeNull()
    write(cwd, { go: '' })
    expect((await run.done).code).toBe(3)
    expect((await logs.cli.done).code).toBe(0)
    expect((await watch.cli.done).code).toBe(3)
    const lines = logs.said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; text: string })
    expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual(['info first', 'warning second'])
    const events = watch.said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string })
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['started', 'result'])
  })

  it('leave the run alone when Ctrl-C ends the looking', async () => {
    const cwd = project({ ...smallOrganisation, 'tasks/talk.yaml': talk.yaml, 'tasks/talk.ts': talk.code })
    const run = spawnCli(['run', 'talk'], cwd)
    await until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))
    const watch = spawnCli(['watch', '--progress', 'jsonl'], cwd)
    await new Promise((resolve) => watch.process.stdout.once('data', resolve))
    watch.process.kill('SIGINT')
    expect((await watch.done).signal).toBe('SIGINT')
    write(cwd, { go: '' })
    expect((await run.done).code).toBe(3)
  })

  it('show a run that is over, and what it said', async () => {
    const cwd = project(broken)
    write(cwd, { 'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace('ad.csv', 'gone.csv') })
    await runCli('run aggregation', { cwd })
    const { stdout, code } = await runCli('logs', { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/error +IQ2001 +ad .*gone\.csv/)
    expect((await runCli('logs -f', { cwd })).stdout).toMatch(/^error +IQ2001 +ad: .*gone\.csv/m)
    const watched = await runCli('watch', { cwd })
    expect(watched.code).toBe(1)
    expect(watched.stdout).toContain('✖ error')
  })
})

describe('run', () => {
  const bin = join(import.meta.dirname, '../../bin/iqtask.js')
  const iqtask = (cwd: string, ...args: string[]) =>
    spawnSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8' })

  it('--detach gives the result at once and runs on alone', () => {
    const cwd = project(smallOrganisation)
    const started = iqtask(cwd, 'run', 'aggregation', '--set', 'applications=hr', '--detach', '--json')
    expect(started.status).toBe(0)
    const { id } = JSON.parse(started.stdout) as { id: string }
    const ended = iqtask(cwd, 'results', 'wait', id, '--json')
    expect(ended.status).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ id, status: 'success' })
    const [log = ''] = readdirSync(join(cwd, 'var/log'))
    expect(statSync(join(cwd, 'var/log', log)).mode & 0o777).toBe(0o600)
  })

  it('--detach says what is wrong with a run that never began', () => {
    const cwd = project(smallOrganisation)
    const { status, stderr } = iqtask(cwd, 'run', 'aggregation', '--detach', '--set', 'nonsense=1')
    expect(status).toBe(2)
    expect(stderr).toContain('nonsense')
  })

  it('--fail-on warning makes a warning a failure, and nothing else', async () => {
    const cwd = project(broken)
    expect((await runCli('run aggregation', { cwd })).code).toBe(3)
    expect((await runCli('run aggregation --fail-on warning', { cwd })).code).toBe(1)
    write(cwd, { 'hr.csv': smallOrganisation['hr.csv'] })
    expect((await runCli('run aggregation --set applications=hr --fail-on warning', { cwd })).code).toBe(0)
  })
})
