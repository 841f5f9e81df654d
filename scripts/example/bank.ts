import { createHash } from 'node:crypto'
import { type ErpUser, inConflict } from './erp.ts'
import { type Feed, type PlannedOwner, plainFeed, textOf } from './feed.ts'
import { type Night, stays } from './nights.ts'
import type { Person } from './people.ts'
import { createRandom } from './random.ts'

export interface BankUser {
  readonly user: string
  readonly number: string
  readonly name: string
  readonly profiles: readonly string[]
  readonly limit: number
  readonly owner: PlannedOwner
}

const plan = { users: 66, conflicts: 4, across: 3, leavers: 2, technical: 2 }
const usual: Readonly<Record<string, readonly string[]>> = { AP: ['PAY_ENTRY'], TR: ['PAY_RELEASE'] }

const userOf = (person: Person, index: number, more: readonly string[]): BankUser => ({
  user: `B${String(index + 1).padStart(4, '0')}`,
  number: person.id.padStart(8, '0'),
  // what windows-1252 cannot write is written in Latin letters
  name: [person.first, person.last]
    .map(({ native, latin }) => (/^[\x20-\xff]*$/.test(native) ? native : latin))
    .join(' '),
  profiles: [...new Set(['VIEW', ...(usual[person.department.short] ?? []), ...more])],
  limit: 1000 * (1 + (index % 5)),
  owner: 'person',
})

/** The users of the first night; some of them can also create vendors in the ERP. */
export function firstBank({ people }: Night, erp: readonly ErpUser[]): BankUser[] {
  const random = createRandom('bank')
  const vendors = erp.filter(inConflict).slice(0, plan.across)
  const across = people.filter((person) => vendors.some((user) => user.person === person.id))
  const finance = people.filter(
    (person) => stays(person) && ['AP', 'AR', 'CO', 'TR'].includes(person.department.short) && !across.includes(person),
  )
  const left = people.filter((person) => person.status === 'left')
  const chosen = [...across, ...random.sample(finance, plan.users), ...random.sample(left, plan.leavers)]
  const users = chosen.map((person, index) => {
    const inBank = index >= across.length && index < across.length + plan.conflicts
    return userOf(person, index, index < across.length ? ['PAY_ENTRY'] : inBank ? ['PAY_ENTRY', 'PAY_RELEASE'] : [])
  })
  const special = (user: string, number: string, name: string, owner: PlannedOwner): BankUser => ({
    ...{ user, number, name, owner },
    profiles: ['VIEW', 'PAY_RELEASE'],
    limit: 0,
  })
  return [
    ...users,
    ...Array.from({ length: plan.technical }, (_, index) =>
      special(`T000${index + 1}`, '000000', `Interface ${index + 1}`, 'nobody'),
    ),
    special('B9001', '00990001', 'Former Treasurer', 'question'),
  ]
}

/** One user ends, one joiner of the night gets one, one may do more than before. */
export function nextBank(before: readonly BankUser[], night: Night): BankUser[] {
  const ending = before[20 + night.number]
  const rising = before[30 + night.number]
  const joined = night.joiners.slice(0, 1).map((person) => userOf(person, 100 + night.number, []))
  const staying = before.filter((one) => one !== ending)
  return [
    ...staying.map((one) =>
      one === rising ? { ...one, limit: 10_000, profiles: [...new Set([...one.profiles, 'ADMIN'])] } : one,
    ),
    ...joined,
  ]
}

const disagreeing = ['B9002;;Two Limits;VIEW;1000', 'B9002;;Two Limits;PAY_ENTRY;9000']

/** The bank portal: one row for each user and profile, in no order, in the encoding of old; a hash beside it proves it whole. */
export function bankFeed(users: readonly BankUser[], night: Night): Feed {
  const rows = users.flatMap((one) =>
    one.profiles.map((profile) => [one.user, one.number, one.name, profile, one.limit].join(';')),
  )
  const all = createRandom(`bank rows ${night.number}`).shuffle([...rows, ...disagreeing])
  const content = Buffer.from(`user;employee_no;name;profile;limit\r\n${all.join('\r\n')}\r\n`, 'latin1')
  const sha256 = createHash('sha256').update(content).digest('hex')
  const both = users.filter((one) => one.profiles.includes('PAY_ENTRY') && one.profiles.includes('PAY_RELEASE')).length
  return {
    ...plainFeed,
    application: 'bank',
    files: { 'bank.csv': content, 'bank.csv.sha256': Buffer.from(`${sha256}  bank.csv\n`) },
    rows: all.length,
    rejected: disagreeing.length,
    rejectedAccounts: ['B9002'],
    proven: true,
    accounts: users.map((one) => ({
      native: one.user,
      content: textOf(one.number, one.name, one.limit),
      grants: one.profiles.map((profile) => `profile:${profile}`),
      owner: one.owner,
    })),
    planted:
      night.number === 1
        ? [
            'the two rows of B9002 disagree about its limit (in every night)',
            `${both} users hold PAY_ENTRY and PAY_RELEASE together`,
            `${plan.across} users hold PAY_ENTRY here and VENDOR_CREATE in the ERP`,
            `${plan.leavers} users belong to people who have left`,
            `${plan.technical} users T… carry the number 000000, which never matches; B9001 one that HR does not know: a question`,
          ]
        : ['one user ends, a joiner gets one, one becomes ADMIN with another limit'],
  }
}
