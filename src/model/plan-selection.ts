import { UserError } from '../base/errors.ts'
import { compileExpression, type Expression } from './expression.ts'
import { type PlanChange, unitOf } from './plan-change.ts'

/** The part of a plan that a person accepts: two CEL expressions over `change`. */
export interface PlanSelection {
  readonly only?: string | undefined
  readonly except?: string | undefined
}

/**
 * Which changes are not accepted. A record is accepted with all its changes when `only` is true for one of them, and left out
 * with all of them when `except` is.
 * @throws UserError IQ1106 for an expression that does not compile, IQ1002 for one that fails at a change or gives no bool
 */
export function notAccepted(
  selection: PlanSelection,
  changes: Iterable<PlanChange>,
): ((change: PlanChange) => boolean) | undefined {
  const only = compiled(selection.only)
  const except = compiled(selection.except)
  if (only === undefined && except === undefined) return undefined
  const wanted = new Set<string>()
  const unwanted = new Set<string>()
  for (const change of changes) {
    if (only !== undefined && holds(only, change)) wanted.add(unitOf(change))
    if (except !== undefined && holds(except, change)) unwanted.add(unitOf(change))
  }
  return (change) => {
    const unit = unitOf(change)
    return unwanted.has(unit) || (only !== undefined && !wanted.has(unit))
  }
}

/** @throws UserError IQ1106 for an expression that does not compile */
export function checkSelection({ only, except }: PlanSelection): void {
  compiled(only)
  compiled(except)
}

const compiled = (source: string | undefined): Expression | undefined =>
  source === undefined ? undefined : compileExpression(source, { variables: ['change'] })

function holds(expression: Expression, change: PlanChange): boolean {
  const refuse = (why: string, cause?: unknown): never => {
    throw new UserError(`the expression ${JSON.stringify(expression.source)} ${why} at ${change.key}`, {
      code: 'IQ1002',
      hint: `a change has kind, object, key, field, before, after; for example change.kind != 'end'`,
      cause,
    })
  }
  let value: unknown
  try {
    value = expression.evaluate({ change })
  } catch (error) {
    return refuse(`fails (${error instanceof Error ? error.message : String(error)})`, error)
  }
  return typeof value === 'boolean' ? value : refuse('gives no true or false')
}
