import { type Feed, type PlannedOwner, plainFeed, textOf } from './feed.ts'
import { type Night, stays } from './nights.ts'
import type { Person } from './people.ts'
import { createRandom } from './random.ts'

export interface ErpUser {
  readonly user: string
  /** As HR writes it; none: nobody's. */
  readonly person?: string
  readonly mail: string
  readonly profiles: readonly string[]
  readonly locked: boolean
  readonly owner: PlannedOwner
}

const plan = { users: 480, leavers: 5, orphans: 7, conflicts: 6 }

const usual: Readonly<Record<string, readonly string[]>> = {
  AP: ['AP_ENTRY', 'VENDOR_DISPLAY'],
  AR: ['AR_ENTRY'],
  CO: ['REPORTING'],
  TR: ['PAY_RUN', 'BANK_DISPLAY'],
  PU: ['ORDER_ENTRY', 'VENDOR_DISPLAY'],
  HR: ['PAYROLL'],
}
const profilesOf = (person: Person): string[] => ['BASIC', ...(usual[person.department.short] ?? [])]
const named = (letter: string, index: number): string => `${letter}${String(index + 1).padStart(5, '0')}`

/** The users of the first night. */
export function firstErp({ people }: Night): ErpUser[] {
  const random = createRandom('erp')
  const users = random.sample(people.filter(stays), plan.users).map(
    (person, index): ErpUser => ({
      user: named('U', index),
      person: person.id,
      mail: person.mail,
      profiles: [...new Set([...profilesOf(person), ...(index < plan.conflicts ? ['VENDOR_CREATE', 'PAY_RUN'] : [])])],
      locked: index % 50 === 49,
      owner: 'person',
    }),
  )
  const left = people.filter((person) => person.status === 'left')
  const leavers = random.sample(left, plan.leavers).map(
    (person, index): ErpUser => ({
      user: named('L', index),
      person: person.id,
      mail: person.mail,
      profiles: ['BASIC'],
      locked: false,
      owner: 'question',
    }),
  )
  const orphans = Array.from(
    { length: plan.orphans },
    (_, index): ErpUser => ({
      user: named('X', index),
      mail: `unknown${index + 1}@example.org`,
      profiles: index === 0 ? ['BASIC', 'SUPERUSER'] : ['BASIC'],
      locked: false,
      owner: 'nobody',
    }),
  )
  return [...users, ...leavers, ...orphans]
}

/** Three more conflicts arise in the second night, two of all are mended in the third; one user's number becomes somebody else's. */
export function nextErp(before: readonly ErpUser[], night: Night): ErpUser[] {
  const people = new Map(night.people.map((person) => [person.id, person]))
  const touched = new Set([...night.movers.map((one) => one.person.id), ...night.leavers.map((one) => one.id)])
  const quiet = before.filter((one) => one.owner === 'person' && !touched.has(one.person ?? '') && !inConflict(one))
  const gaining = night.number === 2 ? quiet.slice(40, 43) : []
  const [given] = night.number === 2 ? quiet.slice(60) : []
  const cleaned = night.number === 3 ? before.filter(inConflict).slice(0, 2) : []
  const staying = before.map((one): ErpUser => {
    const person = people.get(one.person ?? '')
    if (gaining.includes(one)) return { ...one, profiles: [...new Set([...one.profiles, 'VENDOR_CREATE', 'PAY_RUN'])] }
    if (cleaned.includes(one))
      return { ...one, profiles: one.profiles.filter((profile) => profile !== 'VENDOR_CREATE') }
    if (one === given) return { ...one, person: '100010', owner: 'movedAsk' }
    // what they could before, they still can
    if (person !== undefined && night.movers.some((mover) => mover.person.id === person.id))
      return { ...one, profiles: [...new Set([...one.profiles, ...profilesOf(person)])] }
    return one.owner === 'movedAsk' ? { ...one, owner: 'person' } : one
  })
  const count = before.filter((one) => one.user.startsWith('U')).length
  const joined = night.joiners.slice(0, 4).map((person, index): ErpUser => {
    const { id, mail } = person
    return {
      user: named('U', count + index),
      person: id,
      mail,
      profiles: profilesOf(person),
      locked: false,
      owner: 'person',
    }
  })
  return [...staying, ...joined]
}

export const inConflict = ({ profiles }: ErpUser): boolean =>
  profiles.includes('VENDOR_CREATE') && profiles.includes('PAY_RUN')

const titles: Readonly<Record<string, string>> = {
  AP_ENTRY: 'Enter invoices',
  AR_ENTRY: 'Enter receivables',
  BANK_DISPLAY: 'See bank accounts',
  BASIC: 'Log in',
  ORDER_ENTRY: 'Enter orders',
  PAYROLL: 'Run the payroll',
  PAY_RUN: 'Pay',
  REPORTING: 'Reports',
  SUPERUSER: 'Everything',
  VENDOR_CREATE: 'Create vendors',
  VENDOR_DISPLAY: 'See vendors',
}
const gives: Readonly<Record<string, readonly string[]>> = {
  SUPERUSER: ['PAYROLL', 'PAY_RUN', 'VENDOR_CREATE'],
  VENDOR_CREATE: ['VENDOR_DISPLAY'],
}

/** The ERP: personnel numbers with leading zeros, profiles in one cell, a few people who can create a vendor and pay it. */
export function erpFeed(users: readonly ErpUser[], night: Night): Feed {
  const rows = users.map((one) =>
    [one.user, one.person?.padStart(10, '0') ?? '', one.mail, one.profiles.join('|'), one.locked ? 'X' : ''].join(','),
  )
  const entries = Object.entries(titles).map(([value, title]) => ({
    value,
    content: textOf(title),
    gives: gives[value] ?? [],
  }))
  const catalogue = entries.map((one) => [one.value, titles[one.value], '100005', one.gives.join('|')].join(','))
  return {
    ...plainFeed,
    application: 'erp',
    files: {
      'erp.csv.gz': Buffer.from(`user_name,personnel_no,email,profiles,locked\n${rows.join('\n')}\n`),
      'erp-profiles.csv': Buffer.from(`profile,title,owner,includes\n${catalogue.join('\n')}\n`),
    },
    rows: rows.length,
    proven: true,
    accounts: users.map((one) => ({
      native: one.user,
      content: textOf(one.person, one.mail, one.locked),
      grants: one.profiles.map((profile) => `profiles:${profile}`),
      owner: one.owner,
    })),
    catalogue: { attribute: 'profiles', entries, refused: 0 },
    planted: plantedOf(night, users.filter(inConflict).length),
  }
}

function plantedOf({ number }: Night, conflicts: number): string[] {
  const conflict = `${conflicts} users hold VENDOR_CREATE and PAY_RUN together`
  if (number === 1)
    return [
      `${plan.leavers} users L… belong to people who have left: a question each`,
      `${plan.orphans} users X… belong to nobody; X00001 holds SUPERUSER, which gives VENDOR_CREATE and PAY_RUN`,
      conflict,
      'personnel numbers carry leading zeros, which HR does not write',
    ]
  if (number === 2)
    return [
      `${conflict}: three more`,
      'movers who have a user keep the profiles of the department they left',
      'the personnel number of one user is now that of 100010: a question, since the application is privileged',
    ]
  return [`${conflict}: two were mended`, 'joiners have users']
}
