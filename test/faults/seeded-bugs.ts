import type { FaultFigure, Measured, Size } from './figure.ts'
import { killsAtSyncs } from './kill-points.ts'
import { manyProcesses, oneRuns } from './many.ts'
import { massChanges } from './mass-change.ts'
import { modes } from './modes.ts'
import { powerCuts } from './power-cut.ts'
import { buildTool, type Edit, type Tool } from './tool.ts'

/** A bug of the kind this suite is there for. A suite that does not catch it proves nothing about the code without it. */
interface SeededBug {
  readonly what: string
  readonly edits: readonly Edit[]
  /** Caught within seconds: for a quick look. */
  readonly quick?: boolean
  /** Gives what it found wrong; empty: the bug was not caught. */
  readonly caughtBy: readonly Pick<FaultFigure, 'possible' | 'measure'>[]
}

export const seededBugs: readonly SeededBug[] = [
  {
    what: 'the checkpoint is written before the rows',
    edits: [
      {
        file: 'src/task/chunks.ts',
        from: '  const position = run.store.db.write(() => {\n',
        to: `  run.store.db.write(() => keep(run, phase, after + run.options.lossLimit, undefined))
  const position = run.store.db.write(() => {\n`,
      },
    ],
    caughtBy: [killsAtSyncs],
  },
  {
    what: 'a checkpoint that lags behind its rows',
    edits: [
      {
        file: 'src/task/chunks.ts',
        from: 'keep(run, phase, chunk.position, next(',
        to: 'keep(run, phase, after, next(',
      },
    ],
    caughtBy: [killsAtSyncs],
  },
  {
    what: 'synchronous=NORMAL',
    edits: [
      { file: 'src/store/sqlite/driver.ts', from: `['synchronous', 'FULL', 2]`, to: `['synchronous', 'NORMAL', 1]` },
      {
        file: 'src/store/prepare.ts',
        from: `if (kept !== '2,1')`,
        to: `if (kept !== '1,1')`,
      },
    ],
    caughtBy: [powerCuts],
  },
  {
    what: 'an output that is renamed without being synced',
    edits: [
      {
        file: 'src/base/durable.ts',
        from: `openSync(path, 'r')\n  try {\n    fsyncSync(handle)`,
        to: `openSync(path, 'r')\n  try {`,
      },
    ],
    caughtBy: [powerCuts],
  },
  {
    what: 'begin deferred',
    quick: true,
    edits: [
      {
        file: 'src/store/database.ts',
        from: 'connection.transaction(() => sealing(work)).immediate()',
        to: 'connection.transaction(() => sealing(work)).deferred()',
      },
    ],
    caughtBy: [manyProcesses, oneRuns],
  },
  {
    what: 'the guards judge after the plan was applied',
    edits: [
      {
        file: 'src/task/drive.ts',
        from: '    const stop = judge(run, road, prepared)\n',
        to: `    if (!run.options.dryRun) await applyPhases(run, road, seq, bind(run, road, seq, statusOf(run, prepared), prepared))
    const stop = judge(run, road, prepared)\n`,
      },
    ],
    caughtBy: [massChanges],
  },
  {
    what: 'a guard that is off by one',
    quick: true,
    edits: [{ file: 'src/model/guard-changes.ts', from: 'over: count > limit,', to: 'over: count > limit + 1,' }],
    caughtBy: [massChanges],
  },
  {
    what: 'no umask',
    edits: [{ file: 'src/store/bulk/stage-file.ts', from: 'process.umask(0o077)', to: 'process.umask(0o000)' }],
    caughtBy: [modes],
  },
]

async function caught({ edits, caughtBy }: SeededBug): Promise<boolean> {
  const tool = await buildTool(edits)
  try {
    for (const figure of caughtBy) if (await catches(figure, tool)) return true
    return false
  } finally {
    tool.close()
  }
}

/** A tool so wrong that the figure's own preparation fails is caught too. */
async function catches(figure: Pick<FaultFigure, 'measure'>, tool: Tool): Promise<boolean> {
  try {
    return (await figure.measure(tool, 'sample')).wrong.length > 0
  } catch {
    return true
  }
}

async function measure(_tool: Tool, size: Size): Promise<Measured> {
  const chosen = size === 'sample' ? seededBugs.filter(({ quick }) => quick) : seededBugs
  const possible = chosen.filter((bug) => bug.caughtBy.some((figure) => figure.possible?.() !== false))
  const wrong: string[] = []
  for (const bug of possible) if (!(await caught(bug))) wrong.push(`not caught: ${bug.what}`)
  return { value: `${possible.length - wrong.length} of ${possible.length} seeded bugs caught`, wrong }
}

export const seeded: FaultFigure = {
  id: 'F24',
  what: 'bugs of the kind this suite is there for, put into a copy of the sources',
  goal: 'every one is caught',
  measure,
}
