import type { Code } from './codes.ts'
import { UserError } from './errors.ts'
import { didYouMean } from './nearest.ts'

/** What can be looked up by name: executors, connectors, … */
export interface Registry<T extends { readonly name: string }> {
  readonly names: readonly string[]
  has(name: string): boolean
  /** @throws UserError naming the nearest known names */
  get(name: string): T
}

export function createRegistry<T extends { readonly name: string }>(
  noun: string,
  code: Code,
  entries: readonly T[],
): Registry<T> {
  const byName = new Map<string, T>()
  for (const entry of entries) {
    if (byName.has(entry.name)) throw new UserError(`two ${noun}s are named "${entry.name}"`, { code: 'IQ1110' })
    byName.set(entry.name, entry)
  }
  return {
    names: [...byName.keys()],
    has: (name) => byName.has(name),
    get(name) {
      const entry = byName.get(name)
      if (entry !== undefined) return entry
      throw new UserError(`no ${noun} named "${name}"`, {
        code,
        hint: didYouMean(name, byName.keys()) ?? `known: ${[...byName.keys()].join(', ')}`,
      })
    },
  }
}
