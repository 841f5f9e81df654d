import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { machineHas } from '../helpers/machine.ts'
import { type FaultFigure, type Measured, pooled, type Size, spread } from './figure.ts'
import { openScenario, remove, storeOf, works } from './scenario.ts'
import type { Tool } from './tool.ts'

/** Objects that the committed chunks of the last run changed, each as often as it was done. */
function appliedIn(cwd: string): number {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const sum = db
    .prepare(
      `select sum(json_extract(body, '$.changed')) from audit where action = 'chunk.applied'
       and run = (select result_id from task_result order by id desc limit 1)`,
    )
    .pluck()
    .get()
  db.close()
  return Number(sum)
}

const points: Readonly<Record<Size, number>> = { sample: 4, usual: 30, all: Number.POSITIVE_INFINITY }

/** Kills at a commit and resumes: what the two together applied, over what an undisturbed run applies. */
async function measure(tool: Tool, size: Size): Promise<Measured> {
  const scenario = await openScenario(tool, works[0] as (typeof works)[number])
  const { args } = scenario.work
  const undisturbed = scenario.copy()
  await tool.run(undisturbed, args)
  const once = appliedIn(undisturbed)
  const all = spread(scenario.counts.fsync, points[size])
  const again = await pooled(all, availableParallelism(), async (n) => {
    const cwd = scenario.copy()
    const log = mkdtempSync(join(tmpdir(), 'iqtask-trace-'))
    const inject = ['-e', 'trace=fsync', '-e', `inject=fsync:signal=SIGKILL:when=${n}`]
    await tool.run(cwd, args, { before: ['strace', '-f', '-o', join(log, 'trace'), ...inject] })
    await scenario.work.goOn(tool, cwd)
    const applied = appliedIn(cwd)
    remove(cwd)
    remove(log)
    // a kill after the last commit is no crash: what follows is a new run, which finds nothing to do
    return applied === 0 ? 0 : applied - once
  })
  scenario.close()
  const most = Math.max(...again)
  const wrong = again.flatMap((more, i) =>
    more === 0 ? [] : [`killed at fsync ${all[i]}: ${more} objects more than once, or lost`],
  )
  return {
    value: `${all.length} kills: at most ${most} of ${once} objects committed twice; what was open is at most a chunk`,
    wrong,
  }
}

export const rework: FaultFigure = {
  id: 'F6',
  what: 'work that is done again after a crash',
  goal: 'nothing that was committed; at most the open chunk',
  possible: () => machineHas('strace'),
  measure,
}
