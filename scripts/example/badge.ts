import { type Feed, type PlannedOwner, plainFeed, textOf } from './feed.ts'
import { type Night, stays } from './nights.ts'
import { createRandom } from './random.ts'

export interface Badge {
  readonly number: string
  /** `P-` and the personnel number, or `VISITOR`. */
  readonly holder: string
  readonly validTo: string
  readonly zones: readonly string[]
  readonly owner: PlannedOwner
}

const plan = { people: 300, second: 6, visitors: 15, leavers: 5, dangling: 4, absent: 3 }

const badgeOf = (index: number, holder: string, zones: readonly string[], owner: PlannedOwner = 'person'): Badge => ({
  number: String(index + 1).padStart(6, '0'),
  holder,
  validTo: `2027${String((index % 12) + 1).padStart(2, '0')}28`,
  zones,
  owner,
})

/** The badges of the first night. */
export function firstBadges({ people }: Night): Badge[] {
  const random = createRandom('badges')
  const holders = random.sample(people.filter(stays), plan.people)
  const left = people.filter((person) => person.status === 'left')
  const zonesOf = (short: string): string[] => [
    'ENTRANCE',
    ...(['PR', 'MA', 'LO'].includes(short) ? ['PLANT'] : []),
    ...(['IT', 'SEC'].includes(short) ? ['SERVER_ROOM'] : []),
  ]
  let next = 0
  return [
    ...holders.map((one) => badgeOf(next++, `P-${one.id}`, zonesOf(one.department.short))),
    ...holders.slice(0, plan.second).map((one) => badgeOf(next++, `P-${one.id}`, ['ENTRANCE'])),
    ...Array.from({ length: plan.visitors }, () => badgeOf(next++, 'VISITOR', ['ENTRANCE'], 'nobody')),
    ...random.sample(left, plan.leavers).map((one) => badgeOf(next++, `P-${one.id}`, ['ENTRANCE'], 'question')),
  ]
}

/** Two badges of the second night are somebody else's now. */
export function nextBadges(before: readonly Badge[], night: Night): Badge[] {
  if (night.number !== 2) return before.map((one) => (one.owner === 'moved' ? { ...one, owner: 'person' } : one))
  const [first, second] = [before[10], before[11]]
  return before.map((one) => {
    const now = one === first ? before[50] : one === second ? before[51] : undefined
    return now === undefined ? one : { ...one, holder: now.holder, owner: 'moved' }
  })
}

/** The doors: no header, tabs, the zones in a file of their own; nothing proves it whole, and in the second night it is not. */
export function badgeFeed(badges: readonly Badge[], night: Night): Feed {
  const there = night.number === 2 ? badges.filter((_, index) => index < 100 || index >= 100 + plan.absent) : badges
  const rows = there.map((one) => [one.number, one.holder, one.validTo].join('\t'))
  const zones = there.flatMap((one) => one.zones.map((zone) => `${one.number},${zone}`))
  const dangling = Array.from({ length: plan.dangling }, (_, index) => `99990${index},SERVER_ROOM`)
  const order = createRandom(`zones ${night.number}`)
  return {
    ...plainFeed,
    application: 'badge',
    files: {
      'badges.tsv': Buffer.from(`${rows.join('\n')}\n`),
      'badge-zones.csv': Buffer.from(`badge,zone\n${order.shuffle([...zones, ...dangling]).join('\n')}\n`),
    },
    rows: rows.length,
    grantsRejected: plan.dangling,
    proven: false,
    accounts: there.map((one) => ({
      native: one.number,
      content: textOf(one.holder, one.validTo),
      grants: one.zones.map((zone) => `zones:${zone}`),
      owner: one.owner,
    })),
    planted: plantedOf(night),
  }
}

function plantedOf({ number }: Night): string[] {
  if (number === 1)
    return [
      `${plan.dangling} zones of badges that do not exist (in every night)`,
      `${plan.second} people have two badges, ${plan.visitors} badges are for visitors`,
      `${plan.leavers} badges belong to people who have left: a question each`,
    ]
  if (number === 2)
    return [
      `${plan.absent} badges are not in the extract, which does not prove itself whole: missing, not gone`,
      '2 badges were given to somebody else: moved',
    ]
  return [`the ${plan.absent} badges are in the extract again`]
}
