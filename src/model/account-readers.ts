import { type AccountUse, type Application, accountTimes, accountUses, type ValueSource } from './application.ts'
import { convert, toDate } from './convert.ts'
import { compileExpression, firstLine } from './expression.ts'
import type { MappedAccount } from './mapped-account.ts'
import { evenOut } from './normalize.ts'
import { asText, RowFault, type Scope } from './row-values.ts'
import type { RawValue } from './value.ts'

/** What `now` and `today` mean in one run. */
export interface Times {
  readonly now: Date
  readonly today: Date
}

/** Everything that is computed from a row's attributes, compiled once. Each throws RowFault. */
export interface AccountReaders {
  flags(scope: Scope): { readonly disabled: boolean; readonly locked: boolean }
  /** Adds the computed attributes, in the order of the definition. */
  compute(scope: Scope): void
  displayName(scope: Scope): string | undefined
  owner(scope: Scope): string | undefined
  use(scope: Scope): AccountUse
  times(scope: Scope): MappedAccount['times']
  keys(scope: Scope): MappedAccount['keys']
}

type Read = (scope: Scope) => unknown

export function compileAccountReaders(application: Application, times: Times): AccountReaders {
  const { account: definition } = application
  const reader = (field: string, source: ValueSource | undefined): Read => compileSource(field, source, times)
  const disabled = reader('disabled', definition.disabled)
  const locked = reader('locked', definition.locked)
  const display = reader('displayName', definition.displayName)
  const owner = reader('owner', definition.owner)
  const use = typeof definition.use === 'string' ? () => definition.use : reader('use', definition.use)
  const computed = definition.attributes.flatMap(({ name, expr }) =>
    expr === undefined ? [] : [{ name, read: reader(name, { expr }) }],
  )
  const rules = [...application.correlation, ...(application.authoritative?.sameAs ?? [])].map((rule) => ({
    rule,
    read: reader('correlation', rule.from),
  }))
  const moments = accountTimes.flatMap((name) => {
    const source = definition.times[name]
    return source === undefined ? [] : [{ name, read: reader(name, source.from) }]
  })
  return {
    flags: (scope) => ({ disabled: truth('disabled', disabled(scope)), locked: truth('locked', locked(scope)) }),
    compute(scope) {
      for (const { name, read } of computed) {
        const value = read(scope)
        if (value !== undefined && value !== null && value !== '') scope[name] = value
      }
    },
    displayName: (scope) => asText(display(scope)),
    owner: (scope) => asText(owner(scope)),
    use: (scope) => knownUse(asText(use(scope))),
    times: (scope) =>
      moments.length === 0 ? {} : Object.fromEntries(moments.flatMap(({ name, read }) => timeEntry(name, read(scope)))),
    keys: (scope) => rules.map(({ rule, read }) => keyOf(rule, read(scope))),
  }
}

function compileSource(field: string, source: ValueSource | undefined, times: Times): Read {
  if (source === undefined) return () => undefined
  if ('attribute' in source) return (scope) => scope[source.attribute]
  const compiled = compileExpression(source.expr, { variables: ['account', 'today', 'now'] })
  return (scope) => {
    try {
      return compiled.evaluate({ account: scope, now: times.now, today: times.today })
    } catch (error) {
      throw new RowFault({ code: 'IQ2105', reason: `${field}: ${firstLine(error)}`, column: field })
    }
  }
}

function truth(field: string, value: unknown): boolean {
  if (value === undefined) return false
  const done = convert(field, value as RawValue, 'boolean', undefined)
  if ('code' in done) throw new RowFault({ ...done, column: field })
  return done.value === true
}

function knownUse(value: string | undefined): AccountUse {
  const use = accountUses.find((candidate) => candidate === value)
  if (use !== undefined) return use
  throw new RowFault({ code: 'IQ2105', reason: `use is none of ${accountUses.join(', ')}`, column: 'use' })
}

const keyOf = (rule: Parameters<typeof evenOut>[0], value: unknown): string | null =>
  Array.isArray(value) ? null : (evenOut(rule, asText(value) ?? '') ?? null)

function timeEntry(name: string, value: unknown): [string, string][] {
  if (value === undefined || value === null || value === '') return []
  const iso = value instanceof Date ? value.toISOString() : toDate(String(value), undefined)
  if (iso === undefined)
    throw new RowFault({
      code: 'IQ2104',
      reason: `${name} is not a date: ${JSON.stringify(String(value).slice(0, 60))}`,
      column: name,
    })
  return [[name, iso.length === 10 ? `${iso}T00:00:00.000Z` : iso]]
}
