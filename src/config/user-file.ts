import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Origin } from '../model/project.ts'
import { refuseLiteralSecrets } from './expressions.ts'
import { configSchema } from './schema.ts'
import { check, type ParsedFile, parseFile } from './text.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A person's own settings, below those of every project: `$XDG_CONFIG_HOME/iqtask/config.yaml`. */
export const userFile = (env: Environment): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'iqtask', 'config.yaml')

/** The project's file, with the person's own settings where it has none. @throws UserError with the place in the person's file */
export function withUserFile(project: ParsedFile, env: Environment): ParsedFile {
  const file = userFile(env)
  if (!existsSync(file)) return project
  const own = parseFile(file)
  const settings = check(own, configSchema.partial())
  refuseLiteralSecrets(own, settings.notify, ['notify'])
  return isPlain(project.value) && isPlain(own.value)
    ? { ...project, value: { ...own.value, ...project.value } }
    : project
}

/** Where each setting comes from; the environment goes before both files. */
export function originOf(project: ParsedFile, env: Environment): (setting: string) => Origin {
  const file = userFile(env)
  const own = existsSync(file) ? parseFile(file).value : undefined
  const has = (value: unknown, setting: string): boolean => isPlain(value) && value[setting] !== undefined
  return (setting) => {
    const variable = `IQTASK_${setting.toUpperCase()}`
    if (env[variable] !== undefined && variable in variables) return { kind: 'environment', name: variable }
    if (has(project.value, setting)) return { kind: 'project', name: project.file }
    return has(own, setting) ? { kind: 'user', name: file } : { kind: 'default', name: null }
  }
}

/** Settings that a variable can set; all others are of a shape that no variable holds. */
const variables = { IQTASK_STORE: true } as const

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
