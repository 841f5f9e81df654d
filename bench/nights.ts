import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openApp } from '../src/app.ts'
import type { Figure, Suite } from './figure.ts'

const entry = join(import.meta.dirname, '../bin/iqtask.js')
const day = 86_400_000
/** The last night is compared with this one. */
const early = 20

/** Night after night over the sample organisation: what is kept may not make the store fat, nor the tool slow. */
export const nights: Suite = {
  name: 'nights',
  summary: 'size, run time and start-up after 400 nights with maintenance, next to those of the 20th',
  async run({ small }) {
    const folder = mkdtempSync(join(tmpdir(), 'iqtask-bench-'))
    try {
      execFileSync(process.execPath, [entry, 'init', 'demo', '--example'], { cwd: folder, stdio: 'ignore' })
      return await figures(join(folder, 'demo'), small ? 60 : 400)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Night {
  readonly bytes: number
  /** Of them: the trail is never cut, so it alone grows with every night, packed. */
  readonly auditBytes: number
  readonly runMs: number
  readonly startMs: number
}

async function figures(cwd: string, count: number): Promise<Figure[]> {
  writeFileSync(
    join(cwd, 'iqtask.config.yaml'),
    `${readFileSync(join(cwd, 'iqtask.config.yaml'), 'utf8')}\nretention: { results: 14d, rejects: 14d, images: 14d, gone: 30d }\n`,
  )
  // single nights jitter; the medians of five next to each other do not
  const [before, after]: [Night[], Night[]] = [[], []]
  let now = Date.parse('2027-01-01T02:00:00Z')
  const clock = { now: () => new Date(now), monotonicMs: () => performance.now() }
  for (let night = 1; night <= count; night++) {
    now += day
    turn(join(cwd, 'data/directory.jsonl'), night)
    const runMs = await timed(async () => {
      const app = await openApp({ cwd, env: {}, clock })
      for (const task of ['aggregation', 'maintenance']) {
        const { status, messages } = await app.run({ task, trigger: 'schedule', set: {} })
        if (status !== 'success' && status !== 'warning')
          throw new Error(`night ${night}: ${task} ended ${status}: ${JSON.stringify(messages)}`)
      }
      await app.close()
    })
    const list = Math.abs(night - early) <= 2 ? before : night > count - 5 ? after : undefined
    if (list === undefined) continue
    const startMs = await timed(
      async () => void execFileSync(process.execPath, [entry, 'results'], { cwd, stdio: 'ignore' }),
    )
    list.push({ ...sizes(join(cwd, 'var/iqtask.db')), runMs, startMs })
  }
  const ratio = (id: string, of: (night: Night) => number, unit: string): Figure => {
    const [a, b] = [median(before.map(of)), median(after.map(of))]
    return {
      id,
      what: `${id} of night ${count} / night ${early}`,
      value: Number((b / a).toFixed(2)),
      unit: '×',
      goal: 1.3,
      slack: 1,
      note: `${b.toFixed(unit === 'MB' ? 2 : 0)} ${unit}, night ${early} ${a.toFixed(unit === 'MB' ? 2 : 0)} ${unit}, medians of 5`,
    }
  }
  const grown = median(after.map((night) => night.auditBytes)) - median(before.map((night) => night.auditBytes))
  return [
    ratio('size', ({ bytes }) => bytes / 1_000_000, 'MB'),
    {
      id: 'audit trail',
      what: 'audit trail, a night',
      value: Number((grown / (count - early) / 1000).toFixed(1)),
      unit: 'KB',
      goal: undefined,
      note: `events older than 30 days packed by the thousand; ${median(after.map((night) => night.auditBytes / 1000)).toFixed(0)} KB in all`,
    },
    ratio('run time', ({ runMs }) => runMs, 'ms'),
    ratio('start-up', ({ startMs }) => startMs, 'ms'),
  ]
}

function sizes(path: string): Pick<Night, 'bytes' | 'auditBytes'> {
  const db = new Sqlite(path, { readonly: true })
  const auditBytes = db
    .prepare(`select sum(pgsize) from dbstat where name in ('audit', 'audit_pack')`)
    .pluck()
    .get() as number
  db.close()
  return { bytes: statSync(path).size, auditBytes }
}

/** Every fiftieth account has logged in since, another fiftieth has another name. */
function turn(file: string, night: number): void {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const turned = lines.map((line, index) => {
    if ((index + night) % 50 === 0)
      return line.replace(
        /"lastLogon":"[^"]*"/,
        `"lastLogon":"2027-01-${String((night % 28) + 1).padStart(2, '0')}T08:30:00Z"`,
      )
    if ((index + night) % 50 === 1) return line.replace(/"displayName":"[^"]*"/, `"displayName":"Name ${night % 7}"`)
    return line
  })
  writeFileSync(file, `${turned.join('\n')}\n`)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
