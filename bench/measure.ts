import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const entry = join(import.meta.dirname, '../bin/iqtask.js')

export interface Measured {
  readonly seconds: number
  /** Largest resident set of the whole process, threads included. */
  readonly peakMb: number
}

/** Runs iqtask as its users do: a process of its own, from start to closed store. @throws Error with what it said, when it failed */
export function iqtask(cwd: string, ...args: readonly string[]): Measured {
  const peak = join(cwd, 'peak')
  const watch = `import { isMainThread } from 'node:worker_threads'; import { writeFileSync } from 'node:fs';
    if (isMainThread) process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)))`
  const loader = `data:text/javascript,${encodeURIComponent(watch)}`
  const seconds = timed(process.execPath, ['--import', loader, entry, ...args], { cwd })
  return { seconds, peakMb: Math.round(Number(readFileSync(peak, 'utf8')) / 1024) }
}

/** Seconds of wall time. */
export function timed(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly input?: string },
): number {
  // files that were made before are not written out meanwhile
  spawnSync('sync')
  const start = performance.now()
  const done = spawnSync(command, args, { ...options, encoding: 'utf8', maxBuffer: 1 << 28 })
  const seconds = (performance.now() - start) / 1000
  if (done.error !== undefined) throw done.error
  // rejects and questions (3) are results too
  if (done.status !== 0 && done.status !== 3)
    throw new Error(`${command} ${args.slice(-4).join(' ')} ended with ${done.status}: ${done.stdout}${done.stderr}`)
  return seconds
}
