import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Set where the tool is built: what was checked by other code is checked again. */
declare const IQTASK_BUILD: string
const build = typeof IQTASK_BUILD === 'undefined' ? undefined : `${IQTASK_BUILD} ${process.version}`

interface Checked<Settings> {
  readonly build: string
  readonly texts: readonly string[]
  readonly settings: Settings
}

/**
 * What a check of exactly these texts gave, which is plain JSON. To load the checkers takes longer than most commands do, so it is kept
 * beside Node's compile cache, in the user's own folder; where that cannot be, they are loaded.
 */
export function cachedSettings<Settings>(
  file: string,
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  make: () => Settings,
): Settings {
  const folder = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'iqtask', 'settings')
  const path = join(folder, `${encodeURIComponent(file).slice(-200)}.json`)
  const kept = build === undefined ? undefined : read<Settings>(path)
  if (kept?.build === build && JSON.stringify(kept?.texts) === JSON.stringify(texts))
    return (kept as Checked<Settings>).settings
  const settings = make()
  if (build !== undefined) keep(folder, path, { build, texts, settings })
  return settings
}

function read<Settings>(path: string): Checked<Settings> | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Checked<Settings>
  } catch {
    return undefined
  }
}

function keep(folder: string, path: string, checked: Checked<unknown>): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const unfinished = `${path}.${process.pid}`
    writeFileSync(unfinished, JSON.stringify(checked), { mode: 0o600 })
    renameSync(unfinished, path)
  } catch {
    // slower, not wrong
  }
}
