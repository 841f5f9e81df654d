import { type NamePart, namePools } from './names.ts'
import { type Department, departments, mailDomain } from './organisation.ts'
import { makePeople, type Person } from './people.ts'
import { createRandom, type Random } from './random.ts'

/** What one night's personnel extract holds, and what happened since the one before. */
export interface Night {
  readonly number: number
  /** The day before; what is stale is counted from it. */
  readonly day: string
  /** Everybody in the extract. */
  readonly people: readonly Person[]
  readonly joiners: readonly Person[]
  /** People who had left, and came back under another number. */
  readonly rehires: readonly Person[]
  readonly movers: readonly Mover[]
  readonly leavers: readonly Person[]
  /** Another family name, mail and login. */
  readonly married: readonly Person[]
  /** No longer in the extract. */
  readonly dropped: readonly Person[]
  /** In the extract again. */
  readonly restored: readonly Person[]
}

export interface Mover {
  readonly person: Person
  readonly from: Department
}

interface Plan {
  readonly day: string
  readonly firstId: number
  readonly joiners: number
  readonly rehires: number
  readonly movers: number
  readonly leavers: number
  readonly married: number
  readonly dropped: number
  readonly restored: number
}

const plans: readonly Plan[] = [
  {
    day: '2026-11-18',
    firstId: 101_501,
    joiners: 12,
    rehires: 4,
    movers: 15,
    leavers: 9,
    married: 4,
    dropped: 5,
    restored: 0,
  },
  {
    day: '2026-11-19',
    firstId: 101_521,
    joiners: 6,
    rehires: 2,
    movers: 8,
    leavers: 5,
    married: 2,
    dropped: 3,
    restored: 1,
  },
]

/** Two people of HR share this address: it identifies nobody. */
export const sharedMail = 'reception@example.com'
const sharers: ReadonlySet<string> = new Set(['100041', '100042'])
export const isSharer = (person: Person): boolean => sharers.has(person.id)
export const stays = (person: Person): boolean => person.status !== 'left' && !isSharer(person)

/** Three nights, one after another: the same on every machine. */
export function makeNights(): Night[] {
  const none = { joiners: [], rehires: [], movers: [], leavers: [], married: [], dropped: [], restored: [] }
  const nights: Night[] = [{ number: 1, day: '2026-11-17', people: makePeople(), ...none }]
  for (const plan of plans) nights.push(nextNight(nights, plan))
  return nights
}

function nextNight(before: readonly Night[], plan: Plan): Night {
  const last = before.at(-1)
  if (last === undefined) throw new RangeError('there is no night before')
  const number = before.length + 1
  const random = createRandom(`night ${number}`)
  const gone = last.people.filter((person) => person.status === 'left')
  const ordinary = last.people.filter((person) => stays(person) && Number(person.id) > 100_100 && person.id < '101501')
  const touched = random.sample(ordinary, plan.movers + plan.leavers + plan.married)
  const shuffled = random.shuffle(touched)
  const movers = shuffled
    .slice(0, plan.movers)
    .map((person) => ({ person: moved(person, random, last.people), from: person.department }))
  const leavers = shuffled
    .slice(plan.movers, plan.movers + plan.leavers)
    .map((person): Person => ({ ...person, status: 'left', ended: last.day }))
  const married = shuffled.slice(plan.movers + plan.leavers).map((person) => renamed(person, random))
  const returning = random.sample(
    gone.filter((person) => person.id < '101501' && !before.some((night) => night.leavers.includes(person))),
    plan.rehires + plan.dropped,
  )
  const numbered = (index: number): string => String(plan.firstId + index)
  const rehires = returning
    .slice(0, plan.rehires)
    .map((person, index): Person => ({ ...person, id: numbered(index), hired: plan.day, ended: '', status: 'active' }))
  const dropped = returning.slice(plan.rehires)
  const joiners = Array.from({ length: plan.joiners }, (_, index) =>
    joiner(numbered(plan.rehires + index), plan.day, random, last.people),
  )
  const restored = random.sample(last.dropped, plan.restored)
  const changed = new Map([...movers.map((one) => one.person), ...leavers, ...married].map((one) => [one.id, one]))
  const people = last.people
    .filter((person) => !dropped.includes(person))
    .map((person) => changed.get(person.id) ?? person)
  return {
    number,
    day: plan.day,
    people: [...people, ...restored, ...rehires, ...joiners],
    joiners,
    rehires,
    movers,
    leavers,
    married,
    dropped,
    restored,
  }
}

function moved(person: Person, random: Random, people: readonly Person[]): Person {
  const department = random.pick(departments.filter((one) => one !== person.department && one.weight > 1))
  const head = people.find((one) => one.department === department)?.id ?? ''
  return { ...person, department, title: random.pick(department.titles), manager: head }
}

/** Both names from now on; nobody else has both, so that the login is free. */
function renamed(person: Person, random: Random): Person {
  const added = random.pick(namePools.german.family)
  const last: NamePart = {
    native: `${person.last.native}-${added.native}`,
    latin: `${person.last.latin}-${added.latin}`,
  }
  const login = `${person.login}-${added.latin}`
  return { ...person, last, login, mail: `${login}@${mailDomain}` }
}

function joiner(id: string, day: string, random: Random, people: readonly Person[]): Person {
  const pool = namePools[random.pick(['german', 'polish', 'norwegian', 'french'] as const)]
  const [first, last] = [random.pick(pool.given), random.pick(pool.family)]
  const department = random.pick(departments.filter((one) => one.weight > 3))
  // the number keeps it apart from everybody's of the first night
  const login = `${first.latin.replaceAll('-', '')}.${last.latin.replaceAll('-', '')}.${id.slice(-3)}`
  const head = people.find((one) => one.department === department)
  if (head === undefined) throw new RangeError(`nobody works in ${department.name}`)
  return {
    id,
    first,
    last,
    mail: `${login}@${mailDomain}`,
    login,
    department,
    title: random.pick(department.titles),
    site: head.site,
    manager: head.id,
    hired: day,
    ended: '',
    status: 'active',
  }
}
