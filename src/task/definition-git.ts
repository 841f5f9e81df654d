import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { JsonObject } from '../base/json.ts'

/** Which commit a definition is from, whose it is, and whether the file was changed since. Undefined outside a repository. */
export function gitOf(file: string): JsonObject | undefined {
  if (!isInRepository(dirname(file))) return undefined
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', dirname(file), ...args], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const [commit, author] = git('log', '-1', '--format=%H%n%an <%ae>', '--', file).split('\n')
    if (commit === undefined || commit === '') return undefined
    return { commit, author: author ?? null, dirty: git('status', '--porcelain', '--', file) !== '' }
  } catch {
    // no git, no repository: nothing to say
    return undefined
  }
}

/** Git itself takes a while to say that there is none. */
function isInRepository(folder: string): boolean {
  if (process.env.GIT_DIR !== undefined || existsSync(join(folder, '.git'))) return true
  const above = dirname(folder)
  return above !== folder && isInRepository(above)
}
