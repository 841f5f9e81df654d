import type { Application, AttributeDefinition, CorrelationRule, ValueSource } from './application.ts'
import { type PlainTest, plainTest, plainText } from './expression-plain.ts'
import type { IdentityModel } from './identity-model.ts'
import { type PlainDraft, plainDraft } from './plain-draft.ts'

/** How a cell is looked at: everything else than its commonest form is left to the mapping proper. */
export type CellKind = 'text' | 'date' | 'number' | 'boolean' | 'list'

/** A flag that a cell tells: it is this text (or, without one, it says yes). */
export interface PlainFlag {
  readonly column: number
  readonly equals: string | undefined
  readonly negated: boolean
}

/**
 * What an application's definition makes of records whose cells are plain (printable ASCII, no quotes, dates as `2026-11-24`): by columns, so
 * that it can be done over bytes. It is a twin of `mapping.ts`, `content-hash.ts` and `identity-creation.ts`; a property test holds them equal.
 */
export interface PlainAccount {
  readonly kinds: readonly CellKind[]
  /** Columns without which the record is not plain. */
  readonly needed: readonly number[]
  readonly native: readonly number[]
  readonly ignoreCase: boolean
  /** Columns; -1 for none. */
  readonly uuid: number
  readonly owner: number
  readonly use: string
  /** Texts and columns; empty for none. A display name of one column may be empty. */
  readonly display: readonly (string | number)[]
  readonly disabled: PlainFlag | undefined
  readonly locked: PlainFlag | undefined
  readonly attributes: readonly { readonly name: string; readonly column: number }[]
  readonly entitlements: readonly PlainEntitlement[]
  readonly keys: readonly { readonly column: number; readonly rule: CorrelationRule }[]
  readonly draft: PlainDraft | undefined
  /** Columns of ignored texts that nothing is made of. */
  readonly unused: ReadonlySet<number>
}

/** The same of several records as one, whose lists are joined by their separators; `separator`: of those that have none. */
export const united = (plain: PlainAccount, separator: number): PlainAccount => ({
  ...plain,
  entitlements: plain.entitlements.map((one) => ({
    ...one,
    multiple: true,
    split: one.split === -1 ? separator : one.split,
  })),
})

export interface PlainEntitlement {
  readonly name: string
  readonly column: number
  readonly multiple: boolean
  /** Code of the separator; -1 for none. */
  readonly split: number
}

/** Names that JavaScript keeps in another order than they were given in. */
const isNumber = /^\d+$/
const isPlain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** Undefined where the definition asks for more than columns can tell. `identity`: undefined where no identities are made. */
export function compilePlainAccount(
  application: Application,
  columns: readonly string[],
  identity: IdentityModel | undefined,
): PlainAccount | undefined {
  const { account, where, grants, cursor } = application
  if (where !== undefined || grants.length > 0 || cursor !== undefined) return undefined
  if (typeof account.use !== 'string' || Object.keys(account.times).length > 0) return undefined
  if (columns.some((name) => isNumber.test(name) || !isPlain.test(name) || isFlag(name))) return undefined
  if (account.attributes.some(isBeyond)) return undefined
  const declared = new Map(account.attributes.map((attribute) => [attribute.name, attribute]))
  const kinds = columns.map((name) => kindOf(declared.get(name), application.merge))
  const columnOf = (name: string): number => columns.indexOf(name)
  const needed = new Set<number>()
  const native = account.nativeIdentity.map(columnOf)
  const single = (column: number): boolean => column !== -1 && kinds[column] !== 'list'
  if (!native.every((column) => single(column) && needed.add(column))) return undefined
  const text = (name: string): number => (kinds[columnOf(name)] === 'text' ? columnOf(name) : -1)
  const display = displayOf(account.displayName, { columnOf, single, text, needed })
  const [disabled, locked] = [account.disabled, account.locked].map((source) =>
    flagOf(source, { columnOf, single, text, needed }),
  )
  const keys = [...application.correlation, ...(application.authoritative?.sameAs ?? [])].map((rule) => ({
    rule,
    column: attributeColumn(rule.from, columnOf),
  }))
  const [uuid, owner] = [
    account.uuid === undefined ? -1 : columnOf(account.uuid),
    account.owner === undefined ? -1 : attributeColumn(account.owner, columnOf),
  ]
  if (display === undefined || disabled === null || locked === null) return undefined
  if (keys.some(({ column }) => !single(column))) return undefined
  if ([uuid, owner].some((column) => kinds[column] === 'list') || isUnknown(account.owner, owner)) return undefined
  const given = [...columns].sort().filter((name) => declared.get(name)?.ignore !== true)
  const attributes = given.filter((name) => declared.get(name)?.entitlement !== true)
  if (attributes.some((name) => kinds[columnOf(name)] === 'list')) return undefined
  const draft = plainDraft(application, identity, attributes, columns, kinds, needed)
  if (draft === null) return undefined
  const used = new Set([
    uuid,
    owner,
    ...native,
    ...display,
    disabled?.column,
    locked?.column,
    ...keys.map((key) => key.column),
  ])
  const isUnused = (column: number): boolean =>
    kinds[column] === 'text' && declared.get(columns[column] ?? '')?.ignore === true && !used.has(column)
  return {
    kinds,
    needed: [...needed],
    native,
    ignoreCase: application.ignoreCase,
    uuid,
    owner,
    use: account.use,
    display,
    disabled,
    locked,
    attributes: attributes.map((name) => ({ name, column: columnOf(name) })),
    entitlements: given.flatMap((name) => entitlementOf(declared.get(name), columnOf(name))),
    keys,
    draft,
    unused: new Set(kinds.flatMap((_, column) => (isUnused(column) ? [column] : []))),
  }
}

/** Flags are names of their own in expressions; a column of that name would hide one. */
const isFlag = (name: string): boolean => name === 'disabled' || name === 'locked'

function isBeyond(attribute: AttributeDefinition): boolean {
  const { name, expr, split, format, entitlement, type, valuesIgnoreCase, multiple } = attribute
  if (expr !== undefined || isNumber.test(name) || !isPlain.test(name) || isFlag(name)) return true
  if (type === 'date' && format !== undefined) return true
  if (split !== undefined && (split.length !== 1 || !isPlain.test(split) || split === ' ')) return true
  return entitlement && (valuesIgnoreCase || (!multiple && type !== 'string'))
}

/** `merge`: entitlements of several records are a list. */
function kindOf(attribute: AttributeDefinition | undefined, merge: boolean): CellKind {
  if (attribute === undefined) return 'text'
  if (attribute.multiple || (merge && attribute.entitlement)) return 'list'
  return attribute.type === 'string' ? 'text' : attribute.type
}

interface Columns {
  columnOf(name: string): number
  /** One value, of whatever type. */
  single(column: number): boolean
  /** Where a text stands; -1 for anything else. */
  text(name: string): number
  readonly needed: Set<number>
}

const attributeColumn = (source: ValueSource, columnOf: (name: string) => number): number =>
  'attribute' in source ? columnOf(source.attribute) : -1

const isUnknown = (source: ValueSource | undefined, column: number): boolean => source !== undefined && column === -1

function displayOf(source: ValueSource | undefined, columns: Columns): (string | number)[] | undefined {
  if (source === undefined) return []
  if ('attribute' in source) {
    const column = columns.columnOf(source.attribute)
    return columns.single(column) ? [column] : undefined
  }
  const parts: (string | number)[] = []
  for (const part of plainText(source.expr, 'account') ?? [undefined]) {
    if (part === undefined || (typeof part === 'string' && !isPlain.test(part))) return undefined
    const column = typeof part === 'string' ? -1 : columns.text(part.name)
    if (typeof part !== 'string' && column === -1) return undefined
    if (column !== -1) columns.needed.add(column)
    parts.push(typeof part === 'string' ? part : column)
  }
  // nothing but texts could be the empty text, which is no name
  return parts.some((part) => typeof part === 'number') ? parts : undefined
}

/** Null: not to be told by a column. */
function flagOf(source: ValueSource | undefined, columns: Columns): PlainFlag | undefined | null {
  if (source === undefined) return undefined
  if ('attribute' in source) {
    const column = columns.columnOf(source.attribute)
    return columns.single(column) ? { column, equals: undefined, negated: false } : null
  }
  const test = plainTest(source.expr, 'account')
  return test === undefined ? null : comparison(test, columns)
}

function comparison({ of, equals, negated }: PlainTest, columns: Columns): PlainFlag | null {
  const column = columns.text(of.name)
  if (column === -1 || equals === undefined) return null
  columns.needed.add(column)
  return { column, equals, negated }
}

function entitlementOf(attribute: AttributeDefinition | undefined, column: number): PlainEntitlement[] {
  if (attribute?.entitlement !== true) return []
  const { name, multiple, split } = attribute
  return [{ name, column, multiple, split: split === undefined ? -1 : split.charCodeAt(0) }]
}
