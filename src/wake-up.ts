import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from './base/clock.ts'

/** What `schedule fire` reads before anything else: when each schedule is next due, and the files that this stands on. */
export interface WakeUps {
  /** When it was written, Unix ms. */
  readonly at: number
  readonly schedules: Readonly<
    Record<string, { readonly next: number | null; readonly files: Readonly<Record<string, string>> }>
  >
}

export const wakeUpFile = (project: string): string => join(project, 'var', 'schedules.json')
export const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/**
 * True: the wake-up came too early, and nothing has to be loaded to know it. Whenever something is not as it was when the file was
 * written (a definition, the clock, the environment), the whole tool looks.
 */
export function comesTooEarly(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): boolean {
  const [noun, verb, id = '', flag, project = '', more] = argv
  if (noun !== 'schedule' || verb !== 'fire' || flag !== '--project' || more !== undefined) return false
  if (env.IQTASK_CONFIG !== undefined || env.IQTASK_STORE !== undefined) return false
  try {
    const { at, schedules } = JSON.parse(readFileSync(wakeUpFile(resolve(cwd, project)), 'utf8')) as WakeUps
    const now = systemClock.now().getTime()
    const entry = schedules[id]
    // a clock that was set back may have to fire again what it never fired
    if (entry === undefined || now < at - 5_000 || (entry.next !== null && now + 5_000 >= entry.next)) return false
    return Object.entries(entry.files).every(([file, sha256]) => digestOf(file) === sha256)
  } catch {
    return false
  }
}
