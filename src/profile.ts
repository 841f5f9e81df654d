import { basename, dirname, relative } from 'node:path'
import { systemClock } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import { createRegistry } from './base/registry.ts'
import type { Connection } from './connectors/connector.ts'
import { builtinConnectors } from './connectors/index.ts'
import { type ColumnProfile, createTwice, profileColumn, strayShare } from './model/column-profile.ts'
import type { ProfileDocument } from './model/documents.ts'
import { evenOut } from './model/normalize.ts'
import { type CorrelationCandidate, mayBeKey, mergePair, type ProfileFacts, propose } from './model/profile-proposal.ts'
import { renderProfile } from './model/profile-yaml.ts'
import type { TraceIdentity } from './model/rule-trace.ts'
import type { RawValue } from './model/value.ts'

export interface ProfileOptions {
  /** Absolute path of the feed. */
  readonly file: string
  /** Folder of the application's file that is proposed: `connection.file` is relative to it. */
  readonly folder: string
  readonly name: string | undefined
  readonly signal: AbortSignal
  /** Whom columns may match; none where there is no store. */
  readonly identities: Iterable<TraceIdentity>
}

/** Rows that correlation is measured on. */
const sampleSize = 2_000
/** With more accounts it is not told whether the rows of each agree: all of them are in memory. */
const mergedMost = 500_000

/** Reads a feed and proposes its application file; see `model/profile-proposal.ts` for what is concluded from what. */
export async function profileFile(options: ProfileOptions): Promise<ProfileDocument> {
  const { file, folder } = options
  const connector = /\.(jsonl|ndjson)(\.gz)?$/i.test(file) ? 'jsonl' : 'delimited'
  const { connection, read, encoding } = await readWhole(connector, options)
  try {
    const described = await connection.test()
    if (read.rows === 0)
      throw new UserError(`${file} has no rows`, { code: 'IQ2002', place: { file }, hint: 'give a file with data' })
    const columns = read.columns.map((column) => column.profile.facts(read.rows))
    const keyless = !columns.some(mayBeKey)
    const full = columns.filter((column) => column.filled === read.rows && column.list === undefined)
    const names = full.map((column) => column.name)
    const pairs = keyless ? await uniquePairs(connection, names) : []
    const facts: ProfileFacts = {
      rows: read.rows,
      rejected: read.rejected,
      encoding,
      columns,
      pairs,
      merge: await mergeOf(connection, pairs),
      correlation: correlate(
        read.columns.map(({ name, sample }) => ({ name, sample })),
        options.identities,
      ),
    }
    const proposal = propose(facts)
    const source = {
      name: options.name ?? nameOf(file),
      connector,
      file: relative(folder, file),
      described: described.replace(/^.*?, /, ''),
    }
    return {
      schema: 'iqtask/Profile/1',
      file,
      ...facts,
      sampled: Math.min(sampleSize, read.rows),
      proposal,
      text: renderProfile(source, facts, proposal),
    }
  } finally {
    await connection.close()
  }
}

const nameOf = (file: string): string =>
  basename(file)
    .replace(/(\.[a-z]+)+$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64) || 'application'

/** As UTF-8, or what the file says of itself; where that leaves bytes that are no text, in the encoding of old. */
async function readWhole(connector: string, options: ProfileOptions) {
  const connection = await open(connector, options)
  const read = await measure(connection)
  if (read.undecoded <= Math.max(2, read.rows * strayShare)) return { connection, read, encoding: undefined }
  const encoding = 'windows-1252'
  const other = await open(connector, options, { encoding })
  const again = await measure(other)
  const better = again.rejected < read.rejected
  await (better ? connection : other).close()
  return better ? { connection: other, read: again, encoding } : { connection, read, encoding: undefined }
}

function open(connector: string, { file, signal }: ProfileOptions, more: object = {}): Promise<Connection> {
  const kind = createRegistry('connector', 'IQ1105', builtinConnectors).get(connector)
  return kind.open({
    settings: kind.connection.parse({ file, ...more }),
    folder: dirname(file),
    clock: systemClock,
    signal,
  })
}

interface Column {
  readonly name: string
  readonly profile: ColumnProfile
  /** Texts of the first rows and of every n-th after them, at most `sampleSize`. */
  readonly sample: string[]
}

async function measure(connection: Connection) {
  const columns: Column[] = []
  let [rows, rejected, undecoded, step] = [0, 0, 0, 1]
  const keep = (): boolean => rows % step === 0
  const reading = await connection.accounts()
  for await (const batch of reading.batches()) {
    rejected += batch.rejects.length
    undecoded += batch.rejects.filter((reject) => reject.code === 'IQ2106').length
    for (const name of batch.columns.slice(columns.length))
      columns.push({ name, profile: profileColumn(name), sample: [] })
    for (const { values } of batch.records) {
      if (columns.some((column) => column.sample.length >= sampleSize)) {
        step *= 2
        for (const column of columns) thin(column.sample)
      }
      columns.forEach((column, index) => {
        const value = values[index]
        column.profile.add(value)
        if (keep() && value !== undefined && value !== '' && !Array.isArray(value)) column.sample.push(String(value))
      })
      rows++
    }
  }
  return { columns, rows, rejected, undecoded }
}

/** Every second one stays. */
function thin(sample: string[]): void {
  let kept = 0
  for (let index = 0; index < sample.length; index += 2) sample[kept++] = sample[index] ?? ''
  sample.length = kept
}

/** Pairs of columns that no two rows share; among the first eight that are never empty. */
async function uniquePairs(connection: Connection, names: readonly string[]): Promise<[string, string][]> {
  const chosen = names.slice(0, 8)
  const pairs = chosen.flatMap((one, i) =>
    chosen.slice(i + 1).map((other) => ({ one, other, twice: createTwice(2_000_000) })),
  )
  const reading = await connection.accounts()
  for await (const { columns, records } of reading.batches())
    for (const { values } of records)
      for (const { one, other, twice } of pairs) {
        const value = (name: string): RawValue => values[columns.indexOf(name)]
        twice.add(`${String(value(one))}\0${String(value(other))}`)
      }
  return pairs.flatMap(({ one, other, twice }) => (twice.repeats() === 0 ? [[one, other] as [string, string]] : []))
}

/** Of the pairs one that may be an account and a value that it holds: the rest of the row is the account's then, and always the same. */
async function mergeOf(connection: Connection, pairs: readonly [string, string][]): Promise<ProfileFacts['merge']> {
  const [account, value] = pairs.flatMap((pair) => mergePair(pair) ?? [])[0] ?? []
  if (account === undefined || value === undefined) return undefined
  const rests = new Map<string, string>()
  const disagreeing = new Set<string>()
  const reading = await connection.accounts()
  for await (const { columns, records } of reading.batches())
    for (const { values } of records) {
      const key = String(values[columns.indexOf(account)])
      const rest = JSON.stringify(values.filter((_, index) => columns[index] !== account && columns[index] !== value))
      const known = rests.get(key)
      if (known === undefined) rests.set(key, rest)
      else if (known !== rest) disagreeing.add(key)
      if (rests.size > mergedMost) return undefined
    }
  const [accounts, wrong] = [rests.size, disagreeing.size]
  return wrong <= accounts * strayShare ? { account, value, accounts, disagreeing: wrong } : undefined
}

const waysToCompare = [
  { ignoreCase: false, leadingZeros: false },
  { ignoreCase: true, leadingZeros: false },
  { ignoreCase: false, leadingZeros: true },
] as const

/** The way of comparing that finds most, for each column and identity attribute that have anything in common. */
function correlate(
  columns: readonly Pick<Column, 'name' | 'sample'>[],
  identities: Iterable<TraceIdentity>,
): CorrelationCandidate[] {
  const wanted = columns.flatMap(({ name, sample }) =>
    waysToCompare.map((way) => ({ name, way, sample: sample.flatMap((text) => evened(way, text) ?? []) })),
  )
  // how many identities each value of the sample finds, by identity attribute
  const hits = wanted.map(() => new Map<string, Map<string, number>>())
  const values = wanted.map(({ sample }) => new Set(sample))
  for (const { name, attributes } of identities)
    for (const [attribute, value] of Object.entries({ ...attributes, name }))
      if (typeof value === 'string' || typeof value === 'number')
        wanted.forEach(({ way }, index) => {
          const key = evened(way, String(value))
          if (key === undefined || values[index]?.has(key) !== true) return
          const byValue = hits[index]?.get(attribute) ?? new Map<string, number>()
          hits[index]?.set(attribute, byValue.set(key, (byValue.get(key) ?? 0) + 1))
        })
  const all = wanted.flatMap(({ name, way, sample }, index) =>
    [...(hits[index] ?? [])].map(([identity, found]): CorrelationCandidate => {
      const counts = sample.map((text) => found.get(text) ?? 0)
      const one = counts.filter((count) => count === 1).length
      const several = counts.filter((count) => count > 1).length
      return { account: name, identity, filled: sample.length, one, several, ...way }
    }),
  )
  return best(all)
}

/** Of the ways for one column and attribute the plainest that finds most; nothing that finds next to nobody. */
function best(all: readonly CorrelationCandidate[]): CorrelationCandidate[] {
  const kept = new Map<string, CorrelationCandidate>()
  for (const candidate of all) {
    const key = `${candidate.account}\0${candidate.identity}`
    const known = kept.get(key)
    if (candidate.one / candidate.filled >= 0.02 && (known === undefined || candidate.one > known.one))
      kept.set(key, candidate)
  }
  const found = [...kept.values()]
  // the name of an identity is often an attribute as well: that one says what it is
  const also = (name: CorrelationCandidate): boolean =>
    found.some(({ account, identity, one }) => account === name.account && identity !== 'name' && one >= name.one)
  return found.filter((candidate) => candidate.identity !== 'name' || !also(candidate))
}

const evened = (way: (typeof waysToCompare)[number], text: string): string | undefined =>
  evenOut(
    {
      ignoreCase: way.ignoreCase,
      normalize: way.leadingZeros ? ['leadingZeros'] : [],
      ignoreValues: ['N/A', '0', '000000'],
    },
    text,
  )
