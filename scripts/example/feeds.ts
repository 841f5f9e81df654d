import type { Person } from './people.ts'
import { createRandom } from './random.ts'

export type Counts = Record<string, number>

export interface Feed {
  readonly file: string
  readonly content: Buffer
  readonly counts: Counts
  /** What was planted, one line each for PLANTED.md. */
  readonly planted: readonly string[]
}

const german = (iso: string): string => (iso === '' ? '' : iso.split('-').reverse().join('.'))
const quoted = (text: string): string => (/[";\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
/** Counts of a first run; the rest is zero. */
const counts = (given: Counts): Counts => ({
  filtered: 0,
  changed: 0,
  unchanged: 0,
  returned: 0,
  renamed: 0,
  missing: 0,
  gone: 0,
  protected: 0,
  grantsEnded: 0,
  grantsRejected: 0,
  moved: 0,
  ...given,
})

/** Two people of HR share this address: it identifies nobody. */
export const sharedMail = 'reception@example.com'
export const sharers = [40, 41]

/** Rows of HR that cannot be right, and what is wrong with them. */
const broken: readonly (readonly [string, string])[] = [
  [
    '198001;Ida;Sommer;ida.sommer@example.com;Treasury;Treasurer;Berlin;DE;100001;31.02.2026;;active',
    'hire_date 31.02.2026 does not exist (198001)',
  ],
  [
    '198002;Otto;Winter;otto.winter@example.com;Treasury;Treasurer;Berlin;DE;100001;2026-03-01;;active',
    'hire_date in another format (198002)',
  ],
  ['198003;Eva;Herbst', 'only 3 fields (198003)'],
  [
    '198004;Jan;Lenz;jan.lenz@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;',
    'the last field is missing (198004)',
  ],
  [
    '198005;Mia;Mai;mia.mai@example.com;Legal;Counsel;Berlin;DE;100001;01.02.2020;;active;surplus',
    'one field too many (198005)',
  ],
  [';Nobody;Known;nobody@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active', 'no employee_id'],
  [';;;;;;;;;;;', 'a row of nothing but separators'],
  [
    '198006;Twin;One;twin.one@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    'employee_id 198006 occurs twice (first)',
  ],
  [
    '198006;Twin;Two;twin.two@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    'employee_id 198006 occurs twice (second)',
  ],
  [
    '198007;M\xfcller;Latin1;m@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    'a byte of another encoding in first_name (198007)',
  ],
  [
    '198008;Nul\0;Byte;n@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    'a NUL in first_name (198008)',
  ],
  [
    '198009;"Quote"d;Wrong;q@example.com;Sales;Account Manager;Oslo;NO;100001;01.02.2020;;active',
    'text after a closing quote (198009)',
  ],
]

/** The personnel system: semicolons, German dates, a dozen rows that cannot be right. */
export function hrFeed(people: readonly Person[]): Feed {
  const columns =
    'employee_id;first_name;last_name;mail;department;title;site;country;manager_id;hire_date;end_date;status'
  const rowOf = (p: Person, index: number): string =>
    [
      p.id,
      p.first.native,
      p.last.native,
      sharers.includes(index) ? sharedMail : p.mail,
      p.department.name,
      p.title,
      p.site.name,
      p.site.country,
      p.manager,
      german(p.hired),
      german(p.ended),
      p.status,
    ]
      .map(quoted)
      .join(';')
  const random = createRandom('hr')
  const rows: Buffer[] = people.map((person, index) => Buffer.from(`${rowOf(person, index)}\r\n`))
  broken.forEach(([row]) => {
    rows.splice(random.between(1, rows.length), 0, Buffer.from(`${row}\r\n`, 'latin1'))
  })
  return {
    file: 'hr.csv',
    content: Buffer.concat([Buffer.from(`\ufeff${columns}\r\n`), ...rows]),
    counts: counts({
      read: people.length + broken.length,
      rejected: broken.length,
      created: people.length,
      grantsAdded: 0,
      entitlementsCreated: 0,
      correlated: people.length,
      uncorrelated: 0,
      ambiguous: 0,
      questions: 0,
      identitiesCreated: people.length,
    }),
    planted: broken.map(([, what]) => what),
  }
}

const dn = (name: string): string => `CN=${name},OU=Groups,DC=example,DC=com`

interface DirectoryAccount {
  readonly login: string
  readonly person?: Person
  readonly employeeID?: string
  readonly mail?: string
  readonly displayName: string
  readonly groups: readonly string[]
  readonly enabled: boolean
  readonly managedBy?: string
}

export const directoryPlan = {
  withAccount: 1380,
  leaversEnabled: 25,
  admins: 12,
  service: 20,
  unknownNumber: 10,
  strangers: 8,
  shared: 3,
  protectedService: 20,
}

function directoryAccounts(people: readonly Person[]): DirectoryAccount[] {
  const random = createRandom('directory')
  const staying = people.filter((p, index) => p.status !== 'left' && !sharers.includes(index))
  const leavers = people.filter((p) => p.status === 'left')
  const of = (p: Person, enabled: boolean): DirectoryAccount => ({
    login: p.login,
    person: p,
    employeeID: p.id,
    mail: p.mail.toUpperCase(),
    displayName: `${p.first.native} ${p.last.native}`,
    groups: [
      'All Staff',
      p.department.short,
      ...(random.next() < 0.4 ? ['VPN Users'] : []),
      ...(p.department.short === 'IT' && random.next() < 0.2 ? ['Domain Admins'] : []),
    ],
    enabled,
  })
  const plan = directoryPlan
  const present = random.sample(staying, plan.withAccount)
  return [
    ...present.map((p) => of(p, random.next() < 0.98)),
    ...random.sample(leavers, plan.leaversEnabled).map((p) => of(p, true)),
    ...random
      .sample(
        present.filter((p) => p.department.short === 'IT'),
        plan.admins,
      )
      .map((p) => ({ ...of(p, true), login: `adm-${p.login}`, mail: '', groups: ['Domain Admins', 'Server Admins'] })),
    ...Array.from({ length: plan.service }, (_, i) => ({
      login: `svc-${['backup', 'scan', 'deploy', 'monitor', 'mail'][i % 5]}-${Math.floor(i / 5) + 1}`,
      displayName: `Service account ${i + 1}`,
      groups: i % 4 === 0 ? ['Server Admins', 'Backup Operators'] : ['Backup Operators'],
      enabled: true,
      managedBy: people[i]?.id ?? '',
    })),
    ...Array.from({ length: plan.unknownNumber }, (_, i) => ({
      login: `former${i + 1}`,
      employeeID: String(900_001 + i),
      displayName: `Former Employee ${i + 1}`,
      groups: ['All Staff'],
      enabled: i % 2 === 0,
    })),
    ...Array.from({ length: plan.strangers }, (_, i) => ({
      login: `ext.consultant${i + 1}`,
      mail: `consultant${i + 1}@partner.example`,
      displayName: `Consultant ${i + 1}`,
      groups: ['VPN Users'],
      enabled: true,
    })),
    ...Array.from({ length: plan.shared }, (_, i) => ({
      login: `reception${i + 1}`,
      mail: sharedMail,
      displayName: `Reception desk ${i + 1}`,
      groups: ['All Staff'],
      enabled: true,
    })),
  ]
}

/** The directory: JSON Lines with nested groups as lists; service accounts, orphans, forgotten leavers. */
export function directoryFeed(people: readonly Person[]): Feed {
  const plan = directoryPlan
  const accounts = directoryAccounts(people)
  const random = createRandom('directory order')
  const lines = random.shuffle(accounts).map((account, index) =>
    JSON.stringify({
      sAMAccountName: account.login,
      objectGUID: guid(account.login),
      employeeID: account.employeeID ?? null,
      displayName: account.displayName,
      mail: account.mail ?? null,
      memberOf: account.groups.map(dn),
      enabled: account.enabled,
      lastLogon: account.enabled ? `2026-${String((index % 10) + 1).padStart(2, '0')}-11T08:30:00Z` : null,
      managedBy: account.managedBy ?? null,
    }),
  )
  const broken = [
    ['{"sAMAccountName":"cut.off","displayName":"Cut', 'a line that ends in the middle'],
    ['{"displayName":"No login","enabled":true}', 'an account without sAMAccountName'],
    ['{"sAMAccountName":"odd.groups","memberOf":[{"dn":"CN=x"}],"enabled":true}', 'memberOf as a list of objects'],
  ] as const
  broken.forEach(([line], index) => {
    lines.splice(200 * (index + 1), 0, line)
  })
  const grants = accounts.reduce((sum, account) => sum + new Set(account.groups).size, 0)
  const correlated = plan.withAccount + plan.leaversEnabled + plan.admins
  return {
    file: 'directory.jsonl',
    content: Buffer.from(`${lines.join('\n')}\n`),
    counts: counts({
      read: accounts.length + broken.length,
      rejected: broken.length,
      created: accounts.length,
      grantsAdded: grants,
      entitlementsCreated: new Set(accounts.flatMap((account) => account.groups)).size,
      correlated,
      uncorrelated: accounts.length - correlated,
      ambiguous: plan.shared,
      questions: plan.unknownNumber + plan.shared,
      identitiesCreated: 0,
    }),
    planted: [
      ...broken.map(([, what]) => what),
      `${plan.leaversEnabled} accounts of people who have left are still enabled`,
      `${plan.admins} people have a second account, adm-…`,
      `${plan.service} service accounts svc-…, protected, without an identity`,
      `${plan.unknownNumber} accounts former… carry an employeeID that HR does not know: a question each`,
      `${plan.strangers} accounts ext.consultant… belong to nobody in HR`,
      `${plan.shared} accounts reception… carry an address that two people share: ambiguous`,
    ],
  }
}

/** A GUID that stays the same for the same login. */
function guid(login: string): string {
  const random = createRandom(`guid ${login}`)
  const hex = Array.from({ length: 32 }, () => random.between(0, 15).toString(16)).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export const erpPlan = { users: 480, leavers: 5, orphans: 7, conflicts: 6 }

/** The ERP: personnel numbers with leading zeros, profiles in one cell, a few people who can order and pay. */
export function erpFeed(people: readonly Person[]): Feed {
  const random = createRandom('erp')
  const staying = people.filter((p, index) => p.status !== 'left' && !sharers.includes(index))
  const usual: Readonly<Record<string, readonly string[]>> = {
    AP: ['AP_ENTRY', 'VENDOR_DISPLAY'],
    AR: ['AR_ENTRY'],
    CO: ['REPORTING'],
    TR: ['PAY_RUN', 'BANK_DISPLAY'],
    PU: ['ORDER_ENTRY', 'VENDOR_DISPLAY'],
    HR: ['PAYROLL'],
  }
  const users = random.sample(staying, erpPlan.users).map((p, index) => ({
    user: `U${String(index + 1).padStart(5, '0')}`,
    number: p.id.padStart(10, '0'),
    mail: p.mail,
    profiles: [
      'BASIC',
      ...(usual[p.department.short] ?? []),
      ...(index < erpPlan.conflicts ? ['VENDOR_CREATE', 'PAY_RUN'] : []),
    ],
  }))
  const leavers = random
    .sample(
      people.filter((p) => p.status === 'left'),
      erpPlan.leavers,
    )
    .map((p, index) => ({
      user: `L${String(index + 1).padStart(5, '0')}`,
      number: p.id.padStart(10, '0'),
      mail: p.mail,
      profiles: ['BASIC'],
    }))
  const orphans = Array.from({ length: erpPlan.orphans }, (_, index) => ({
    user: `X${String(index + 1).padStart(5, '0')}`,
    number: '',
    mail: `unknown${index + 1}@example.org`,
    profiles: index === 0 ? ['BASIC', 'SUPERUSER'] : ['BASIC'],
  }))
  const all = [...users, ...leavers, ...orphans]
  const rows = all.map((one, index) =>
    [one.user, one.number, one.mail, [...new Set(one.profiles)].join('|'), index % 50 === 49 ? 'X' : ''].join(','),
  )
  return {
    file: 'erp.csv.gz',
    content: Buffer.from(`user_name,personnel_no,email,profiles,locked\n${rows.join('\n')}\n`),
    counts: counts({
      read: all.length,
      rejected: 0,
      created: all.length,
      grantsAdded: all.reduce((sum, one) => sum + new Set(one.profiles).size, 0),
      entitlementsCreated: new Set(all.flatMap((one) => one.profiles)).size,
      correlated: erpPlan.users,
      uncorrelated: erpPlan.leavers + erpPlan.orphans,
      ambiguous: 0,
      questions: erpPlan.leavers,
      identitiesCreated: 0,
    }),
    planted: [
      `${erpPlan.leavers} users L… belong to people who have left: a question each`,
      `${erpPlan.orphans} users X… belong to nobody; X00001 holds SUPERUSER`,
      `${erpPlan.conflicts} users hold VENDOR_CREATE and PAY_RUN together`,
      'personnel numbers carry leading zeros, which HR does not write',
    ],
  }
}
