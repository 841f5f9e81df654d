import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'

/** A compiled CEL expression. */
export interface Expression {
  readonly source: string
  /** @throws Error with a sentence, e.g. for a key that is missing */
  evaluate(scope: Readonly<Record<string, unknown>>): unknown
  /** Of the names given, those that it names: `hr.x`, `app.hr.x` or `app['etcd-io'].x`. */
  applications(known: readonly string[]): string[]
}

/**
 * Compiles CEL that sees only the variables named. Numbers are doubles. `matches` runs on a linear-time engine (RE2's syntax and
 * meaning, as the CEL specification demands), because a backtracking one can take seconds on a hostile value.
 * @throws UserError IQ1106
 */
export function compileExpression(source: string, options: { readonly variables: readonly string[] }): Expression {
  const environment = new Environment({ limits: { maxAstNodes: 10_000, maxDepth: 100 } })
  environment.registerFunction(`string.${linear}(string): bool`, linearMatches)
  for (const variable of options.variables) environment.registerVariable(variable, 'dyn')
  try {
    const first = environment.parse(source)
    const aliases = new Map<string, string>()
    const parsed = environment.parse(withPlainNames(withLinearMatches(source, first.ast), first.ast, aliases))
    const check = parsed.check()
    if (!check.valid) throw check.error ?? new Error('it does not fit together')
    return {
      source,
      evaluate(scope) {
        try {
          return plain(parsed(aliased(scope, aliases)))
        } catch (error) {
          const text = [...aliases].reduce((told, [alias, name]) => told.replaceAll(alias, name), sentence(error))
          throw new Error(text, { cause: error })
        }
      },
      applications: (known) => namedIn(first.ast, known),
    }
  } catch (error) {
    const text = sentence(error)
    const unknown = /Unknown variable: (\w+)/.exec(text)?.[1]
    const near = unknown === undefined ? undefined : didYouMean(unknown, options.variables)
    throw new UserError(`the expression ${JSON.stringify(source)} does not compile: ${text}`, {
      code: 'IQ1106',
      hint: near ?? `it may use ${options.variables.join(', ')}`,
      cause: error,
    })
  }
}

export const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''

/** The library's sentence; where it stumbles over whole numbers, how to write them. */
function sentence(error: unknown): string {
  const text = firstLine(error).replaceAll(linear, 'matches')
  return /no such overload/i.test(text) && /\bint\b/.test(text) && /\b(dyn|double)\b/.test(text)
    ? `${text}; numbers of data are decimal, write 1.0 instead of 1`
    : text
}

/** CEL's integers are BigInt; attribute values are numbers. */
const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

/** As long as `matches`, so that places in errors stay right. */
const linear = 're2test'
const patterns = new Map<string, RE2JS>()

function linearMatches(text: string, pattern: string): boolean {
  return compiledPattern(pattern).matcher(text).find()
}

function compiledPattern(pattern: string): RE2JS {
  let compiled = patterns.get(pattern)
  if (compiled === undefined) {
    try {
      compiled = RE2JS.compile(pattern)
    } catch (error) {
      throw new Error(`${JSON.stringify(pattern)} is no regular expression of RE2: ${firstLine(error)}`, {
        cause: error,
      })
    }
    // patterns that come from data must not fill the memory
    if (patterns.size > 1000) patterns.clear()
    patterns.set(pattern, compiled)
  }
  return compiled
}

/** The library's own `matches` cannot be replaced: the calls are renamed where the parsed tree says they are. */
function withLinearMatches(source: string, ast: ASTNode): string {
  let text = source
  for (const node of nodesOf(ast)) {
    if (node.op !== 'rcall' || node.args[0] !== 'matches') continue
    const [, receiver, [pattern]] = node.args
    if (pattern === undefined) continue
    if (pattern.op === 'value' && typeof pattern.args === 'string') compiledPattern(pattern.args)
    const at = text.indexOf('matches', receiver.end)
    text = `${text.slice(0, at)}${linear}${text.slice(at + linear.length)}`
  }
  return text
}

/** `has()` takes only a chain of names: `app['etcd-io']` becomes one. The tree's ranges are those of the text, from the right to the left. */
function withPlainNames(source: string, ast: ASTNode, aliases: Map<string, string>): string {
  const nodes = [...nodesOf(ast)].flatMap((node) =>
    node.op === '[]' && isApp(node.args[0]) && node.args[1].op === 'value' && typeof node.args[1].args === 'string'
      ? [{ start: node.start, end: node.end, name: node.args[1].args }]
      : [],
  )
  let text = source
  for (const { start, end, name } of nodes.sort((a, b) => b.start - a.start)) {
    const alias = `a_${Buffer.from(name).toString('hex')}`
    aliases.set(alias, name)
    text = `${text.slice(0, start)}app.${alias}${text.slice(end)}`
  }
  return text
}

function aliased(
  scope: Readonly<Record<string, unknown>>,
  aliases: ReadonlyMap<string, string>,
): Record<string, unknown> {
  if (aliases.size === 0) return scope as Record<string, unknown>
  const app = { ...(scope.app as Record<string, unknown> | undefined) }
  for (const [alias, name] of aliases) if (app[name] !== undefined) app[alias] = app[name]
  return { ...scope, app }
}

function* nodesOf(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item)
  else if (typeof value === 'object' && value !== null && 'op' in value && 'args' in value) {
    yield value as ASTNode
    yield* nodesOf(value.args)
  }
}

function namedIn(ast: ASTNode, known: readonly string[]): string[] {
  const named = new Set<string>()
  for (const node of nodesOf(ast)) {
    if (node.op === 'id') named.add(node.args)
    if (node.op === '.' && isApp(node.args[0])) named.add(node.args[1])
    if (node.op === '[]' && isApp(node.args[0]) && node.args[1].op === 'value') named.add(String(node.args[1].args))
  }
  return known.filter((name) => named.has(name))
}

const isApp = (node: ASTNode): boolean => node.op === 'id' && node.args === 'app'
