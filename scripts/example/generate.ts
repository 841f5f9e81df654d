import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { badgeFeed, firstBadges, nextBadges } from './badge.ts'
import { bankFeed, firstBank, nextBank } from './bank.ts'
import { type DirectoryAccount, directoryFeed, firstDirectory, nextDirectory } from './directory.ts'
import { type ErpUser, erpFeed, firstErp, inConflict, nextErp } from './erp.ts'
import { type Counts, createExpectation } from './expected.ts'
import type { Feed } from './feed.ts'
import { hrFeed } from './hr.ts'
import { makeNights, type Night } from './nights.ts'

interface Sections {
  readonly sections: Readonly<Record<string, Counts>>
  readonly total: Counts
}

/** What a night must give. */
export interface PlantedNight {
  readonly night: number
  readonly day: string
  readonly aggregation: Sections
  readonly entitlementAggregation: Sections
  readonly facts: Readonly<Record<string, number>>
}

/** Every generated file of the sample organisation by its path inside the project. */
export function generate(): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const expectations = new Map<string, ReturnType<typeof createExpectation>>()
  const planted: PlantedNight[] = []
  const told: string[] = []
  for (const { night, feeds, facts } of makeFeeds()) {
    const aggregation: Record<string, Counts> = {}
    const catalogue: Record<string, Counts> = {}
    for (const feed of feeds) {
      const expectation = expectations.get(feed.application) ?? createExpectation()
      expectations.set(feed.application, expectation)
      aggregation[feed.application] = expectation.aggregation(feed)
      const entries = expectation.catalogue(feed)
      if (entries !== undefined) catalogue[feed.application] = entries
      for (const [name, content] of Object.entries(feed.files))
        files.set(join(folderOf(night), name), name.endsWith('.gz') ? gzipSync(content, { level: 9 }) : content)
    }
    const { number, day } = night
    planted.push({
      ...{ night: number, day, facts },
      aggregation: { sections: aggregation, total: sum(aggregation) },
      entitlementAggregation: { sections: catalogue, total: sum(catalogue) },
    })
    told.push(describe(night, feeds, aggregation, facts))
  }
  files.set('planted.json', Buffer.from(`${JSON.stringify({ nights: planted }, null, 2)}\n`))
  files.set('PLANTED.md', Buffer.from(`${introduction}\n${told.join('\n')}`))
  return files
}

const folderOf = ({ number }: Night): string => (number === 1 ? 'data' : join('nights', String(number)))

function* makeFeeds(): Generator<{ night: Night; feeds: readonly Feed[]; facts: Record<string, number> }> {
  const directories: DirectoryAccount[][] = []
  const rehired = new Set<string>()
  const left = new Set<string>()
  let erp: ErpUser[] = []
  let bank: ReturnType<typeof firstBank> = []
  let badges: ReturnType<typeof firstBadges> = []
  for (const night of makeNights()) {
    const first = night.number === 1
    for (const person of night.rehires) rehired.add(person.id)
    for (const person of night.people) if (person.status === 'left') left.add(person.id)
    const directory = first ? firstDirectory(night) : nextDirectory(directories, night)
    directories.push(directory)
    erp = first ? firstErp(night) : nextErp(erp, night)
    bank = first ? firstBank(night, erp) : nextBank(bank, night)
    badges = first ? firstBadges(night) : nextBadges(badges, night)
    yield {
      night,
      feeds: [
        hrFeed(night, rehired),
        badgeFeed(badges, night),
        bankFeed(bank, night),
        directoryFeed(directory, night),
        erpFeed(erp, night),
      ],
      facts: factsOf(night, left, directory, erp, bank),
    }
  }
}

/** Counted over the feeds as they are, for whoever looks for them. */
function factsOf(
  night: Night,
  left: ReadonlySet<string>,
  directory: readonly DirectoryAccount[],
  erp: readonly ErpUser[],
  bank: ReturnType<typeof firstBank>,
): Record<string, number> {
  const before = (days: number): string =>
    new Date(Date.parse(`${night.day}T00:00:00Z`) - days * 86_400_000).toISOString()
  const enabled = directory.filter((one) => one.enabled)
  const may = (one: { readonly profiles: readonly string[] }, ...all: string[]): boolean =>
    all.every((profile) => one.profiles.includes(profile))
  const vendors = new Set(erp.filter((one) => may(one, 'VENDOR_CREATE')).map((one) => one.person?.padStart(8, '0')))
  return {
    people: night.people.length,
    joiners: night.joiners.length,
    rehires: night.rehires.length,
    movers: night.movers.length,
    leavers: night.leavers.length,
    married: night.married.length,
    staleAccounts: enabled.filter((one) => one.lastLogon !== null && one.lastLogon < before(90)).length,
    neverUsed: enabled.filter((one) => one.lastLogon === null && one.created < before(30)).length,
    leaversEnabled: enabled.filter((one) => left.has(one.employeeID ?? '')).length,
    sharedMailboxes: directory.filter((one) => one.login.startsWith('mbx-')).length,
    mailboxesWithoutOwner: directory.filter((one) => one.login.startsWith('mbx-') && one.managedBy === undefined)
      .length,
    conflictsErp: erp.filter(inConflict).length,
    conflictsBank: bank.filter((one) => may(one, 'PAY_ENTRY', 'PAY_RELEASE')).length,
    conflictsAcross: bank.filter((one) => may(one, 'PAY_ENTRY') && vendors.has(one.number)).length,
  }
}

function sum(sections: Readonly<Record<string, Counts>>): Counts {
  const total: Counts = {}
  for (const counts of Object.values(sections))
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count
  return total
}

const introduction = `# What was planted

The data of this organisation is made by a generator with a fixed seed; nobody in it exists. There are three nights of feeds, one after
another: the first in \`data\`, the others in \`nights/2\` and \`nights/3\`. \`cp nights/2/* data/\` brings the second. \`planted.json\` holds the
counts that \`iqtask run aggregation\` and then \`iqtask run entitlement-aggregation\` must give in each night, and the facts below.
`

function describe(
  night: Night,
  feeds: readonly Feed[],
  sections: Readonly<Record<string, Counts>>,
  facts: Readonly<Record<string, number>>,
): string {
  const parts = feeds.map((feed) => {
    const counts = sections[feed.application] ?? {}
    const shown = 'read rejected created changed renamed returned missing gone correlated uncorrelated questions moved'
      .split(' ')
      .filter((name) => (counts[name] ?? 0) > 0)
      .map((name) => `${counts[name]} ${name}`)
    const names = Object.keys(feed.files)
      .map((name) => `\`${name}\``)
      .join(', ')
    return `### ${feed.application} (${names})\n\n${shown.join(', ')}.\n\n${feed.planted.map((line) => `- ${line}`).join('\n')}\n`
  })
  const numbers = Object.entries(facts).map(([name, count]) => `${name} ${count}`)
  return `## Night ${night.number} (\`${folderOf(night)}\`, ${night.day})\n\nIn these feeds: ${numbers.join(', ')}.\n\n${parts.join('\n')}`
}

if (process.argv[1]?.endsWith('generate.ts') === true) {
  const target = join(import.meta.dirname, '../../examples/organisation')
  for (const [path, content] of generate()) {
    mkdirSync(join(target, path, '..'), { recursive: true })
    writeFileSync(join(target, path), content)
  }
}
