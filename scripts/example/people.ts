import { type NamePart, namePools } from './names.ts'
import { byWeight, type Department, departments, mailDomain, type Site, sites } from './organisation.ts'
import { createRandom } from './random.ts'

export interface Person {
  readonly id: string
  readonly first: NamePart
  readonly last: NamePart
  readonly mail: string
  readonly login: string
  readonly department: Department
  readonly title: string
  readonly site: Site
  readonly manager: string
  readonly hired: string
  readonly ended: string
  readonly status: 'active' | 'leave' | 'left'
}

export const peopleCount = 1500
export const leaverCount = 60
const firstId = 100_001

/** ISO day, so many days after the first of January 2008. */
const day = (days: number): string => new Date(Date.UTC(2008, 0, 1 + days)).toISOString().slice(0, 10)

/** Everybody who works, or worked, at the sample company: the same people on every machine. */
export function makePeople(): Person[] {
  const random = createRandom('people')
  const leavers = new Set(
    random.sample(
      Array.from({ length: peopleCount - 100 }, (_, i) => i + 100),
      leaverCount,
    ),
  )
  const logins = new Map<string, number>()
  const heads = new Map<string, string>()
  return Array.from({ length: peopleCount }, (_, index) => {
    const id = String(firstId + index)
    const site = byWeight(sites, random.next())
    const pool = namePools[random.pick(site.languages)]
    const [first, last] = [random.pick(pool.given), random.pick(pool.family)]
    const department = byWeight(departments, random.next())
    const plain = `${first.latin.replaceAll('-', '')}.${last.latin.replaceAll('-', '')}`
    const times = (logins.get(plain) ?? 0) + 1
    logins.set(plain, times)
    const login = times === 1 ? plain : `${plain}${times}`
    const head = heads.get(department.name) ?? (index === 0 ? '' : String(firstId))
    if (!heads.has(department.name)) heads.set(department.name, id)
    const hired = random.between(0, 6700)
    const left = leavers.has(index)
    return {
      id,
      first,
      last,
      mail: `${login}@${mailDomain}`,
      login,
      department,
      title: random.pick(department.titles),
      site,
      manager: head,
      hired: day(hired),
      ended: left ? day(random.between(6720, 6860)) : '',
      status: left ? 'left' : random.next() < 0.02 ? 'leave' : 'active',
    }
  })
}
