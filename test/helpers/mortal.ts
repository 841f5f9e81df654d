import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import Sqlite from 'better-sqlite3'
import { openApp } from '../../src/app.ts'
import { systemClock } from '../../src/base/clock.ts'

/**
 * Runs the task in a process that kills itself right after the `at`th transaction of the store; 0: it lives, and prints the numbers of those
 * after which another step had begun, was running or had ended.
 */
export const runMortalSteps = (cwd: string, task: string, at: number): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, ['--no-warnings', import.meta.filename, cwd, task, String(at), 'steps'], {
    encoding: 'utf8',
  })

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

async function dieAfterCommit(cwd: string, task: string, at: number): Promise<void> {
  const app = await openApp({ cwd, env: {} })
  app.store()
  const begun = Sqlite.prototype.transaction
  const steps = `select json_group_array(json_array(task, status, checkpoint -> 'children')) from (select * from task_result order by id)`
  const boundaries: number[] = []
  let commits = 0
  let seen = ''
  Sqlite.prototype.transaction = function counted(this: Sqlite.Database, work: (...args: unknown[]) => unknown) {
    const transaction = begun.call(this, work)
    if (!this.name.endsWith('iqtask.db')) return transaction
    const immediate = (...args: unknown[]) => {
      const result = transaction.immediate(...args)
      if (++commits === at) process.kill(process.pid, 'SIGKILL')
      const now = this.prepare(steps).pluck().get() as string
      if (now !== seen) boundaries.push(commits)
      seen = now
      return result
    }
    return { immediate }
  } as unknown as typeof begun
  await app.run({ task, trigger: 'manual', set: {} })
  await app.close()
  process.stdout.write(JSON.stringify(boundaries))
}

const [, , cwd, task, at, how] = process.argv
if (import.meta.main && cwd !== undefined && task !== undefined)
  await (how === 'steps' ? dieAfterCommit : main)(cwd, task, Number(at))
