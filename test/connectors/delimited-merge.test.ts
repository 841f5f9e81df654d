import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Reading } from '../../src/connectors/connector.ts'
import { delimitedSettings } from '../../src/connectors/delimited/delimited.ts'
import { packDelimited, readDelimited } from '../../src/connectors/delimited/packed.ts'
import { PlainMerge } from '../../src/connectors/delimited/plain-merge.ts'
import { packOnThread } from '../../src/connectors/delimited/threaded.ts'
import { packMerged } from '../../src/connectors/merge/packing.ts'
import { WaitingRows } from '../../src/connectors/merge/waiting-rows.ts'
import type { AccountMeaning, PackedReading } from '../../src/connectors/packing.ts'
import { createTally } from '../../src/connectors/tally.ts'
import { AccountPacker } from '../../src/model/account-packer.ts'
import type { Application } from '../../src/model/application.ts'
import { compileIdentityCreation } from '../../src/model/identity-creation.ts'
import type { IdentityModel } from '../../src/model/identity-model.ts'
import { compileMapping } from '../../src/model/mapping.ts'
import { type AccountRow, compileMerge, disagreement } from '../../src/model/merge-rows.ts'
import { placeOf } from '../../src/model/place.ts'
import { createSeenSlots } from '../../src/model/seen-records.ts'
import { stagedAccount } from '../../src/model/staged-account.ts'
import { attribute } from '../helpers/attribute.ts'
import { write } from '../helpers/files.ts'
import { outcomeOf } from '../helpers/packed-blocks.ts'
import { project } from '../helpers/project.ts'

const times = { now: new Date('2026-11-25T01:00:00Z'), today: new Date('2026-11-25T00:00:00Z') }

const contextOf = (files: Readonly<Record<string, string>>, file: string) => {
  const folder = project()
  write(folder, files)
  const settings = delimitedSettings.parse({ file: join(folder, file) })
  return { settings, folder, clock: systemClock, signal: new AbortController().signal }
}

/** By the rule itself: every record is parsed, those of an account are put together in memory and mapped. */
function byRule({ application, identity, times: at }: AccountMeaning, reading: Reading): PackedReading {
  const packer = new AccountPacker()
  const tally = createTally()
  const mapping = compileMapping(application, at)
  const draft = identity && compileIdentityCreation(identity, application, at)
  const groups = new Map<string, AccountRow[]>()
  return {
    async *batches() {
      for await (const batch of reading.batches()) {
        if (tally.isOther(batch.file)) yield tally.give([])
        tally.take(batch)
        const { key } = mapping.joining(batch.columns)
        for (const { line, values, text } of batch.records) {
          const named = key(values)
          if ('filtered' in named) tally.filter()
          else if ('reject' in named) tally.reject({ ...named.reject, ...tally.placeOf(line), fragment: text })
          else
            groups.set(named.native, [...(groups.get(named.native) ?? []), { place: tally.placeNumber(line), values }])
        }
      }
      const { account } = mapping.joining(tally.columns)
      const natives = [...groups.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      for (const native of natives) {
        const rows = groups.get(native) ?? []
        const merged = compileMerge(application, tally.columns)(rows)
        const outcome =
          'values' in merged ? account(merged.values, []) : { reject: disagreement(native, merged, tally.files) }
        if ('account' in outcome)
          packer.add(stagedAccount(outcome.account, rows[0]?.place ?? 0, draft?.(outcome.account), undefined))
        if ('reject' in outcome)
          for (const { place } of rows)
            tally.reject({ ...outcome.reject, ...placeOf(tally.files, place), fragment: undefined })
      }
      yield tally.give(packer.take(true))
    },
    recycle: () => undefined,
    evidence: () => reading.evidence(),
  }
}

/** Both ways, and how many accounts were put together as bytes. */
async function bothWays(files: Readonly<Record<string, string>>, meaning: AccountMeaning, memory: number) {
  const context = contextOf(files, 'a*.csv')
  const rows = new WaitingRows(join(context.folder, 'var/rows'), memory)
  let packed = 0
  const joined = await outcomeOf(
    packMerged(meaning, rows, (packer) => {
      const plain = new PlainMerge(meaning, rows, packer)
      const counting = {
        pack(...given: Parameters<PlainMerge['pack']>): boolean {
          const done = plain.pack(...given)
          if (done) packed++
          return done
        },
        valuesOf: (bytes: Buffer) => plain.valuesOf(bytes),
      }
      return { reading: readDelimited(context, { taker: plain.taker }), plain: counting }
    }),
  )
  return {
    joined,
    ruled: await outcomeOf(byRule(meaning, readDelimited(context, {}))),
    packed,
    spilled: existsSync(join(context.folder, 'var/rows')),
  }
}

const oneOf = fc.constantFrom
/** Mostly the first. */
const mostly = <T>(first: fc.Arbitrary<T>, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: first }, { weight: 1, arbitrary: fc.constantFrom(...others) })

const application: fc.Arbitrary<Application> = fc.record({
  name: fc.constant('erp'),
  connector: fc.constant('delimited'),
  connection: fc.constant({}),
  where: mostly<string | undefined>(fc.constant(undefined), "row.city != 'Rome'"),
  authoritative: oneOf<Application['authoritative']>(undefined, { sameAs: [] }),
  privileged: fc.constant(false),
  merge: fc.constant(true),
  grants: fc.constant([]),
  entitlements: fc.constant([]),
  ignoreCase: fc.boolean(),
  account: fc.record({
    nativeIdentity: oneOf(['id'], ['id', 'born'], ['id', 'city']),
    uuid: oneOf(undefined, 'city'),
    use: fc.constant('personal' as const),
    owner: oneOf(undefined, { attribute: 'level' }),
    displayName: mostly<Application['account']['displayName']>(
      oneOf(undefined, { attribute: 'city' }, { expr: "account.id + ' in ' + account.city" }),
      { attribute: 'right' },
      { expr: "'groups' in account ? 'some' : 'none'" },
    ),
    disabled: oneOf(undefined, { expr: "account.city == 'Oslo'" }),
    times: fc.constant({}),
    attributes: fc
      .record({
        born: oneOf(attribute('born'), attribute('born', { type: 'date' })),
        level: oneOf(attribute('level', { type: 'number' }), attribute('level', { ignore: true })),
        groups: mostly(
          oneOf(
            attribute('groups', { multiple: true, split: '|', entitlement: true }),
            attribute('groups', { multiple: true, entitlement: true }),
            attribute('groups', { entitlement: true }),
            attribute('groups', { entitlement: true, split: '|' }),
          ),
          attribute('groups', { multiple: true, split: '|', entitlement: true, valuesIgnoreCase: true }),
          attribute('groups', { multiple: true, split: '|' }),
        ),
        right: oneOf(attribute('right', { entitlement: true }), attribute('right', { multiple: true, ignore: true })),
      })
      .map((all) => Object.values(all)),
  }),
  correlation: fc.constant([]),
  protect: fc.constant([]),
  guards: fc.constant({}),
  digest: fc.constant('d'),
  file: fc.constant('erp.yaml'),
}) as fc.Arbitrary<Application>

const model: IdentityModel = {
  name: [{ application: 'erp', attribute: 'id' }],
  attributes: [],
  status: [],
} as unknown as IdentityModel

const meaning: fc.Arbitrary<AccountMeaning> = application.map((one) => ({
  application: one,
  identity: one.authoritative === undefined ? undefined : model,
  times,
}))

const names = ['id', 'city', 'born', 'level', 'groups', 'right']
/** Accounts have a home, which their rows say, mostly. */
const homes: Readonly<Record<string, string>> = { a: 'Oslo', A: 'Oslo', b: 'Rome', 'c d': 'Bergen', e: '' }
interface Row {
  readonly cells: Readonly<Record<string, string>>
  readonly quoted: boolean
  readonly end: string
  readonly more: string
}
const cells = fc
  .record({
    id: mostly(oneOf('a', 'b', 'c d', 'e', 'e2', 'e10', 'longer than four'), 'A', 'é', ''),
    born: mostly(oneOf('2026-11-24', '2026-11-24', ''), '1999-01-28', 'soon', ' 2026-11-24'),
    level: mostly(oneOf('1', '1', '1', ''), '1.0', '2', 'x'),
    groups: mostly(oneOf('G', 'H', 'G|H', 'b|a|b', ' A | a ||', '', ' G'), 'ä|G', 'O"N', 'g'),
    right: mostly(oneOf('R1', 'R2', ''), ' R1', 'back\\slash'),
    city: fc.option(oneOf('Oslo', '', 'Tromsø'), { nil: undefined, freq: 12 }),
  })
  .map((cells) => ({ ...cells, city: cells.city ?? homes[cells.id] ?? 'Oslo' }) as Readonly<Record<string, string>>)
const row: fc.Arbitrary<Row> = fc.record({
  cells,
  quoted: fc.boolean(),
  end: oneOf('\n', '\n', '\n', '\r\n'),
  more: oneOf('', '', '', '', '', ',more', '\n'),
})

const written = (columns: readonly string[], rows: readonly Row[]): string => {
  const lines = rows.map(
    (one) => columns.map((name) => quoted(one.cells[name] ?? '', one.quoted)).join(',') + one.more + one.end,
  )
  return `${columns.join(',')}\n${lines.join('')}`
}
const quoted = (text: string, always: boolean): string =>
  always || text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text

describe('rows of an account that are put together as bytes', () => {
  it('make what the rule makes of them, whatever the definition and the memory', async () => {
    let [accounts, packed, spilled] = [0, 0, 0]
    const rows = fc.array(row, { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        meaning,
        rows,
        rows,
        fc.boolean(),
        oneOf(100, 33_500, 1 << 20),
        async (what, one, other, last, memory) => {
          // the last line may end without a newline; columns of another file may be in another order
          const first = written(names, one)
          const files = { 'a1.csv': last ? first.trimEnd() : first, 'a2.csv': written(names.toReversed(), other) }
          const done = await bothWays(files, what, memory)
          expect(done.joined).toEqual(done.ruled)
          accounts += done.ruled.blocks.reduce<number>(
            (sum, block) => sum + (block as { accounts: [] }).accounts.length,
            0,
          )
          packed += done.packed
          if (done.spilled) spilled++
        },
      ),
      { numRuns: 300 },
    )
    // both roads were taken, with memory and without
    expect(packed).toBeGreaterThan(accounts / 10)
    expect(spilled).toBeGreaterThan(50)
  })

  it('come from a thread with the same outcome, a record of each kind among them', async () => {
    const count = 120_000
    const id = (n: number): string => `user ${(n * 7919) % 40_000}`
    const special = ['x,y', 'user 1,Rome,2026-11-24,1,G,R1', '"user 2",Oslo,2026-11-24,1,"G""1",R1', ',Oslo,,,,']
    const lines = Array.from(
      { length: count },
      (_, n) => special[n - 500] ?? `${id(n)},Oslo,2026-11-24,1,G${n % 300},R${n % 7}`,
    )
    const context = contextOf({ 'a.csv': `${names.join(',')}\n${lines.join('\n')}` }, 'a.csv')
    const [sample] = fc.sample(application, { seed: 1, numRuns: 1 })
    const groups = attribute('groups', { multiple: true, entitlement: true })
    const account = {
      nativeIdentity: ['id'],
      use: 'personal',
      times: {},
      attributes: [groups, attribute('right', { entitlement: true })],
    } as const
    const what: AccountMeaning = {
      application: { ...(sample as Application), where: undefined, account },
      identity: undefined,
      times,
    }
    const options = { seen: () => createSeenSlots(new Uint8Array(0), 0), waiting: join(context.folder, 'var/rows') }
    const here = await outcomeOf(packDelimited(context, what, options))
    expect(await outcomeOf(packOnThread(context, what, options))).toEqual(here)
    expect(here).toMatchObject({ read: count, rejects: { length: 6 } })
    expect(here.blocks.length).toBeGreaterThan(8)
  })
})
