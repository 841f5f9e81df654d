import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import type { JsonObject } from '../base/json.ts'

/** Which commit a definition is from, whose it is, and whether the file was changed since. Undefined outside a repository. */
export function gitOf(file: string): JsonObject | undefined {
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
