import { readFileSync, statSync } from 'node:fs'
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { ZodType } from 'zod'
import { type Place, UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'

export interface ParsedFile {
  readonly file: string
  readonly text: string
  readonly value: unknown
  /** Where the value at a path stands, or the nearest one around it. */
  place(path: readonly PropertyKey[]): Place
  /** Where the key at the end of the path stands. */
  keyPlace(path: readonly PropertyKey[]): Place
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
  const place = (path: readonly PropertyKey[]): Place => {
    for (let end = path.length; end >= 0; end--) {
      const node = document.getIn(path.slice(0, end) as string[], true) as Node | undefined
      if (node?.range != null) return at(node.range[0])
    }
    return { file, line: 1, column: 1 }
  }
  return {
    file,
    text,
    value,
    place,
    keyPlace(path) {
      const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1) as string[], true)
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1))
        : undefined
      const key = pair?.key as Node | undefined
      return key?.range == null ? place(path) : at(key.range[0])
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
  const issue = tellingIssue(done.error.issues)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    throw new UserError(`unknown key "${key}"`, {
      code: 'IQ1103',
      place: parsed.keyPlace([...base, ...issue.path, key]),
      hint: didYouMean(key, knownKeys) ?? 'iqtask schema KIND lists the keys',
    })
  }
  throw new UserError(`${issue.path.join('.') || 'the file'}: ${expectationOf(issue)}`, {
    code: 'IQ1104',
    place: parsed.place([...base, ...issue.path]),
  })
}

/** What a schema expected, in a few words; of a union whose branches all expect another kind of value, all of them. */
export function expectationOf(issue: Issues[number]): string {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input')
    return issue.message.replace(/^Invalid (?:input|option): /, '')
  const branches = issue.errors.flatMap(([first]) =>
    first === undefined ? [] : [expectationOf(first as Issues[number])],
  )
  const kinds = branches.map((text) => text.replace(/^expected /, '').replace(/, received \w+$/, ''))
  return `expected ${[...new Set(kinds)].join(' or ')}`
}

type Issues = NonNullable<ReturnType<ZodType['safeParse']>['error']>['issues']

/** The issue that says most: a mistyped key before what is missing because of it; of a union the branch that was meant. */
function tellingIssue(issues: Issues): Issues[number] {
  const issue = issues.find((one) => one.code === 'unrecognized_keys') ?? (issues[0] as Issues[number])
  if (issue.code !== 'invalid_union') return issue
  const branches = issue.errors
    .map((branch) => ({ count: branch.length, issue: tellingIssue(branch as Issues) }))
    // a value of another kind altogether: that branch was not meant
    .filter((branch) => branch.issue.path.length > 0 || branch.issue.code === 'unrecognized_keys')
    .sort((a, b) => a.count - b.count || b.issue.path.length - a.issue.path.length)
  const meant = branches[0]?.issue
  return meant === undefined ? issue : { ...meant, path: [...issue.path, ...meant.path] }
}

/** Filled by the schemas: what a mistyped key may have meant. */
export const knownKeys = new Set<string>()
