import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { write } from '../test/helpers/files.ts'
import type { Figure, Suite } from './figure.ts'

const entry = join(import.meta.dirname, '../bin/iqtask.js')

/** What a crontab's line costs when nothing is due: it comes a thousand times a day. */
export const schedule: Suite = {
  name: 'schedule',
  summary: 'a wake-up that comes too early, against a bare node',
  run() {
    const folder = mkdtempSync(join(tmpdir(), 'iqtask-bench-'))
    try {
      node(folder, entry, 'init', 'demo', '--example')
      const cwd = join(folder, 'demo')
      write(cwd, {
        'tasks/aggregation.yaml':
          'kind: TaskDefinition\nname: aggregation\nexecutor: account-aggregation\narguments: { applications: ["*"] }\nschedule: [{ name: yearly, cron: "0 0 1 1 *" }]\n',
      })
      // leaves behind when the schedule is next due
      node(cwd, entry, 'schedule', 'pause', 'aggregation/yearly')
      node(cwd, entry, 'schedule', 'resume', 'aggregation/yearly')
      const fire = () => node(cwd, entry, 'schedule', 'fire', 'aggregation/yearly', '--project', cwd)
      const [bare, early] = medians([() => node(cwd, '-e', '0'), fire])
      const figure: Figure = {
        id: 'early',
        what: 'schedule fire that is not due / bare node',
        value: Number(((early ?? 0) / (bare ?? 1)).toFixed(2)),
        unit: '×',
        goal: 2,
        note: `${early?.toFixed(0)} ms, bare node ${bare?.toFixed(0)} ms, medians of 21 in turn`,
      }
      return [figure]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

function node(cwd: string, ...args: string[]): void {
  const done = spawnSync(process.execPath, args, { cwd })
  if (done.status !== 0) throw new Error(`${args.slice(0, 4).join(' ')} ended with ${done.status}: ${done.stderr}`)
}

/** In turn, so that a busy machine is busy for both. */
function medians(works: readonly (() => void)[]): number[] {
  const times = works.map((): number[] => [])
  for (let round = 0; round < 21; round++)
    for (const [index, work] of works.entries()) {
      const start = performance.now()
      work()
      times[index]?.push(performance.now() - start)
    }
  return times.map((list) => list.sort((a, b) => a - b)[10] ?? 0)
}
