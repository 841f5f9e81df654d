import type { App } from './app.ts'
import { UserError } from './base/errors.ts'
import { didYouMean } from './base/nearest.ts'
import type { AccountDocument, WhyDocument, WhyFact } from './model/documents.ts'
import type { Value } from './model/value.ts'
import type { AccountChange, AccountHistory } from './store/account-history.ts'

/** Why an account's attribute has its value: where it is read from, and which run brought it, what it was before. */
export function whyAccountField(app: App, reference: string, field: string): WhyDocument {
  const { accounts } = app.store()
  const account = accounts.get(reference)
  const key = `${account.application}:${account.nativeIdentity}`
  const history = accounts.historyOf(accounts.idOf(reference))
  const intervals = grantFacts(history, field)
  const known = [...new Set([...attributesOf(account, history), ...account.entitlements.map((held) => held.attribute)])]
  if (intervals.length === 0 && !known.includes(field))
    throw new UserError(`${key} has no ${field}, and never had`, {
      code: 'IQ1006',
      hint: didYouMean(field, known) ?? `it has ${known.join(', ')}`,
    })
  const value = intervals.length > 0 ? account.entitlements.filter((held) => held.attribute === field) : undefined
  const shown = value?.map((held) => held.value) ?? account.attributes[field]
  return {
    schema: 'iqtask/Why/1',
    noun: 'account',
    id: key,
    field,
    answer: `${field} of ${key} is ${told(shown)}`,
    facts: [
      ...(intervals.length > 0 ? intervals : attributeFacts(account, history, field)),
      sourceFact(app, account, field),
    ],
    rules: [],
    question: null,
  }
}

const told = (value: Value | undefined): string => (value === undefined ? 'absent' : JSON.stringify(value))

const attributesOf = (account: AccountDocument, { changes }: AccountHistory): string[] => [
  ...Object.keys(account.attributes),
  ...changes.flatMap((change) => Object.keys(change.before)),
]

/** Each run that changed the value, latest first; the last is the one that made the account. */
function attributeFacts(account: AccountDocument, { changes, created }: AccountHistory, field: string): WhyFact[] {
  const facts: WhyFact[] = []
  let now: Value | undefined = account.attributes[field]
  for (const { before, result, at } of changes as readonly AccountChange[]) {
    const then = before[field]
    if (told(then) === told(now)) continue
    facts.push({ text: `became ${told(now)}, before that ${told(then)}`, result, at })
    now = then
  }
  return [...facts, { text: `was ${told(now)} when the account was first seen`, ...created }]
}

function grantFacts(history: AccountHistory, field: string): WhyFact[] {
  return history
    .held(field)
    .flatMap(({ value, since, until }): WhyFact[] => [
      { text: `${until === undefined ? 'holds' : 'held'} ${JSON.stringify(value)} since`, ...since },
      ...(until === undefined ? [] : [{ text: `lost ${JSON.stringify(value)}`, ...until }]),
    ])
}

function sourceFact(app: App, account: AccountDocument, field: string): WhyFact {
  const { account: definition, grants } = app.project.applications.get(account.application)
  const expr = definition.attributes.find((attribute) => attribute.name === field)?.expr
  const feed = grants.find((grant) => grant.as === field)
  const from =
    expr !== undefined
      ? `computed: ${expr}`
      : feed !== undefined
        ? `from ${String(feed.connection.file ?? 'its grants')}`
        : `from the column ${field}`
  return { text: `${account.application} gives it ${from}`, result: null, at: null }
}
