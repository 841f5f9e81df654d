import type { App } from './app.ts'
import type { JsonObject } from './base/json.ts'
import type { AccountDocument, WhyDocument, WhyFact } from './model/documents.ts'
import { authoritativeNames } from './model/project.ts'
import { type RuleTrace, traceRules } from './model/rule-trace.ts'
import type { Value } from './model/value.ts'

/** Why an account is somebody's: which rule, which run, which person; and what the rules find as things are now. */
export function whyAccount(app: App, reference: string): WhyDocument {
  const store = app.store()
  const account = store.accounts.get(reference)
  const id = store.accounts.idOf(reference)
  const key = `${account.application}:${account.nativeIdentity}`
  const rules = trace(app, account, id)
  const facts = [
    ...store.decisions.history(id).map(
      ({ kind, identity, reason, actor, at, result }): WhyFact => ({
        text: `${String(actor.user ?? 'somebody')} decided ${kind}${identity === null ? '' : ` ${identity}`}: ${reason}`,
        result,
        at,
      }),
    ),
    ...linkFact(store.accounts.linkOf(id), account, rules),
  ]
  const owner = account.identity === null ? undefined : nameOf(app, account.identity)
  const answer = owner === undefined ? `${key} belongs to nobody` : `${key} belongs to identity ${owner}`
  return {
    schema: 'iqtask/Why/1',
    noun: 'account',
    id: key,
    field: null,
    answer: account.correlation.unconfirmed ? `${answer}; its key now finds nobody (unconfirmed)` : answer,
    facts,
    rules,
    question:
      [...store.decisions.questions({ application: account.application })].find(
        (question) => question.nativeIdentity === account.nativeIdentity,
      )?.kind ?? null,
  }
}

/** Why an identity's attribute has its value: whose it is, from which account, by which run. */
export function whyIdentity(app: App, name: string, field: string | undefined): WhyDocument {
  const store = app.store()
  const identity = store.identities.get(name)
  const origin = store.identities.originOf(name)
  const fields = field === undefined ? Object.keys(identity.attributes) : [field]
  const facts = fields.map((one): WhyFact => {
    const value = (identity.attributes[one] ?? null) as Value | null
    const source = origin.sources[one]
    const accounts = identity.accounts.filter((account) => account.application === source)
    const from =
      source === undefined
        ? 'no source is recorded'
        : source.startsWith('task:')
          ? `set by the task ${source.slice(5)}`
          : `from ${accounts.map((account) => `${source}:${account.nativeIdentity}`).join(', ') || source}`
    return { text: `${one} ${JSON.stringify(value)}: ${from}`, result: origin.changedBy, at: origin.changedAt }
  })
  const created = `created${origin.application === null ? '' : ` from ${origin.application}`}`
  return {
    schema: 'iqtask/Why/1',
    noun: 'identity',
    id: name,
    field: field ?? null,
    answer: field === undefined ? `${nameOf(app, name)} is ${identity.status}` : `${field} of ${nameOf(app, name)}`,
    facts: [{ text: created, result: origin.createdBy, at: origin.createdAt }, ...facts],
    rules: [],
    question: null,
  }
}

function trace(app: App, account: AccountDocument, id: number): RuleTrace[] {
  const { project } = app
  const { identities, decisions } = app.store()
  return traceRules(project.applications.get(account.application), account, identities.values(), {
    now: app.clock.now(),
    timeZone: project.timeZone,
    ruledOut: decisions.about(id).never,
    trusted: authoritativeNames(project),
  })
}

interface Link {
  readonly by: string
  readonly rule: number | null
  readonly result: string | null
  readonly at: string | null
}

function linkFact({ by, rule, result, at }: Link, account: AccountDocument, rules: readonly RuleTrace[]): WhyFact[] {
  if (by === 'created') return [{ text: 'the identity was created from this account', result, at }]
  if (by !== 'rule' || rule === null) return []
  const { account: side, identity, value } = rules[rule - 1] ?? {}
  const what = value == null ? '' : `: ${side} ${JSON.stringify(value)} = identity.${identity}`
  return [{ text: `rule ${rule} of ${account.application}${what}`, result, at }]
}

function nameOf(app: App, name: string): string {
  const shown = (app.store().identities.get(name).attributes as JsonObject).displayName
  return typeof shown === 'string' ? `${name} (${shown})` : name
}
