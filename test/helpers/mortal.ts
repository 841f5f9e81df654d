import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { openApp } from '../../src/app.ts'
import { systemClock } from '../../src/base/clock.ts'

/** Runs the task in a process that kills itself when the time is asked for the `at`th time; 0: it lives, and prints how often that was before its end. */
export const runMortal = (cwd: string, task: string, at: number): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, ['--no-warnings', import.meta.filename, cwd, task, String(at)], { encoding: 'utf8' })

async function main(cwd: string, task: string, at: number): Promise<void> {
  let asked = 0
  const clock = {
    ...systemClock,
    now() {
      if (++asked === at) process.kill(process.pid, 'SIGKILL')
      return systemClock.now()
    },
  }
  const app = await openApp({ cwd, env: {}, clock })
  let untilEnd = 0
  await app.run({
    ...{ task, trigger: 'manual', set: {} },
    onEvent: (event) => {
      if (event.type === 'result') untilEnd = asked
    },
  })
  await app.close()
  process.stdout.write(String(untilEnd))
}

const [, , cwd, task, at] = process.argv
if (import.meta.main && cwd !== undefined && task !== undefined) await main(cwd, task, Number(at))
