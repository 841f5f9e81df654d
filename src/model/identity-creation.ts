import type { Application } from './application.ts'
import { compileExpression, firstLine } from './expression.ts'
import { type IdentityModel, type IdentitySource, type IdentityStatus, identityStatuses } from './identity-model.ts'
import type { MappedAccount } from './mapped-account.ts'
import { normalize } from './normalize.ts'
import { asText, kept, seen } from './row-values.ts'
import type { Attributes, Value } from './value.ts'

export type IdentityDraft =
  | {
      readonly kind: 'identity'
      readonly name: string
      readonly status: IdentityStatus
      readonly attributes: Attributes
      readonly sources: Readonly<Record<string, string>>
    }
  | { readonly kind: 'unwanted' }
  | { readonly kind: 'error'; readonly reason: string }

/** What an authoritative application's account gives a new identity; sources over other applications are no value. */
export function compileIdentityCreation(
  model: IdentityModel,
  application: Application,
  options: { readonly now: Date; readonly today: Date },
): (account: MappedAccount) => IdentityDraft {
  const self = application.name
  const types = new Map(application.account.attributes.map((a) => [a.name, a.type]))
  const simple = /^[A-Za-z_]\w*$/.test(self)
  const expression = (source: string, extra: readonly string[]) =>
    compileExpression(source, { variables: [...extra, 'app', 'today', 'now'] })
  const value = (source: IdentitySource): ((scope: Record<string, unknown>) => unknown) | undefined => {
    if ('expr' in source) {
      if (source.applications.some((name) => name !== self)) return undefined
      const compiled = expression(source.expr, simple ? [self] : [])
      return (scope) => compiled.evaluate(context(scope))
    }
    return source.application === self ? (scope) => scope[source.attribute] : undefined
  }
  const context = (scope: Record<string, unknown>) => ({
    [self]: scope,
    app: { [self]: scope },
    now: options.now,
    today: options.today,
  })
  const readers = (sources: readonly IdentitySource[]) => sources.map(value).filter((read) => read !== undefined)
  const names = readers(model.name)
  const attributes = model.attributes.map((attribute) => ({ attribute, reads: readers(attribute.from) }))
  const rule = model.status.find((entry) => entry.application === self)
  const status = rule === undefined ? undefined : expression(rule.expr, simple ? [self] : [])
  const create = application.authoritative?.create
  const wanted =
    create === undefined ? undefined : compileExpression(create, { variables: ['account', 'today', 'now'] })

  return (account) => {
    const scope: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    Object.assign(scope, { disabled: account.disabled, locked: account.locked })
    for (const [name, one] of Object.entries(account.attributes)) scope[name] = seen(one, types.get(name))
    try {
      if (wanted !== undefined && wanted.evaluate({ account: scope, now: options.now, today: options.today }) !== true)
        return { kind: 'unwanted' }
      const first = (reads: readonly ((scope: Record<string, unknown>) => unknown)[]) =>
        reads.map((read) => read(scope)).find((one) => asText(one) !== undefined)
      const found: Record<string, Value> = {}
      const sources: Record<string, string> = {}
      for (const { attribute, reads } of attributes) {
        const one = kept(first(reads), 'date')
        if (one === undefined) continue
        found[attribute.name] = typeof one === 'string' ? normalize(one, attribute.normalize) : one
        sources[attribute.name] = self
      }
      const state = status === undefined ? 'active' : status.evaluate(context(scope))
      const known = identityStatuses.find((candidate) => candidate === state)
      if (known === undefined) return { kind: 'error', reason: `the status rule gave ${JSON.stringify(state)}` }
      return {
        kind: 'identity',
        name: asText(first(names)) ?? account.shown,
        status: known,
        attributes: found,
        sources,
      }
    } catch (error) {
      return { kind: 'error', reason: firstLine(error) }
    }
  }
}
