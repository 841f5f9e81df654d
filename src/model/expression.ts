import { Environment } from '@marcbachmann/cel-js'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'

/** A compiled CEL expression. */
export interface Expression {
  readonly source: string
  /** @throws Error with a sentence, e.g. for a key that is missing */
  evaluate(scope: Readonly<Record<string, unknown>>): unknown
}

/**
 * Compiles CEL that sees only the variables named. `matches` is refused: the library would run it on a backtracking engine,
 * on which a hostile value can take seconds.
 * @throws UserError IQ1106
 */
export function compileExpression(source: string, options: { readonly variables: readonly string[] }): Expression {
  const environment = new Environment({ limits: { maxAstNodes: 10_000, maxDepth: 100 } })
  for (const variable of options.variables) environment.registerVariable(variable, 'dyn')
  try {
    const parsed = environment.parse(source)
    if (/\bmatches\s*\(/.test(source)) throw new Error('matches() is not available in this version')
    const check = parsed.check()
    if (!check.valid) throw check.error ?? new Error('it does not fit together')
    return { source, evaluate: (scope) => plain(parsed(scope as Record<string, unknown>)) }
  } catch (error) {
    const text = firstLine(error)
    const unknown = /Unknown variable: (\w+)/.exec(text)?.[1]
    const near = unknown === undefined ? undefined : didYouMean(unknown, options.variables)
    throw new UserError(`the expression ${JSON.stringify(source)} does not compile: ${text}`, {
      code: 'IQ1106',
      hint: near ?? `it may use ${options.variables.join(', ')}; decimal numbers are written 1.0`,
      cause: error,
    })
  }
}

export const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''

/** CEL's integers are BigInt; attribute values are numbers. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  return value
}
