import { mkdtempSync, readFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineHas } from '../helpers/machine.ts'
import { type FaultFigure, type Measured, pooled, type Size, spread } from './figure.ts'
import { type Call, calls, faultOf, openScenario, remove, type Scenario, works } from './scenario.ts'
import type { Tool } from './tool.ts'

type Fault = 'SIGKILL' | 'ENOSPC' | 'EIO'

interface Point {
  readonly call: Call
  readonly fault: Fault
  /** The n-th call of a thread. */
  readonly n: number
  /** It and all after it. */
  readonly forever: boolean
}

interface Outcome {
  readonly fired: boolean
  readonly wrong: string | undefined
}

const name = ({ call, fault, n, forever }: Point): string => `${fault} at ${call} ${n}${forever ? ' and for ever' : ''}`

/** Runs the work with one fault, then lets it go on, and compares with the undisturbed run. */
export async function disturb(scenario: Scenario, point: Point): Promise<Outcome> {
  const { call, fault, n, forever } = point
  const cwd = scenario.copy()
  const logs = mkdtempSync(join(tmpdir(), 'iqtask-trace-'))
  const log = join(logs, 'trace')
  const what = fault === 'SIGKILL' ? 'signal=SIGKILL' : `error=${fault}`
  // the injected call has to be among the traced ones, or nothing is injected
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${what}:when=${n}${forever ? '+' : ''}`]
  try {
    const done = await scenario.tool.run(cwd, scenario.work.args, { before: ['strace', '-f', '-o', log, ...inject] })
    const trace = readFileSync(log, 'utf8')
    const fired = fault === 'SIGKILL' ? trace.includes('killed by SIGKILL') : trace.includes('(INJECTED)')
    const wrong = await faultOf(scenario, cwd, done.status, fault !== 'SIGKILL')
    return { fired, wrong: wrong === undefined ? undefined : `${scenario.work.name}: ${name(point)}: ${wrong}` }
  } finally {
    remove(cwd)
    remove(logs)
  }
}

/** A run that was quicker than those that were counted may end before the last points: then once more. */
async function untilFired(scenario: Scenario, point: Point): Promise<Outcome> {
  const first = await disturb(scenario, point)
  return first.fired || first.wrong !== undefined ? first : disturb(scenario, point)
}

function pointsOf(scenario: Scenario, faults: Faults, most: number): Point[] {
  return faults.flatMap(([fault, forever]) =>
    calls.flatMap((call) => spread(scenario.counts[call], most).map((n) => ({ call, fault, n, forever }))),
  )
}

type Faults = readonly (readonly [Fault, forever: boolean])[]

/** How many points of each call, fault and work are taken. */
const most: Readonly<Record<Size, number>> = { sample: 2, usual: 60, all: Number.POSITIVE_INFINITY }
const worksOf = (size: Size): typeof works => (size === 'sample' ? works.slice(0, 1) : works)

async function enumerate(tool: Tool, chosen: typeof works, faults: Faults, most: number): Promise<Measured> {
  const wrong: string[] = []
  const counted: string[] = []
  let points = 0
  let fired = 0
  for (const work of chosen) {
    const scenario = await openScenario(tool, work)
    const all = pointsOf(scenario, faults, most)
    const outcomes = await pooled(all, availableParallelism(), (point) => untilFired(scenario, point))
    scenario.close()
    points += outcomes.length
    fired += outcomes.filter((outcome) => outcome.fired).length
    counted.push(`${work.name} ${outcomes.length}`)
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.wrong !== undefined) wrong.push(outcome.wrong)
      else if (!outcome.fired) wrong.push(`${work.name}: ${name(all[index] as Point)} never fired`)
    }
  }
  return { value: `${points} points (${counted.join(', ')}), ${fired} fired, ${wrong.length} wrong`, wrong }
}

const possible = (): boolean => machineHas('strace')

export const killPoints: FaultFigure = {
  id: 'F1',
  what: 'SIGKILL at each call that reaches the disk, then going on',
  goal: 'every point fired; nothing lost, nothing twice, the state of an undisturbed run',
  possible,
  measure: (tool, size) => enumerate(tool, worksOf(size), [['SIGKILL', false]], most[size]),
}

export const diskFaults: FaultFigure = {
  id: 'F5',
  what: 'ENOSPC and EIO at each call that reaches the disk, once and for ever',
  goal: 'every point fired; no damage, no exit 0 with the work undone',
  possible,
  measure: (tool, size) =>
    enumerate(
      tool,
      worksOf(size),
      [
        ['ENOSPC', false],
        ['ENOSPC', true],
        ['EIO', false],
        ['EIO', true],
      ],
      size === 'sample' ? 1 : Math.ceil(most[size] / 4),
    ),
}

/** A kill between any two commits, until one is not survived: what is not one transaction comes apart. */
export const killsAtSyncs: Pick<FaultFigure, 'possible' | 'measure'> = {
  possible,
  async measure(tool) {
    const scenario = await openScenario(tool, works[0] as (typeof works)[number])
    // the last ones first: that is where chunks are applied
    const all = spread(scenario.counts.fsync, 60).reverse()
    let tried = 0
    try {
      for (const n of all) {
        tried++
        const { wrong } = await disturb(scenario, { call: 'fsync', fault: 'SIGKILL', n, forever: false })
        if (wrong !== undefined) return { value: `${tried} points`, wrong: [wrong] }
      }
      return { value: `${tried} points`, wrong: [] }
    } finally {
      scenario.close()
    }
  },
}
