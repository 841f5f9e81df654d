import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FeedOptions, writeFeed } from './feed.ts'
import type { Figure, Suite } from './figure.ts'
import { iqtask, type Measured, timed } from './measure.ts'
import { organisation } from './organisation.ts'

/** The bulk path against what the sqlite3 shell needs for the same file, at each size, in the same run. */
export const aggregation: Suite = {
  name: 'aggregation',
  summary: 'accounts a second: first load, second run, changes, a second system, undo',
  run({ small, large, rows }) {
    const sizes = rows === undefined ? (small ? [50_000] : [10_000, 100_000, 1_000_000]) : [rows]
    const figures = sizes.flatMap((size) =>
      inFolder((folder) => work(folder, size)).map((line) => figureOf(line, size, small)),
    )
    if (large) figures.push(...curve())
    return figures
  },
}

interface Line {
  readonly id: string
  readonly what: string
  readonly seconds: number
  readonly yardstick: number
  readonly peakMb: number
  /** At most so many times the yardstick, for a million accounts; the small form only looks for orders of magnitude. */
  readonly goal: number
  readonly slack?: number | undefined
  readonly unit: '×' | 'MB'
}

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(process.env.BENCH_TMPDIR ?? tmpdir(), 'iqtask-bench-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Yardstick = 'load' | 'script' | 'first'
type Ratio = readonly [what: string, yardstick: Yardstick, goal: number, slack?: number]

/** What each run is compared with. */
const ratios = {
  first: ['first aggregation / script', 'script', 0.7],
  undo: ['undo of a first aggregation / the aggregation', 'first', 1],
  second: ['a second application, correlated by one attribute / script', 'script', 0.9],
  identical: ['byte-identical file / load', 'load', 0.15, 100],
  unchanged: ['unchanged, rows shuffled / load', 'load', 0.6, 40],
  shuffled: ['first aggregation, rows in random order / script', 'script', 0.9],
  changed: ['1 % changed, with before images and missing detection / load', 'load', 1, 40],
  merge: ['a row per account and grant, in random order / script', 'script', 1.2],
} as const satisfies Readonly<Record<string, Ratio>>
type Run = keyof typeof ratios | 'plan'

function work(folder: string, size: number): Line[] {
  writeFeed(join(folder, 'a.csv'), size)
  const { load, script, bytes } = yardsticks(folder)
  // the better of two, as of the yardstick: this one is what others are compared with
  const again = iqtask(organisation(folder, 'again'), 'run', 'hr')
  rmSync(join(folder, 'again'), { recursive: true })
  const { done: all, store } = runs(folder, size)
  const first = { ...all.first, seconds: Math.min(all.first.seconds, again.seconds) }
  const done = { ...all, first }
  const yardstick = { load, script, first: done.first.seconds }
  const lines = (Object.entries(ratios) as [keyof typeof ratios, Ratio][]).map(
    ([id, [what, by, goal, slack]]): Line => ({
      id,
      what,
      ...done[id],
      yardstick: yardstick[by],
      goal,
      slack,
      unit: '×',
    }),
  )
  const memory = (id: string, what: string, peakMb: number): Line => {
    const limit = { goal: 256, slack: 2, unit: 'MB' } as const
    return { id, what, seconds: 0, yardstick: 0, peakMb, ...limit }
  }
  const peakMb = Math.max(...lines.map((line) => line.peakMb))
  const sizes = { id: 'store', what: "size of the store / the yardstick's database", seconds: store, yardstick: bytes }
  return [
    ...lines,
    memory('memory', 'peak memory of any of these runs', peakMb),
    memory('memory-plan', 'peak memory of a plan of the first aggregation, kept in a file', done.plan.peakMb),
    { ...sizes, peakMb: 0, goal: 1.3, slack: 2, unit: '×' },
  ]
}

/** Everything that is measured, of so many accounts; also the bytes of the store after the first aggregation. */
function runs(
  folder: string,
  size: number,
): { readonly done: Readonly<Record<Run, Measured>>; readonly store: number } {
  const feed = (options: FeedOptions = {}): void => writeFeed(join(folder, 'a.csv'), size, options)
  const [cwd, copy] = [organisation(folder, 'ordered'), join(folder, 'copy')]
  const inCopy = (...command: string[]): Measured => {
    cpSync(cwd, copy, { recursive: true })
    return alone(copy, ...command)
  }
  const alone = (project: string, ...command: string[]): Measured => {
    const measured = iqtask(project, ...command)
    rmSync(project, { recursive: true })
    return measured
  }
  feed()
  const first = iqtask(cwd, 'run', 'hr')
  const store = statSync(join(cwd, 'var/iqtask.db')).size
  const undo = inCopy('undo', 'hr@latest')
  const second = inCopy('run', 'ad')
  // a plan of everything, which keeps every change with what is there before it
  const plan = alone(organisation(folder, 'planned'), 'plan', 'hr', '--out', 'hr.plan')
  const identical = iqtask(cwd, 'run', 'hr')
  feed({ shuffled: true })
  const unchanged = iqtask(cwd, 'run', 'hr')
  const shuffled = alone(organisation(folder, 'shuffled'), 'run', 'hr')
  feed({ changed: true })
  const changed = alone(cwd, 'run', 'hr')
  writeFeed(join(folder, 'pairs.csv'), size, { shuffled: true, pairs: true })
  const merge = alone(organisation(folder, 'merged'), 'run', 'pairs')
  return { done: { first, undo, second, identical, unchanged, shuffled, changed, merge, plan }, store }
}

/** `load`: the bare text in one table. `script`: the same accounts, entitlements, grants and identities by hand-written SQL. */
function yardsticks(folder: string): { load: number; script: number; bytes: number } {
  const sql = readFileSync(join(import.meta.dirname, 'yardstick.sql'), 'utf8')
  const input = '.mode csv\n.import a.csv a\ncreate unique index u on a(id);\n'
  const load = Math.min(...[1, 2, 3].map((n) => timed('sqlite3', [`load${n}.db`], { cwd: folder, input })))
  const script = Math.min(...[1, 2].map((n) => timed('sqlite3', [`script${n}.db`], { cwd: folder, input: sql })))
  const bytes = statSync(join(folder, 'script1.db')).size
  for (const name of ['load1', 'load2', 'load3', 'script1', 'script2']) rmSync(join(folder, `${name}.db`))
  return { load, script, bytes }
}

function figureOf(line: Line, size: number, small: boolean): Figure {
  const { id, what, seconds, yardstick, peakMb, unit } = line
  const value = unit === 'MB' ? peakMb : seconds / yardstick
  const times = `${seconds.toFixed(2)} s, yardstick ${yardstick.toFixed(2)} s, ${Math.round(size / seconds)} accounts a second, ${peakMb} MB`
  return {
    id: `${id}-${size}`,
    what: `${size.toLocaleString('en')}: ${what}`,
    value: Number(value.toFixed(2)),
    unit,
    goal: small || size >= 1_000_000 ? line.goal : undefined,
    slack: line.slack,
    note: unit === 'MB' ? '' : id === 'store' ? `${seconds >> 20} MB, ${yardstick >> 20} MB` : times,
  }
}

/** Ten million accounts: does an account cost what it cost in a hundred thousand, and is the memory the same? */
function curve(): Figure[] {
  const [few, many] = [100_000, 10_000_000].map((size) => inFolder((folder) => runs(folder, size).done)) as [
    Readonly<Record<Run, Measured>>,
    Readonly<Record<Run, Measured>>,
  ]
  const times = (['first', 'unchanged'] as const).map((id): Figure => {
    const [each, other] = [few[id].seconds / 100_000, many[id].seconds / 10_000_000]
    return {
      id: `curve-${id}`,
      what: `time per account at 10 M / at 100 k: ${id}`,
      value: Number((other / each).toFixed(2)),
      unit: '×',
      goal: 1.25,
      note: `${(other * 1e6).toFixed(1)} µs, ${(each * 1e6).toFixed(1)} µs`,
    }
  })
  const memory = (Object.keys(many) as Run[]).map((id): Figure => {
    const what = `peak memory at 10 M: ${id}`
    const note = `${many[id].seconds.toFixed(1)} s`
    return { id: `memory-${id}-10000000`, what, value: many[id].peakMb, unit: 'MB', goal: 256, note }
  })
  return [...times, ...memory]
}
