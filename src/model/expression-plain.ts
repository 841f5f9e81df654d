import { type ASTNode, Environment } from '@marcbachmann/cel-js'

/** `account.first` in an expression. */
export interface PlainName {
  readonly variable: string
  readonly name: string
}

/** Texts and names whose texts, one after the other, are the value. */
export type PlainText = readonly (string | PlainName)[]

/** What the name holds is this text; without one, it is true. */
export interface PlainTest {
  readonly of: PlainName
  readonly equals: string | undefined
  readonly negated: boolean
}

export interface PlainChoice {
  readonly test: PlainTest
  readonly yes: string
  readonly no: string
}

/**
 * Expressions of the commonest forms, so that they need no evaluation: `account.first + ' ' + account.last`, `account.status != 'active'`,
 * `hr.disabled ? 'inactive' : 'active'`. Undefined for any other. They mean the same only where every name holds a text (or a flag).
 */
export const plainText = (source: string, variable: string): PlainText | undefined => textOf(treeOf(source, variable))
export const plainTest = (source: string, variable: string): PlainTest | undefined => testOf(treeOf(source, variable))

export function plainChoice(source: string, variable: string): PlainChoice | undefined {
  const node = treeOf(source, variable)
  if (node?.op !== '?:') return undefined
  const [test, yes, no] = [testOf(node.args[0]), literalOf(node.args[1]), literalOf(node.args[2])]
  return test === undefined || yes === undefined || no === undefined ? undefined : { test, yes, no }
}

function treeOf(source: string, variable: string): ASTNode | undefined {
  const environment = new Environment({ limits: { maxAstNodes: 100, maxDepth: 20 } })
  environment.registerVariable(variable, 'dyn')
  try {
    return environment.parse(source).ast
  } catch {
    return undefined
  }
}

function textOf(node: ASTNode | undefined): PlainText | undefined {
  if (node === undefined) return undefined
  if (node.op === '+') {
    const [left, right] = [textOf(node.args[0]), textOf(node.args[1])]
    return left === undefined || right === undefined ? undefined : [...left, ...right]
  }
  const one = nameOf(node) ?? literalOf(node)
  return one === undefined ? undefined : [one]
}

function testOf(node: ASTNode): PlainTest | undefined
function testOf(node: ASTNode | undefined): PlainTest | undefined
function testOf(node: ASTNode | undefined): PlainTest | undefined {
  if (node === undefined) return undefined
  if (node.op === '!_') {
    const of = nameOf(node.args)
    return of && { of, equals: undefined, negated: true }
  }
  if (node.op === '==' || node.op === '!=') {
    const [of, equals] = [nameOf(node.args[0]), literalOf(node.args[1])]
    return of && equals !== undefined ? { of, equals, negated: node.op === '!=' } : undefined
  }
  const of = nameOf(node)
  return of && { of, equals: undefined, negated: false }
}

function nameOf(node: ASTNode): PlainName | undefined {
  if (node.op !== '.') return undefined
  const [owner, name] = node.args
  return owner.op === 'id' ? { variable: owner.args, name } : undefined
}

const literalOf = (node: ASTNode): string | undefined =>
  node.op === 'value' && typeof node.args === 'string' ? node.args : undefined
