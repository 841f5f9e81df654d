import type { Feed, PlannedAccount } from './feed.ts'

export type Counts = Record<string, number>

interface Known extends PlannedAccount {
  state: 'active' | 'missing' | 'gone'
  linked: boolean
}

/** What one application's store should hold after each night: a second, plain account of the rules, one account at a time. */
export interface Expectation {
  aggregation(feed: Feed): Counts
  /** After the accounts of the same night. */
  catalogue(feed: Feed): Counts | undefined
}

export function createExpectation(): Expectation {
  const known: Known[] = []
  const values = new Set<string>()
  const entries = new Map<string, { content: string; gives: ReadonlySet<string>; gone: boolean }>()
  return {
    aggregation: (feed) => countAccounts(feed, known, values),
    catalogue: (feed) =>
      feed.catalogue === undefined ? undefined : countEntries(feed.catalogue, known, values, entries),
  }
}

function countAccounts(feed: Feed, known: Known[], values: Set<string>): Counts {
  const counts: Counts = {
    ...zero(accountCounts),
    read: feed.rows,
    rejected: feed.rejected,
    grantsRejected: feed.grantsRejected,
  }
  const add = (name: string, by = 1): void => {
    counts[name] = (counts[name] ?? 0) + by
  }
  const alive = new Map(known.map((one) => [one.native, one]))
  const byUuid = new Map(known.flatMap((one) => (one.uuid === undefined ? [] : [[one.uuid, one] as const])))
  const seen = new Set<Known>()
  for (const account of feed.accounts) {
    const namesake = alive.get(account.native)
    const before = byUuid.get(account.uuid ?? '') ?? (namesake?.uuid === account.uuid ? namesake : undefined)
    const now = before === undefined ? create(account, known, add) : change(before, account, add)
    if (before === undefined && namesake !== undefined) known.splice(known.indexOf(namesake), 1)
    seen.add(now)
    decide(now, account, add)
    for (const grant of account.grants) if (!values.has(grant)) values.add(grant) && add('entitlementsCreated')
  }
  const safe = new Set(feed.rejectedAccounts)
  for (const one of known) if (!seen.has(one) && one.state !== 'gone' && !safe.has(one.native)) lose(one, feed, add)
  const there = known.filter((one) => one.state !== 'gone')
  counts.correlated = there.filter((one) => one.linked).length
  counts.uncorrelated = there.length - counts.correlated
  return counts
}

type Add = (name: string, by?: number) => void

function create(account: PlannedAccount, known: Known[], add: Add): Known {
  const one: Known = { ...account, state: 'active', linked: false }
  known.push(one)
  add('created')
  add('grantsAdded', account.grants.length)
  return one
}

function change(before: Known, account: PlannedAccount, add: Add): Known {
  const held = before.state === 'gone' ? [] : before.grants
  const added = account.grants.filter((grant) => !held.includes(grant)).length
  const ended = held.filter((grant) => !account.grants.includes(grant)).length
  const same = before.content === account.content && added + ended === 0
  if (before.state === 'gone') add('returned')
  else if (before.native !== account.native) add('renamed')
  else add(same && before.state === 'active' ? 'unchanged' : 'changed')
  add('grantsAdded', added)
  add('grantsEnded', ended)
  const { linked } = before
  return Object.assign(before, account, { state: 'active', linked })
}

/** Whose it is; who has an owner keeps it, unless a rule finds somebody else. */
function decide(one: Known, { owner }: PlannedAccount, add: Add): void {
  if (owner === 'moved' || owner === 'movedAsk') add('moved')
  if (owner === 'movedAsk') add('questions')
  if (one.linked) return
  if (owner === 'creates') add('identitiesCreated')
  if (owner === 'ambiguous') add('ambiguous')
  if (owner === 'ambiguous' || owner === 'question') add('questions')
  one.linked = owner === 'creates' || owner === 'person'
}

function lose(one: Known, feed: Feed, add: Add): void {
  const kept = feed.isProtected(one.native)
  add(kept ? 'protected' : 'missing')
  if (kept) return
  if (feed.untrusted || !feed.proven) {
    one.state = 'missing'
    return
  }
  one.state = 'gone'
  add('gone')
  add('grantsEnded', one.grants.length)
}

type Entries = Map<string, { content: string; gives: ReadonlySet<string>; gone: boolean }>

function countEntries(
  { attribute, entries, refused }: NonNullable<Feed['catalogue']>,
  known: readonly Known[],
  values: Set<string>,
  described: Entries,
): Counts {
  const counts: Counts = { ...zero(catalogueCounts), read: entries.length, givesRejected: refused }
  const add = (name: string, by = 1): void => {
    counts[name] = (counts[name] ?? 0) + by
  }
  for (const { value, content, gives } of entries) {
    const before = described.get(value)
    const key = `${attribute}:${value}`
    const added = gives.filter((one) => before?.gives.has(one) !== true).length
    const ended = [...(before?.gives ?? [])].filter((one) => !gives.includes(one)).length
    if (before === undefined) add(values.has(key) ? 'changed' : 'created')
    else if (before.gone) add('returned')
    else add(before.content === content && added + ended === 0 ? 'unchanged' : 'changed')
    add('givesAdded', added)
    add('givesEnded', ended)
    values.add(key)
    described.set(value, { content, gives: new Set(gives), gone: false })
  }
  const listed = new Set(entries.map((entry) => entry.value))
  for (const [value, entry] of described) {
    if (listed.has(value) || entry.gone) continue
    entry.gone = true
    add('missing')
    add('gone')
    if (known.some((one) => one.state !== 'gone' && one.grants.includes(`${attribute}:${value}`))) add('stillHeld')
  }
  return counts
}

const accountCounts =
  'read filtered rejected created changed unchanged returned renamed missing gone protected grantsAdded grantsEnded grantsRejected entitlementsCreated correlated uncorrelated ambiguous questions moved identitiesCreated'
const catalogueCounts =
  'read filtered rejected created changed unchanged returned missing gone stillHeld givesAdded givesEnded givesRejected'

const zero = (names: string): Counts => Object.fromEntries(names.split(' ').map((name) => [name, 0]))
