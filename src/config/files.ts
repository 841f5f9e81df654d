import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Code } from '../base/codes.ts'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { ObjectFiles } from '../model/project.ts'
import { type ParsedFile, parseFile } from './text.ts'

export interface ObjectKind<T> {
  readonly noun: string
  /** What an unknown name is answered with. */
  readonly code: Code
  readonly build: (parsed: ParsedFile) => T
}

/** Files of one kind by name; the later folder wins. A faulty file is an error for whoever asks for its object, for nobody else. */
export function objectFiles<T>(
  folders: readonly string[],
  kind: ObjectKind<T>,
): ObjectFiles<T> & { files(): string[] } {
  const built = new Map<string, T>()
  let index: Map<string, string> | undefined
  const byName = (): Map<string, string> => {
    index ??= indexOf(folders, kind.noun)
    return index
  }
  return {
    names: () => [...byName().keys()].sort(),
    files: () => [...byName().values()],
    get(name) {
      const known = built.get(name)
      if (known !== undefined) return known
      const file = byName().get(name)
      if (file === undefined)
        throw new UserError(`no ${kind.noun} named "${name}"`, {
          code: kind.code,
          hint: [didYouMean(name, byName().keys()) ?? [], `all ${kind.noun}s: iqtask ${kind.noun} list`]
            .flat()
            .join('    '),
        })
      const object = kind.build(parseFile(file))
      built.set(name, object)
      return object
    },
  }
}

const isObjectFile = (name: string): boolean => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.')

function indexOf(folders: readonly string[], noun: string): Map<string, string> {
  const all = new Map<string, string>()
  for (const folder of folders) {
    const here = new Map<string, string>()
    for (const file of listed(folder)) {
      const name = nameIn(file)
      const other = here.get(name)
      if (other !== undefined)
        throw new UserError(`two ${noun}s are named "${name}": ${other} and ${file}`, {
          code: 'IQ1110',
          place: { file },
          hint: 'rename one of them',
        })
      here.set(name, file)
    }
    for (const [name, file] of here) all.set(name, file)
  }
  return all
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(isObjectFile)
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new UserError(`${folder} cannot be read: ${(error as Error).message}`, {
      code: 'IQ1101',
      place: { file: folder },
      cause: error,
    })
  }
}

/** The object's `name:`; for a file that cannot be read as one, its own name, so that it is found and its fault told. */
function nameIn(file: string): string {
  const plain = plainName(file)
  if (plain !== undefined) return plain
  try {
    const { value } = parseFile(file)
    const name = (value as { name?: unknown } | null)?.name
    if (typeof name === 'string') return name
  } catch {
    // told when somebody asks for it
  }
  return basename(file).replace(/\.[^.]+$/, '')
}

/** As most files begin; a parser takes longer for all of them than most commands do. */
const plainStart = /^(?:#.*\r?\n|\r?\n)*kind: *\w+ *\r?\nname: *([a-z][\w.-]*) *\r?\n/i
/** What YAML takes for something else than text. */
const noText = /^(?:true|false|null)$/i

function plainName(file: string): string | undefined {
  try {
    const name = plainStart.exec(readFileSync(file, 'utf8'))?.[1]
    return name === undefined || noText.test(name) ? undefined : name
  } catch {
    return undefined
  }
}
