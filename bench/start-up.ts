import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Figure, Suite } from './figure.ts'

const entry = join(import.meta.dirname, '../bin/iqtask.js')

/** What one waits for before anything happens (cli.md, rule 10). */
export const startUp: Suite = {
  name: 'start-up',
  summary: 'how long the commands take that do almost nothing',
  run() {
    const folder = mkdtempSync(join(tmpdir(), 'iqtask-bench-'))
    try {
      iqtask(folder, 'init', 'demo', '--example')
      const cwd = join(folder, 'demo')
      iqtask(cwd, 'run', 'aggregation')
      const bare = median(() => node(cwd, '-e', '0'))
      return [
        figure(
          'help',
          2,
          bare,
          median(() => iqtask(cwd, '--help')),
        ),
        figure(
          'results',
          3,
          bare,
          median(() => iqtask(cwd, 'results')),
        ),
      ]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const figure = (what: string, goal: number, bare: number, time: number): Figure => ({
  id: what,
  what: `${what} / bare node`,
  value: Number((time / bare).toFixed(2)),
  unit: '×',
  goal,
  note: `${time.toFixed(0)} ms, bare node ${bare.toFixed(0)} ms, medians of 21`,
})

const node = (cwd: string, ...args: string[]): void => {
  spawnSync(process.execPath, args, { cwd })
}
const iqtask = (cwd: string, ...args: string[]): void => node(cwd, entry, ...args)

function median(work: () => void): number {
  const times = Array.from({ length: 21 }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[10] ?? 0
}
