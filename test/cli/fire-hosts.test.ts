import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { begunAgo } from '../helpers/begun.ts'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

const hourMs = 3_600_000
const executor = `import { existsSync } from 'node:fs'
import { defineExecutor } from 'iqtask'
import { z } from 'zod'
export default defineExecutor({ name: 'mine', summary: 'waits for a file', arguments: z.object({ file: z.string() }), async run(ctx, { file }) {
  while (!existsSync(file)) { ctx.signal.throwIfAborted(); await new Promise((done) => setTimeout(done, 20)) }
} })
`
/** A task that runs until its file is there. */
function waiting(schedule: string) {
  const cwd = project(smallOrganisation)
  const file = join(cwd, 'go')
  write(cwd, {
    'tasks/mine.ts': executor,
    'tasks/t.yaml': `kind: TaskDefinition\nname: t\nexecutor: ./mine.ts\narguments: { file: ${file} }\nschedule: [{ name: s, ${schedule} }]\n`,
  })
  return { cwd, go: () => writeFileSync(file, '') }
}

async function resultsOf(cwd: string): Promise<readonly TaskResultDocument[]> {
  const app = await openApp({ cwd, env: {} })
  try {
    return app.store().results.list({}).items
  } finally {
    await app.close()
  }
}

const words = ['schedule', 'fire', 't/s', '--json']
const fire = async (cwd: string, before: readonly string[]) => {
  const { stdout, stderr, code } = await spawnCli(words, cwd, {}, before).done
  return { code, stderr, ...(JSON.parse(stdout || '{}') as { did?: string; reason?: string }) }
}

describe('two hosts on one store', () => {
  const possible = machineIsRoot() && machineHas('unshare', 'util-linux')
  it.skipIf(!possible)('run one nominal time once, and each knows that the other lives', async () => {
    const { cwd, go } = waiting('cron: "0 0 * * *", timeZone: UTC, catchUpWindow: 48h')
    await begunAgo(cwd, 't/s', 24 * hourMs)
    const host = (name: string) => ['unshare', '--uts', 'sh', '-c', `hostname ${name}; exec "$@"`, 'sh']
    const both = ['one', 'two', 'two'].map((name) => fire(cwd, host(name)))
    // whoever has no run to wait for is done
    const first = await Promise.race(both)
    expect(first).toMatchObject({ code: 0, did: 'nothing' })
    go()
    const outcomes = await Promise.all(both)
    expect(outcomes.map(({ did }) => did).sort()).toEqual(['nothing', 'nothing', 'ran'])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(await resultsOf(cwd)).toMatchObject([{ status: 'success', trigger: 'schedule' }])
  })
})

describe('a clock that is set back a day during a run', () => {
  it.skipIf(!machineHas('faketime'))('duplicates nothing, ends the run well, and measures it rightly', async () => {
    const { cwd, go } = waiting('cron: "0 0 * * *", timeZone: UTC, catchUpWindow: 48h')
    await begunAgo(cwd, 't/s', 24 * hourMs)
    const clock = join(cwd, 'clock')
    const set = (offset: string) => writeFileSync(clock, offset)
    const faked = [
      ...['faketime', '-m', '-f', '+0', 'env', '-u', 'FAKETIME', `FAKETIME_TIMESTAMP_FILE=${clock}`],
      ...['FAKETIME_CACHE_DURATION=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
    ]
    set('+0')
    const run = fire(cwd, faked)
    const heartbeat = async () => {
      const app = await openApp({ cwd, env: {} })
      const [row] = app.store().runs.live()
      await app.close()
      return Date.parse(row?.heartbeat_at ?? row?.started_at ?? '2999-01-01')
    }
    await until(async () => (await heartbeat()) < Date.parse('2999-01-01'))
    set('-1d')
    await until(async () => (await heartbeat()) < Date.now() - 23 * hourMs)
    // the day before comes again: it had no run then, and has none now
    expect(await fire(cwd, faked)).toMatchObject({ code: 0, did: 'nothing' })
    go()
    expect(await run).toMatchObject({ code: 0, did: 'ran' })
    set('+0')
    expect(await fire(cwd, faked)).toMatchObject({ code: 0, did: 'nothing', reason: 'nothing is due' })
    const results = await resultsOf(cwd)
    expect(results).toMatchObject([{ status: 'success' }])
    expect(results[0]?.durationMs).toBeGreaterThan(0)
    expect(results[0]?.durationMs).toBeLessThan(120_000)
    set('+1d')
    expect(await fire(cwd, faked)).toMatchObject({ code: 0, did: 'ran' })
    expect(await resultsOf(cwd)).toHaveLength(2)
  })
})
