import { type Feed, type PlannedAccount, type PlannedOwner, plainFeed, textOf } from './feed.ts'
import { type Night, sharedMail, stays } from './nights.ts'
import { departments } from './organisation.ts'
import type { Person } from './people.ts'
import { createRandom, type Random } from './random.ts'

const dn = (name: string): string => `CN=${name},OU=Groups,DC=example,DC=com`

export interface DirectoryAccount {
  /** Never changes: what the GUID is made of. */
  readonly key: string
  readonly login: string
  readonly employeeID?: string
  readonly mail?: string
  readonly displayName: string
  readonly groups: readonly string[]
  readonly enabled: boolean
  readonly lastLogon: string | null
  readonly created: string
  readonly managedBy?: string
  readonly owner: PlannedOwner
}

export const directoryPlan = {
  withAccount: 1380,
  leaversEnabled: 25,
  admins: 12,
  service: 20,
  unknownNumber: 10,
  strangers: 8,
  shared: 3,
  mailboxes: 6,
  stale: 18,
  neverUsed: 9,
}

/** The accounts of the first night. */
export function firstDirectory({ people }: Night): DirectoryAccount[] {
  const random = createRandom('directory')
  const plan = directoryPlan
  const present = random.sample(people.filter(stays), plan.withAccount)
  const leavers = people.filter((person) => person.status === 'left')
  const staff = [
    ...present.map((person) => accountOf(person, random, random.next() < 0.98)),
    ...random.sample(leavers, plan.leaversEnabled).map((person) => accountOf(person, random, true)),
  ]
  const admins = random
    .sample(
      present.filter((person) => person.department.short === 'IT'),
      plan.admins,
    )
    .map((person) => ({
      ...accountOf(person, random, true),
      key: `adm-${person.login}`,
      login: `adm-${person.login}`,
      mail: '',
      groups: ['Domain Admins', 'Server Admins'],
    }))
  return random.shuffle([...forgetful(staff, random), ...admins, ...others(people)])
}

function accountOf(person: Person, random: Random, enabled: boolean): DirectoryAccount {
  return {
    key: person.login,
    login: person.login,
    employeeID: person.id,
    mail: person.mail.toUpperCase(),
    displayName: `${person.first.native} ${person.last.native}`,
    groups: [
      'All Staff',
      person.department.short,
      ...(random.next() < 0.4 ? ['VPN Users'] : []),
      ...(person.department.short === 'IT' && random.next() < 0.2 ? ['Domain Admins'] : []),
    ],
    enabled,
    lastLogon: enabled ? loginTime(random) : null,
    created: `${person.hired}T06:00:00Z`,
    owner: 'person',
  }
}

const loginTime = (random: Random): string =>
  `2026-${random.pick(['10', '11'])}-${String(random.between(1, 15)).padStart(2, '0')}T08:30:00Z`

/** Some have not been used for long, some never. */
function forgetful(accounts: readonly DirectoryAccount[], random: Random): DirectoryAccount[] {
  const { stale, neverUsed } = directoryPlan
  const old = accounts.filter((one) => one.enabled && one.created < '2026-01-01')
  const chosen = random.shuffle(random.sample(old, stale + neverUsed))
  return accounts.map((account) => {
    const at = chosen.indexOf(account)
    if (at === -1) return account
    return { ...account, lastLogon: at < stale ? `2025-0${1 + (at % 9)}-11T08:30:00Z` : null }
  })
}

/** Accounts that belong to nobody, each in its own way. */
function others(people: readonly Person[]): DirectoryAccount[] {
  const plan = directoryPlan
  const many = (count: number, make: (index: number) => Partial<DirectoryAccount>): DirectoryAccount[] =>
    Array.from({ length: count }, (_, index) => {
      const one = make(index)
      const login = one.login ?? ''
      const usual = {
        groups: ['All Staff'],
        enabled: true,
        lastLogon: '2026-11-02T04:00:00Z',
        owner: 'nobody',
      } as const
      return { key: login, login, displayName: login, created: '2019-03-01T06:00:00Z', ...usual, ...one }
    })
  return [
    ...many(plan.service, (i) => ({
      login: `svc-${['backup', 'scan', 'deploy', 'monitor', 'mail'][i % 5]}-${Math.floor(i / 5) + 1}`,
      displayName: `Service account ${i + 1}`,
      groups: i % 4 === 0 ? ['Server Admins', 'Backup Operators'] : ['Backup Operators'],
      managedBy: people[i]?.id ?? '',
    })),
    ...many(plan.unknownNumber, (i) => ({
      login: `former${i + 1}`,
      employeeID: String(900_001 + i),
      displayName: `Former Employee ${i + 1}`,
      enabled: i % 2 === 0,
      owner: 'question',
    })),
    ...many(plan.strangers, (i) => ({
      login: `ext.consultant${i + 1}`,
      mail: `consultant${i + 1}@partner.example`,
      displayName: `Consultant ${i + 1}`,
      groups: ['VPN Users'],
    })),
    ...many(plan.shared, (i) => ({
      login: `reception${i + 1}`,
      mail: sharedMail,
      displayName: `Reception desk ${i + 1}`,
      owner: 'ambiguous',
    })),
    ...many(plan.mailboxes, (i) => {
      const name = ['invoices', 'jobs', 'press', 'orders', 'travel', 'alumni'][i] ?? ''
      return {
        login: `mbx-${name}`,
        mail: `${name}@example.com`,
        displayName: `Mailbox ${name}`,
        groups: [],
        // nobody answers for the last one
        ...(i === plan.mailboxes - 1 ? {} : { managedBy: people[i + 20]?.id ?? '' }),
      }
    }),
  ]
}

/** What became of the accounts since the night before; `history`: the nights until now. */
export function nextDirectory(history: readonly (readonly DirectoryAccount[])[], night: Night): DirectoryAccount[] {
  const before = history.at(-1) ?? []
  const random = createRandom(`directory ${night.number}`)
  const removed = removedAccounts(before, night, random)
  const married = new Map(night.married.map((person) => [person.id, person]))
  const movers = night.movers.map((mover) => mover.person.id)
  // the last three are forgotten
  const disabled = new Set(night.leavers.slice(0, -3).map((person) => person.id))
  const staying = before
    .filter((one) => !removed.has(one))
    .map((one): DirectoryAccount => {
      const id = one.employeeID ?? ''
      const person = married.get(id)
      if (person !== undefined && !one.login.startsWith('adm-')) {
        const displayName = `${person.first.native} ${person.last.native}`
        return { ...one, login: person.login, mail: person.mail.toUpperCase(), displayName }
      }
      if (movers.includes(id)) return movedAccount(one, night, movers.indexOf(id))
      if (disabled.has(id)) return { ...one, enabled: false }
      return one.owner === 'person' && one.enabled && one.lastLogon?.startsWith('2026') && random.next() < 0.06
        ? { ...one, lastLogon: `${night.day}T07:45:00Z` }
        : one
    })
  const joined = night.joiners.map((person) => ({ ...accountOf(person, random, true), lastLogon: null }))
  const [first] = joined
  if (night.number === 3 && first !== undefined) joined[0] = { ...first, login: freeLogin(history) }
  return [...staying, ...joined, ...night.rehires.map((person) => returned(person, random))]
}

/** Accounts of people who have left are cleaned up now and then; one that may not go is missing too. */
function removedAccounts(before: readonly DirectoryAccount[], night: Night, random: Random): Set<DirectoryAccount> {
  const left = new Set(
    night.people.filter((one) => one.status === 'left' && !night.leavers.includes(one)).map((p) => p.id),
  )
  const old = before.filter((one) => one.enabled && left.has(one.employeeID ?? ''))
  const removed = new Set(random.sample(old, night.number === 2 ? 6 : 3))
  if (night.number === 2) for (const one of before) if (one.login === 'svc-scan-4') removed.add(one)
  return removed
}

function returned(person: Person, random: Random): DirectoryAccount {
  const login = `${person.login}.${person.id}`
  return { ...accountOf(person, random, true), key: login, login, lastLogon: null, owner: 'question' }
}

/** A login that ended the night before, with its account. */
function freeLogin(history: readonly (readonly DirectoryAccount[])[]): string {
  const [first = [], second = []] = history
  const gone = first.find((one) => one.owner === 'person' && !second.some((other) => other.key === one.key))
  if (gone === undefined) throw new RangeError('no login is free')
  return gone.login
}

/** Two of three lose the group of the department they left. */
function movedAccount(account: DirectoryAccount, { movers }: Night, index: number): DirectoryAccount {
  const mover = movers[index]
  if (mover === undefined || account.login.startsWith('adm-')) return account
  const kept = account.groups.filter((group) => index % 3 === 0 || group !== mover.from.short)
  return { ...account, groups: [...new Set([...kept, mover.person.department.short])] }
}

interface Group {
  readonly name: string
  readonly description: string
  readonly owner?: string
  readonly memberOf: readonly string[]
}

const groups: readonly Group[] = [
  { name: 'Intranet', description: 'Pages for everybody', owner: '100001', memberOf: [] },
  { name: 'All Staff', description: 'Everybody who works here', owner: '100001', memberOf: ['Intranet'] },
  ...[...new Set(departments.map((one) => one.division))].map((division) => ({
    name: division,
    description: `Division ${division}`,
    owner: '100001',
    memberOf: ['Intranet'],
  })),
  ...departments.map((one) => ({
    name: one.short,
    description: `Department ${one.name}`,
    owner: '100001',
    memberOf: [one.division],
  })),
  { name: 'VPN Users', description: 'Remote access', owner: '100002', memberOf: [] },
  { name: 'Domain Admins', description: 'Everything', memberOf: [] },
  { name: 'Server Admins', description: 'Every server', owner: '100002', memberOf: ['Domain Admins'] },
  { name: 'Backup Operators', description: 'Read and restore everything', memberOf: ['Server Admins'] },
  { name: 'Project Alpha', description: 'A project', owner: '100003', memberOf: ['Project Beta'] },
  { name: 'Project Beta', description: 'Another project', owner: '100003', memberOf: ['Project Alpha'] },
  { name: 'Project Gamma', description: 'One more project', owner: '100003', memberOf: ['Project Delta'] },
]

/** A project begins, one ends, another is described anew; in the third night a group ends that people hold. */
function groupsOf(night: number): readonly Group[] {
  if (night === 1) return groups
  const changed = groups
    .filter((group) => group.name !== 'Project Gamma' && (night < 3 || group.name !== 'VPN Users'))
    .map((group) =>
      group.name === 'Server Admins' ? { ...group, description: 'Every server but the domain’s' } : group,
    )
  const epsilon = { name: 'Project Epsilon', description: 'A new project', owner: '100004', memberOf: ['Intranet'] }
  return [...changed, epsilon]
}

const broken = [
  ['{"sAMAccountName":"cut.off","displayName":"Cut', 'a line that ends in the middle'],
  ['{"displayName":"No login","enabled":true}', 'an account without sAMAccountName'],
  ['{"sAMAccountName":"odd.groups","memberOf":[{"dn":"CN=x"}],"enabled":true}', 'memberOf as a list of objects'],
] as const

/** The directory: JSON Lines, groups in groups; service accounts, orphans, forgotten leavers, shared mailboxes. */
export function directoryFeed(accounts: readonly DirectoryAccount[], night: Night): Feed {
  const lines = accounts.map((account) => JSON.stringify(recordOf(account)))
  // mended before the second night
  const bad = night.number === 1 ? broken : []
  bad.forEach(([line], index) => {
    lines.splice(200 * (index + 1), 0, line)
  })
  const listed = groupsOf(night.number)
  const catalogue = listed.map((group) =>
    JSON.stringify({
      dn: dn(group.name),
      cn: group.name,
      description: group.description,
      managedBy: group.owner ?? null,
      memberOf: group.memberOf.map(dn),
    }),
  )
  return {
    ...plainFeed,
    application: 'directory',
    files: {
      'directory.jsonl': Buffer.from(`${lines.join('\n')}\n`),
      'groups.jsonl': Buffer.from(`${catalogue.join('\n')}\n`),
    },
    rows: lines.length,
    rejected: bad.length,
    untrusted: night.number === 1,
    proven: true,
    accounts: accounts.map(plannedOf),
    isProtected: (native) => native.startsWith('svc-'),
    catalogue: catalogueOf(listed),
    planted:
      night.number === 1 ? [...broken.map(([, what]) => what), ...firstPlanted] : (laterPlanted[night.number] ?? []),
  }
}

const recordOf = (account: DirectoryAccount) => ({
  sAMAccountName: account.login,
  objectGUID: guid(account.key),
  employeeID: account.employeeID ?? null,
  displayName: account.displayName,
  mail: account.mail ?? null,
  memberOf: account.groups.map(dn),
  enabled: account.enabled,
  lastLogon: account.lastLogon,
  whenCreated: account.created,
  managedBy: account.managedBy ?? null,
})

function plannedOf(account: DirectoryAccount): PlannedAccount {
  const { memberOf, ...rest } = recordOf(account)
  return {
    native: account.login,
    uuid: rest.objectGUID,
    content: textOf(rest),
    grants: memberOf.map((value) => `memberOf:${value}`),
    owner: account.owner,
  }
}

/** A group in itself, over others, or in one that is not there: such a step cannot be kept. */
function catalogueOf(listed: readonly Group[]): NonNullable<Feed['catalogue']> {
  const there = new Set(listed.map((group) => group.name))
  const circle = new Set(['Project Alpha', 'Project Beta'])
  let refused = 0
  const entries = listed.map(({ name, description, owner, memberOf }) => {
    const gives = memberOf.filter((one) => there.has(one) && !(circle.has(name) && circle.has(one)))
    refused += memberOf.length - gives.length
    return { value: dn(name), content: textOf(description, owner), gives: gives.map(dn) }
  })
  return { attribute: 'memberOf', entries, refused }
}

const plan = directoryPlan
const firstPlanted = [
  `${plan.leaversEnabled} accounts of people who have left are still enabled`,
  `${plan.admins} people have a second account, adm-…`,
  `${plan.service} service accounts svc-…, protected, without an identity`,
  `${plan.unknownNumber} accounts former… carry an employeeID that HR does not know: a question each`,
  `${plan.strangers} accounts ext.consultant… belong to nobody in HR`,
  `${plan.shared} accounts reception… carry an address that two people share: ambiguous`,
  `${plan.mailboxes} shared mailboxes mbx-…; nobody answers for mbx-alumni`,
  `${plan.stale} enabled accounts were last used in 2025, ${plan.neverUsed} older ones never`,
  'Backup Operators are members of Server Admins, who are members of Domain Admins: the service accounts reach everything',
  'Project Alpha is a member of Project Beta, which is a member of Project Alpha: a circle, both steps are refused',
  'Project Gamma is a member of Project Delta, which does not exist',
]
const laterPlanted: Readonly<Record<number, readonly string[]>> = {
  2: [
    'the three faults are mended',
    'who married has another login: renamed, told by objectGUID',
    'two of three movers lose the group of the department they left, the others keep it',
    'six accounts of people who left long ago are gone; svc-scan-4 is missing too, but protected',
    'the accounts of all who left this night are disabled, but for three',
    'joiners and rehires have accounts; those of the rehires carry a number that has no identity: a question each',
    'the group Project Gamma is gone, Project Epsilon is new, Server Admins are described anew',
  ],
  3: [
    'the same again: renamed, moved, disabled but for three, three more accounts gone',
    'the first joiner gets the login of an account that ended the night before, with another objectGUID: a new account',
    'the group VPN Users is gone from the catalogue, but accounts still hold it',
  ],
}

/** A GUID that stays the same for the same account. */
function guid(key: string): string {
  const random = createRandom(`guid ${key}`)
  const hex = Array.from({ length: 32 }, () => random.between(0, 15).toString(16)).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
