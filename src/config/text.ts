import { readFileSync, statSync } from 'node:fs'
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { ZodType } from 'zod'
import { type Place, UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'

export interface ParsedFile {
  readonly file: string
  readonly text: string
  readonly value: unknown
  /** Where the value or key at a path stands. */
  place(path: readonly PropertyKey[]): Place
}

const limit = 1024 * 1024
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])

/** Reads a YAML or JSON file (JSON is YAML's strict subset here) and keeps where everything stands. @throws UserError IQ1101, IQ1102 */
export function parseFile(file: string): ParsedFile {
  let text: string
  try {
    if (statSync(file).size > limit) throw new Error('it is larger than 1 MiB')
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`, {
      code: 'IQ1101',
      place: { file },
      cause: error,
    })
  }
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    schema: 'core',
    prettyErrors: false,
    strict: true,
  })
  const problem = document.errors[0]
  if (problem !== undefined)
    throw new UserError(`not valid: ${problem.message}`, {
      code: 'IQ1102',
      place: at(problem.pos[0]),
      hint: 'mend the file at that place',
    })
  if (file.endsWith('.json')) strictJson(text, file, at)
  let value: unknown
  try {
    keepDigits(document.contents)
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new UserError(`not usable: ${(error as Error).message}`, { code: 'IQ1102', place: { file }, cause: error })
  }
  return {
    file,
    text,
    value,
    place(path) {
      for (let end = path.length; end >= 0; end--) {
        const node = document.getIn(path.slice(0, end) as string[], true) as Node | undefined
        if (node?.range != null) return at(node.range[0])
      }
      return { file, line: 1, column: 1 }
    },
  }
}

function strictJson(text: string, file: string, at: (offset: number) => Place): void {
  try {
    JSON.parse(text)
  } catch (error) {
    const offset = /position (\d+)/.exec((error as Error).message)?.[1]
    throw new UserError(`not valid JSON: ${(error as Error).message}`, {
      code: 'IQ1102',
      place: offset === undefined ? { file } : at(Number(offset)),
    })
  }
}

/** Numbers that a double cannot hold, and digits with leading zeros, stay text: they are ids. Dangerous keys are refused. */
function keepDigits(node: unknown): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      if (forbidden.has(key)) throw new Error(`the key ${key} is not allowed`)
      keepDigits(pair.value)
    }
  } else if (typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)) {
    for (const item of node.items) keepDigits(item)
  } else if (
    isScalar(node) &&
    typeof node.value === 'number' &&
    node.source !== undefined &&
    String(node.value) !== node.source
  ) {
    if (/^-?0\d/.test(node.source) || (/^-?\d+$/.test(node.source) && !Number.isSafeInteger(node.value)))
      node.value = node.source
  }
}

/** Checks a parsed file against its schema. @throws UserError with file, line and column of the first problem */
export function check<Output>(parsed: ParsedFile, schema: ZodType<Output>, base: readonly PropertyKey[] = []): Output {
  const done = schema.safeParse(parsed.value)
  if (done.success) return done.data
  const issue = deepest(done.error.issues)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    throw new UserError(`unknown key "${key}"`, {
      code: 'IQ1103',
      place: parsed.place([...base, ...issue.path, key]),
      hint: didYouMean(key, knownKeys) ?? 'iqtask schema KIND lists the keys',
    })
  }
  throw new UserError(`${issue.path.join('.') || 'the file'}: ${issue.message}`, {
    code: 'IQ1104',
    place: parsed.place([...base, ...issue.path]),
  })
}

type Issues = NonNullable<ReturnType<ZodType['safeParse']>['error']>['issues']

/** Of a union's branches the one that came furthest is what was meant. */
function deepest(issues: Issues): Issues[number] {
  const issue = issues[0] as Issues[number]
  if (issue.code !== 'invalid_union') return issue
  const branches = issue.errors.filter((branch) => branch.length > 0).map((branch) => deepest(branch as Issues))
  const best = branches.sort((a, b) => b.path.length - a.path.length || (b.code === 'unrecognized_keys' ? 1 : -1))[0]
  return best === undefined || (best.path.length === 0 && best.code !== 'unrecognized_keys')
    ? issue
    : { ...best, path: [...issue.path, ...best.path] }
}

/** Filled by the schemas: what a mistyped key may have meant. */
export const knownKeys = new Set<string>()
