import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { ConnectorError } from '../../src/base/errors.ts'
import type { RecordTaker } from '../../src/connectors/connector.ts'
import { delimited, delimitedSettings } from '../../src/connectors/delimited/delimited.ts'
import { packDelimited } from '../../src/connectors/delimited/packed.ts'
import { plainTaker } from '../../src/connectors/delimited/plain-records.ts'
import { isWorthThread, packOnThread } from '../../src/connectors/delimited/threaded.ts'
import { type AccountMeaning, type PackedReading, packReading } from '../../src/connectors/packing.ts'
import type { Application, CorrelationRule, ValueSource } from '../../src/model/application.ts'
import type { IdentityModel } from '../../src/model/identity-model.ts'
import { addSeen, createSeenSlots } from '../../src/model/seen-records.ts'
import { attribute } from '../helpers/attribute.ts'
import { write } from '../helpers/files.ts'
import { outcomeOf } from '../helpers/packed-blocks.ts'
import { project } from '../helpers/project.ts'

const key = createHash('sha256').update('key').digest()
const nothing = () => createSeenSlots(key, 0)
const times = { now: new Date('2026-11-25T01:00:00Z'), today: new Date('2026-11-25T00:00:00Z') }

/** By bytes where that goes, and by the mapping proper; `taken`: how many records went by bytes. */
async function bothWays(content: string, meaning: AccountMeaning) {
  const folder = project()
  write(folder, { 'a.csv': content })
  const open = () =>
    delimited.open({
      settings: delimitedSettings.parse({ file: join(folder, 'a.csv') }),
      folder,
      clock: systemClock,
      signal: new AbortController().signal,
    })
  let taken = 0
  const counting = (by: RecordTaker | undefined): RecordTaker | undefined =>
    by && {
      take(...given) {
        const next = by.take(...given)
        if (next !== -1) taken++
        return next
      },
    }
  const reading = async (bytes: boolean): Promise<PackedReading> => {
    const connection = await open()
    const readings: Awaited<ReturnType<typeof connection.accounts>>[] = []
    // the two differ in nothing but the taker
    let taker: Parameters<typeof connection.accounts>[0]
    const packed = packReading(meaning, (packer) => {
      const plain = plainTaker(meaning, packer)
      taker = { seen: nothing(), taker: bytes ? (...given) => counting(plain(...given)) : undefined }
      return {
        async *batches() {
          const one = await connection.accounts(taker)
          readings.push(one)
          yield* one.batches()
        },
        evidence: () => readings[0]?.evidence() ?? { level: 'partial', reason: 'not read' },
      }
    })
    return packed
  }
  const byBytes = await outcomeOf(await reading(true))
  const mapped = await outcomeOf(await reading(false))
  return { byBytes, mapped, taken }
}

const names = ['id', 'first', 'last', 'mail', 'start', 'age', 'ok', 'status', 'groups', 'roles'] as const

const oneOf = fc.constantFrom
/** Nine times out of ten the first. */
const mostly = <T>(first: fc.Arbitrary<T>, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: first }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const source = (of: fc.Arbitrary<ValueSource>): fc.Arbitrary<ValueSource | undefined> =>
  fc.option(of, { nil: undefined })
const rule: fc.Arbitrary<CorrelationRule> = fc.record({
  from: oneOf<ValueSource>(
    { attribute: 'mail' },
    { attribute: 'id' },
    { attribute: 'start' },
    { expr: 'account.mail' },
  ),
  identity: fc.constant('mail'),
  decisive: fc.boolean(),
  ignoreCase: fc.boolean(),
  normalize: oneOf<CorrelationRule['normalize'][]>([], ['trim'], ['upper', 'leadingZeros']).map(
    (all) => all as CorrelationRule['normalize'],
  ),
  ignoreValues: oneOf<string[]>([], ['x']),
})

const application: fc.Arbitrary<Application> = fc.record({
  name: oneOf('hr', 'h-r'),
  connector: fc.constant('delimited'),
  connection: fc.constant({}),
  where: mostly<string | undefined>(fc.constant(undefined), "row.status != 'out'"),
  authoritative: mostly<Application['authoritative']>(oneOf(undefined, { sameAs: [] }), { create: 'true', sameAs: [] }),
  privileged: fc.constant(false),
  merge: fc.constant(false),
  grants: fc.constant([]),
  entitlements: fc.constant([]),
  ignoreCase: fc.boolean(),
  account: fc.record({
    nativeIdentity: oneOf(['id'], ['id', 'first'], ['id', 'start']),
    uuid: oneOf(undefined, 'mail', 'nowhere'),
    use: oneOf('personal', 'service'),
    owner: source(mostly<ValueSource>(fc.constant({ attribute: 'last' }), { attribute: 'nowhere' })),
    displayName: source(
      mostly<ValueSource>(
        oneOf({ attribute: 'first' }, { attribute: 'start' }, { expr: "account.first + ' ' + account.last" }),
        { expr: "'a' + account.age" },
        { expr: 'account.first.lowerAscii()' },
      ),
    ),
    disabled: source(
      oneOf<ValueSource>(
        { expr: "account.status != 'active'" },
        { expr: "account.status == 'a b'" },
        { attribute: 'ok' },
      ),
    ),
    locked: source(
      mostly<ValueSource>(fc.constant({ attribute: 'ok' }), { attribute: 'status' }, { attribute: 'age' }),
    ),
    times: fc.constant({}),
    attributes: fc
      .record({
        start: oneOf(
          attribute('start'),
          attribute('start', { type: 'date' }),
          attribute('start', { type: 'date', ignore: true }),
        ),
        age: oneOf(attribute('age'), attribute('age', { type: 'number' })),
        ok: oneOf(attribute('ok'), attribute('ok', { type: 'boolean' })),
        groups: mostly(
          oneOf(
            attribute('groups', { multiple: true, split: '|', entitlement: true }),
            attribute('groups', { multiple: true, entitlement: true }),
            attribute('groups', { entitlement: true }),
          ),
          attribute('groups', { multiple: true, split: '|', entitlement: true, valuesIgnoreCase: true }),
          attribute('groups', { multiple: true, split: '|' }),
        ),
        roles: oneOf(
          attribute('roles', { multiple: true, split: ';', entitlement: true }),
          attribute('roles', { ignore: true }),
        ),
      })
      .map((all) => Object.values(all)),
  }),
  correlation: fc.array(rule, { maxLength: 2 }),
  protect: fc.constant([]),
  guards: fc.constant({}),
  digest: fc.constant('d'),
  file: fc.constant('hr.yaml'),
}) as fc.Arbitrary<Application>

const identity = (name: string): fc.Arbitrary<IdentityModel | undefined> =>
  fc.option(
    fc.record({
      name: oneOf([], [{ application: name, attribute: 'mail' }], [{ application: 'ad', attribute: 'id' }]),
      attributes: fc.constant([
        {
          name: 'mail',
          from: [{ application: name, attribute: 'mail' }],
          normalize: [],
          unique: false,
          searchable: false,
          multiple: false,
        },
        {
          name: 'label',
          from: [
            { application: name, attribute: 'roles' },
            { application: name, attribute: 'last' },
            { application: name, attribute: 'first' },
          ],
          normalize: ['lower', 'collapse'],
          unique: false,
          searchable: false,
          multiple: false,
        },
        {
          name: 'since',
          from: [{ application: name, attribute: 'start' }],
          normalize: ['trim'],
          unique: false,
          searchable: false,
          multiple: false,
        },
        {
          name: 'age',
          from: [{ application: name, attribute: 'age' }],
          normalize: [],
          unique: false,
          searchable: false,
          multiple: false,
        },
      ]),
      status: oneOf(
        [],
        [{ application: 'hr', expr: "hr.disabled ? 'inactive' : 'active'" }],
        [{ application: 'hr', expr: "!hr.locked ? 'leave' : 'active'" }],
        [{ application: 'hr', expr: "hr.status == 'active' ? 'active' : 'inactive'" }],
        [{ application: 'hr', expr: "hr.status == 'active' ? 'active' : 'nobody'" }],
      ),
    }),
    { nil: undefined },
  ) as fc.Arbitrary<IdentityModel | undefined>

const meaning: fc.Arbitrary<AccountMeaning> = application.chain((one) =>
  identity(one.name).map((model) => ({
    application: one,
    identity: one.authoritative === undefined ? undefined : model,
    times,
  })),
)

const cells: Record<(typeof names)[number], fc.Arbitrary<string>> = {
  id: mostly(oneOf('1', '02', 'Ab', 'b', 'A B'), 'é', ''),
  first: mostly(oneOf('Ann', 'bob', ' x '), '', 'O"Neil', 'back\\slash'),
  last: mostly(oneOf('Lee', 'a  b', ''), 'Müller', 'tab\there'),
  mail: mostly(oneOf('a@x', ' A@X ', 'x', '', '007'), 'a\u0301'),
  start: mostly(oneOf('2026-11-24', '1999-01-28', ''), '2024-02-29', '2024-02-30', '0026-01-01', 'soon', ' 2026-11-24'),
  age: mostly(oneOf('1', '0', '123456789012345', ''), '007', '-0', '1e3', '9007199254740993', 'x', '1.5'),
  ok: mostly(oneOf('true', 'false', ''), 'Yes', '0', 'perhaps'),
  status: mostly(oneOf('active', 'a b', 'true', 'no'), 'out', ''),
  groups: mostly(oneOf('A|B', 'b|a|b', ' A | a ||', '', '|', 'G,1|G,2'), 'ä|a'),
  roles: oneOf('r;s', 's;r;s', '', 'one'),
}

const quoted = (text: string, always: boolean): string =>
  always || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
const record = fc
  .tuple(fc.record(cells), fc.boolean(), oneOf('\n', '\n', '\n', '\r\n'), oneOf('', '', '', '', '', ',more', '\n'))
  .map(([row, always, end, more]) => names.map((name) => quoted(row[name], always)).join(',') + more + end)

it('makes of plain bytes what the mapping makes of them, whatever the definition', async () => {
  let [records, byBytes] = [0, 0]
  await fc.assert(
    fc.asyncProperty(meaning, fc.array(record, { minLength: 1, maxLength: 30 }), async (what, rows) => {
      const done = await bothWays(`${names.join(',')}\n${rows.join('')}`, what)
      expect(done.byBytes).toEqual(done.mapped)
      records += done.mapped.read
      byBytes += done.taken
    }),
    { numRuns: 300 },
  )
  // the two roads have to be two
  expect(byBytes).toBeGreaterThan(records / 10)
})

const plainApplication: Application = {
  name: 'hr',
  connector: 'delimited',
  connection: {},
  authoritative: { sameAs: [] },
  privileged: false,
  merge: false,
  grants: [],
  entitlements: [],
  ignoreCase: true,
  account: {
    nativeIdentity: ['id'],
    use: 'personal',
    displayName: { expr: "account.first + ' ' + account.last" },
    disabled: { expr: "account.status != 'active'" },
    times: {},
    attributes: [
      attribute('start', { type: 'date' }),
      attribute('groups', { multiple: true, split: '|', entitlement: true }),
    ],
  },
  correlation: [],
  protect: [],
  guards: {},
  digest: 'd',
  file: 'hr.yaml',
}

it('takes every record of an ordinary feed by its bytes, over many blocks', async () => {
  const rows = Array.from({ length: 9000 }, (_, n) => {
    const groups = Array.from({ length: n % 12 }, (_, g) => `Group ${(n * 7 + g * 13) % 700}`).join('|')
    return `U${9000 - n},First ${n},Last,u${n}@example.com,2020-01-1${n % 10},${n},true,active,"${groups}",r`
  })
  const done = await bothWays(`${names.join(',')}\n${rows.join('\n')}\n`, {
    application: plainApplication,
    identity: { name: [], attributes: [], status: [] },
    times,
  })
  expect(done.taken).toBe(9000)
  expect(done.byBytes.blocks.length).toBeGreaterThan(2)
  // where a block ends is each road's own affair
  const all = (blocks: readonly unknown[], key: string) =>
    blocks.flatMap((block) => (block as Record<string, unknown>)[key])
  for (const key of ['grants', 'values']) expect(all(done.byBytes.blocks, key)).toEqual(all(done.mapped.blocks, key))
  const told = ({ blocks }: typeof done.mapped) =>
    all(blocks, 'accounts').map((one) => one as { texts: unknown; digests: unknown; numbers: unknown })
  expect(told(done.byBytes)).toEqual(told(done.mapped))
})

describe('a large file is read by a thread of its own', () => {
  const count = 60_000
  const line = (n: number): string =>
    `U${n},Fïrst ${n % 50},${'Last '.repeat(6)},u${n}@example.com,2020-01-1${n % 10},${n},true,active,"G${n % 300}|H${n % 7}",r\n`
  const plain = (n: number): string => line(n).replace('ï', 'i')
  const content = (header: string) =>
    `${header}\n${Array.from({ length: count }, (_, n) => (n % 9 === 0 ? line(n) : n % 10_000 === 7 ? 'short,row\n' : plain(n))).join('')}`
  const meaning: AccountMeaning = {
    application: plainApplication,
    identity: { name: [], attributes: [], status: [] },
    times,
  }
  const contextOf = (text: string, signal = new AbortController().signal) => {
    const folder = project()
    write(folder, { 'a.csv': text })
    return { settings: delimitedSettings.parse({ file: join(folder, 'a.csv') }), folder, clock: systemClock, signal }
  }

  it('with the same outcome, which leaves the same marks', async () => {
    const context = contextOf(content(names.join(',')))
    expect(isWorthThread(context, { seen: nothing })).toBe(true)
    const here = await outcomeOf(packDelimited(context, meaning, { seen: nothing }))
    const there = await outcomeOf(packOnThread(context, meaning, { seen: nothing }))
    expect(there).toEqual(here)
    expect(here.blocks.length).toBeGreaterThan(8)
    expect(here.rejects).toHaveLength(5)
    // the records of the first read are known in the second
    const macs = (here.blocks as { accounts: { mac: string }[] }[]).flatMap(({ accounts }) =>
      accounts.map(({ mac }) => Buffer.from(mac, 'hex')),
    )
    const seen = createSeenSlots(key, macs.length)
    addSeen(seen, Int32Array.from(macs.flatMap((mac) => [mac.readInt32LE(0), mac.readInt32LE(4)])))
    const again = await outcomeOf(packOnThread(context, meaning, { seen: () => seen }))
    expect(again).toMatchObject({ blocks: [], read: count })
    expect([...seen.marks.subarray(0, 2)]).toEqual([macs.length, 0])
  })

  it('whose errors are those of the reader', async () => {
    const context = contextOf(content(names.join(',').replace('last', 'first')))
    const failed = async (reading: PackedReading) => {
      const { code, message, hint, place } = (await outcomeOf(reading).catch(
        (error: unknown) => error,
      )) as ConnectorError
      return { code, message, hint, place }
    }
    const here = await failed(packDelimited(context, meaning, { seen: nothing }))
    expect(here.code).toBe('IQ2003')
    const there = packOnThread(context, meaning, { seen: nothing })
    expect(await failed(there)).toEqual(here)
    await expect(outcomeOf(packOnThread(context, meaning, { seen: nothing }))).rejects.toBeInstanceOf(ConnectorError)
  })

  it('which ends when the run has to', async () => {
    const abort = new AbortController()
    const reading = packOnThread(contextOf(content(names.join(',')), abort.signal), meaning, {
      seen: nothing,
    })
    let read = 0
    for await (const batch of reading.batches()) {
      read += batch.read
      abort.abort()
    }
    expect(read).toBeLessThan(count)
    expect(reading.evidence().level).toBe('partial')
  })
})
