import { availableParallelism } from 'node:os'
import { type FaultFigure, type Measured, pooled, random, type Size } from './figure.ts'
import { faultOf, openScenario, remove, type Scenario, works } from './scenario.ts'
import type { Tool } from './tool.ts'

/** Kills at a random time, and again while it goes on (`again` times), then lets it end. */
async function killed(
  scenario: Scenario,
  times: readonly number[],
): Promise<{ hit: number; wrong: string | undefined }> {
  const cwd = scenario.copy()
  const { work, tool } = scenario
  try {
    let hit = 0
    let status: number | null = null
    for (const [index, killAfterMs] of times.entries()) {
      const args = index === 0 ? work.args : [...work.args, '--resume']
      const done = await tool.run(cwd, args, { killAfterMs })
      status = done.status
      if (status === null) hit++
    }
    const wrong = await faultOf(scenario, cwd, status, false)
    return {
      hit,
      wrong: wrong === undefined ? undefined : `killed after ${times.map(Math.round).join(', ')} ms: ${wrong}`,
    }
  } finally {
    remove(cwd)
  }
}

async function killAtRandom(tool: Tool, trials: number, kills: number, seed: number): Promise<Measured> {
  const [work] = works
  if (work === undefined) throw new Error('there is no work to disturb')
  const scenario = await openScenario(tool, work)
  const next = random(seed)
  const start = performance.now()
  const probe = scenario.copy()
  await tool.run(probe, work.args)
  remove(probe)
  const wholeMs = performance.now() - start
  const jobs = Array.from({ length: trials }, () => Array.from({ length: kills }, () => wholeMs * (0.2 + 0.8 * next())))
  const outcomes = await pooled(jobs, availableParallelism(), (times) => killed(scenario, times))
  scenario.close()
  const wrong = outcomes.flatMap((outcome) => outcome.wrong ?? [])
  const hits = outcomes.reduce((sum, outcome) => sum + outcome.hit, 0)
  if (hits === 0) wrong.push('no kill met a running process')
  return { value: `${trials} trials, ${hits} kills met the run, ${wrong.length} wrong (seed ${seed})`, wrong }
}

const trials: Readonly<Record<Size, number>> = { sample: 6, usual: 100, all: 500 }

export const randomKills: FaultFigure = {
  id: 'F2',
  what: 'SIGKILL at a random time, then resume',
  goal: 'the state of an undisturbed run, every time',
  measure: (tool, size) => killAtRandom(tool, trials[size], 1, 20_260_101),
}

export const compoundKills: FaultFigure = {
  id: 'F3',
  what: 'SIGKILL at a random time, and again while it resumes, three times in all',
  goal: 'the state of an undisturbed run, every time',
  measure: (tool, size) => killAtRandom(tool, Math.ceil(trials[size] * 0.4), 3, 20_260_202),
}
