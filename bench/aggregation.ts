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

function work(folder: string, size: number): Line[] {
  const lines: Line[] = []
  const feed = (options: FeedOptions = {}): void => writeFeed(join(folder, 'a.csv'), size, options)
  const add = (id: string, what: string, done: Measured, yardstick: number, goal: number, slack?: number) =>
    void lines.push({ id, what, ...done, yardstick, goal, slack, unit: '×' })

  feed()
  const { load, script, bytes } = yardsticks(folder)
  const cwd = organisation(folder, 'ordered')
  const first = iqtask(cwd, 'run', 'hr')
  add('first', 'first aggregation / script', first, script, 0.7)
  const store = statSync(join(cwd, 'var/iqtask.db')).size
  const copied = (name: string): string => {
    cpSync(cwd, join(folder, name), { recursive: true })
    return join(folder, name)
  }
  add(
    'undo',
    'undo of a first aggregation / the aggregation',
    iqtask(copied('undone'), 'undo', 'hr@latest'),
    first.seconds,
    1,
  )
  const second = iqtask(copied('second'), 'run', 'ad')
  add('second', 'a second application, correlated by one attribute / script', second, script, 0.9)
  add('identical', 'byte-identical file / load', iqtask(cwd, 'run', 'hr'), load, 0.15, 100)
  feed({ shuffled: true })
  add('unchanged', 'unchanged, rows shuffled / load', iqtask(cwd, 'run', 'hr'), load, 0.6, 40)
  const random = iqtask(organisation(folder, 'shuffled'), 'run', 'hr')
  add('shuffled', 'first aggregation, rows in random order / script', random, script, 0.9)
  feed({ changed: true })
  add('changed', '1 % changed, with before images and missing detection / load', iqtask(cwd, 'run', 'hr'), load, 1, 40)
  writeFeed(join(folder, 'pairs.csv'), size, { shuffled: true, pairs: true })
  const merged = iqtask(organisation(folder, 'merged'), 'run', 'pairs')
  add('merge', 'a row per account and grant, in random order / script', merged, script, 1.2)
  // a plan of everything, which keeps every change with what is there before it
  feed()
  const planned = iqtask(organisation(folder, 'planned'), 'plan', 'hr', '--out', 'hr.plan')
  const peakMb = Math.max(...lines.map((line) => line.peakMb))
  const flat = { seconds: 0, yardstick: 0, peakMb }
  return [
    ...lines,
    { ...flat, id: 'memory', what: 'peak memory of any of these runs', goal: 256, slack: 2, unit: 'MB' },
    ...[
      { id: 'memory-merge', what: 'peak memory of the merge of five pairs an account in random order', done: merged },
      { id: 'memory-plan', what: 'peak memory of a plan of the first aggregation, kept in a file', done: planned },
    ].map(({ done, ...line }) => ({ ...flat, ...line, peakMb: done.peakMb, goal: 256, slack: 2, unit: 'MB' as const })),
    {
      ...flat,
      id: 'store',
      what: "size of the store / the yardstick's database",
      seconds: store,
      yardstick: bytes,
      goal: 1.3,
      slack: 2,
      unit: '×',
    },
  ]
}

/** `load`: the bare text in one table. `script`: the same accounts, entitlements, grants and identities by hand-written SQL. */
function yardsticks(folder: string): { load: number; script: number; bytes: number } {
  const sql = readFileSync(join(import.meta.dirname, 'yardstick.sql'), 'utf8')
  const input = '.mode csv\n.import a.csv a\ncreate unique index u on a(id);\n'
  const load = Math.min(...[1, 2, 3].map((n) => timed('sqlite3', [`load${n}.db`], { cwd: folder, input })))
  const script = timed('sqlite3', ['script.db'], { cwd: folder, input: sql })
  const bytes = statSync(join(folder, 'script.db')).size
  for (const name of ['load1.db', 'load2.db', 'load3.db', 'script.db']) rmSync(join(folder, name))
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
  const [few, many] = [inFolder((folder) => twice(folder, 100_000)), inFolder((folder) => twice(folder, 10_000_000))]
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
  const memory = (['first', 'unchanged'] as const).map((id): Figure => {
    const what = `peak memory at 10 M: ${id}`
    return { id: `memory-${id}-10000000`, what, value: many[id].peakMb, unit: 'MB', goal: 256, note: '' }
  })
  return [...times, ...memory]
}

/** A first aggregation, and the same accounts again in another order. */
function twice(folder: string, size: number): { readonly first: Measured; readonly unchanged: Measured } {
  writeFeed(join(folder, 'a.csv'), size)
  const cwd = organisation(folder, 'ordered')
  const first = iqtask(cwd, 'run', 'hr')
  writeFeed(join(folder, 'a.csv'), size, { shuffled: true })
  return { first, unchanged: iqtask(cwd, 'run', 'hr') }
}
