import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { PlanFigures } from '../../src/model/plan-figures.ts'
import type { GuardVerdictKind } from '../../src/model/result.ts'
import type { StagedAccount } from '../../src/model/staged-account.ts'
import { aliveAccounts } from '../../src/store/bulk/alive.ts'
import { planFigures, scopeChanged } from '../../src/store/bulk/guard-figures.ts'
import { guardHistory } from '../../src/store/guard-history.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { bareAccount } from '../helpers/bare-account.ts'

let folder: string
let store: Store
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iqtask-guard-'))
  store = openStore({ path: join(folder, 's.db'), clock: systemClock, create: true })
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Person {
  readonly native: string
  readonly mail?: string
  readonly disabled?: boolean
  readonly groups?: readonly string[]
  readonly uuid?: string
  /** The identity's name; without it the native identity. */
  readonly makes?: string
}
interface Night {
  readonly at: string
  readonly level?: 'complete' | 'stable' | 'partial'
  readonly columns?: readonly string[]
  readonly scope?: string
  readonly digest?: string
  readonly verdicts?: Readonly<Record<string, readonly [number, GuardVerdictKind]>>
  readonly dryRun?: boolean
}

const day = (n: number, hour = 1) => `2026-03-${String(n).padStart(2, '0')}T0${hour}:00:00.000Z`

function staged(person: Person, line: number): StagedAccount {
  const { native, mail, disabled = false, groups = [], uuid = null, makes = native } = person
  return bareAccount(native, line, {
    uuid,
    display: `Name ${native}`,
    flags: disabled ? 1 : 0,
    attrs: JSON.stringify(mail === undefined ? { id: native } : { id: native, mail }),
    head: JSON.stringify(person),
    keys: JSON.stringify([makes]),
    draft: { name: makes, status: 'active', attrsJson: '{}', sourcesJson: '{}', error: null },
    entitlements: groups.map((value) => ({ attribute: 'groups', value, shown: value })),
  })
}

const pause = async (): Promise<void> => undefined

/** One aggregation of the application hr: its figures; applied unless it is a dry run. */
async function aggregate(people: readonly Person[], night: Night): Promise<PlanFigures> {
  const { at, level = 'complete', columns = ['id', 'mail'], scope = 'hr.csv', digest = at, dryRun = false } = night
  const run = newRun(at, dryRun)
  const applicationId = store.applications.idOf('hr') ?? 0
  const plan = store.accountPlans.create(`R${run}`, run, 'hr', false)
  for (const [index, person] of people.entries()) plan.add(staged(person, index + 2))
  const missing = { level: 'complete', digest, markedBefore: at, isProtected: () => false } as const
  const rule = { from: { attribute: 'id' }, identity: 'name', decisive: false, ignoreCase: false, normalize: [] }
  plan.seal(applicationId, undefined)
  await plan.compare(
    {
      applicationId,
      returnsUntil: '2026-01-01',
      missing: level === 'complete' ? missing : undefined,
      promote: true,
      compareAll: false,
      unseen: false,
    },
    {
      applicationId,
      rules: [{ ...rule, ignoreValues: [] }],
      sameAs: [],
      creates: true,
      privileged: false,
      authoritative: ['hr'],
      recorrelate: false,
    },
    pause,
  )
  const figures = await planFigures(
    store.db,
    {
      section: 'hr',
      applicationId,
      privileged: false,
      rows: people.length,
      columns,
      columnsUsed: ['id'],
      ignored: [],
      scope,
      digest,
      now: new Date(at),
    },
    aliveAccounts(store.db, applicationId),
    pause,
  )
  if (!dryRun) applyPlan(plan, run, night, people.length)
  plan.close(false)
  return figures
}

function applyPlan(plan: ReturnType<Store['accountPlans']['create']>, run: number, night: Night, read: number): void {
  const { at, level = 'complete', columns = ['id', 'mail'], scope = 'hr.csv', digest = at } = night
  store.db.write(() => {
    const id = store.applications.ensure('hr')
    const counts = { read, filtered: 0, ...plan.counts(id) }
    const bound = plan.bind(id, true)
    for (const phase of plan.phases('hr', bound, [])) {
      for (let after = phase.chunk(0, 1000); after !== undefined; after = phase.chunk(after.position, 1000));
    }
    store.runs.section(run, {
      seq: 1,
      name: 'hr',
      applicationId: id,
      status: 'success',
      readAt: at,
      evidence: { level, reason: 'test', digest },
      token: undefined,
      counts,
      facts: { source: { columns, scope } },
    })
    store.runs.verdicts(
      run,
      Object.entries(night.verdicts ?? {}).map(([guard, [value, verdict]]) => ({
        guard,
        application: 'hr',
        value,
        limit: 0,
        verdict,
        text: '',
        first: [],
      })),
    )
  })
}

const newRun = (at: string, dryRun: boolean): number =>
  store.db.write(() =>
    store.runs.insert({
      resultId: `R${Math.random()}`,
      task: 't',
      executor: 'account-aggregation',
      trigger: 'manual',
      actor: {},
      host: 'h',
      pid: 1,
      processStart: undefined,
      bootId: undefined,
      dryRun,
      arguments: {},
      definition: { text: '', sha256: '', git: undefined },
      toolVersion: '0',
      queuedAt: at,
    }),
  )

const crowd = (count: number): Person[] =>
  Array.from({ length: count }, (_, n) => ({ native: `u${n + 1}`, mail: `u${n + 1}@x`, groups: ['staff'] }))
const counts = (figures: PlanFigures) =>
  Object.fromEntries(Object.entries(figures.changes).map(([kind, change]) => [kind, change.count]))
const none = {
  deletes: 0,
  disables: 0,
  accountsEnabled: 0,
  ownersChanged: 0,
  grantsRemoved: 0,
  grantsAdded: 0,
  identitiesCreated: 0,
  creates: 0,
}

describe('the figures of a plan', () => {
  it('are a baseline at the first read, and all zero when nothing changed', async () => {
    const first = await aggregate(crowd(30), { at: day(1) })
    expect(first).toMatchObject({ baseline: true, population: 0 })
    expect(counts(first)).toEqual({ ...none, creates: 30, identitiesCreated: 30 })
    expect(first.changes.creates?.first).toHaveLength(10)
    const second = await aggregate(crowd(30), { at: day(2) })
    expect(second).toMatchObject({ baseline: false, population: 30 })
    expect(counts(second)).toEqual(none)
    expect(second.read).toMatchObject({ rows: 30, earlier: [30], keysInCommon: 1, common: 30, emptied: {} })
  })

  it('count each kind of change once, and name the accounts', async () => {
    await aggregate(crowd(20), { at: day(1) })
    const now = crowd(18).map((person, n) => ({
      ...person,
      disabled: n < 3,
      groups: n < 5 ? [] : n < 6 ? ['staff', 'admin'] : ['staff'],
      makes: n === 17 ? 'u1' : person.native,
    }))
    const figures = await aggregate([...now, { native: 'new', makes: 'new' }], { at: day(2) })
    expect(counts(figures)).toEqual({
      ...none,
      deletes: 2,
      disables: 3,
      grantsRemoved: 5,
      grantsAdded: 1,
      ownersChanged: 1,
      creates: 1,
      identitiesCreated: 1,
    })
    expect(figures.changes.deletes?.first).toEqual(['u19 Name u19', 'u20 Name u20'])
    expect(figures.changes.ownersChanged?.first).toEqual(['u18 Name u18'])
    expect(figures.changes.grantsRemoved?.of).toBe(18)
    const back = await aggregate([...crowd(18), { native: 'new', makes: 'new' }], { at: day(3) })
    expect(counts(back)).toMatchObject({ accountsEnabled: 3, disables: 0, grantsAdded: 5, grantsRemoved: 1 })
  })

  it('count an account whose place another one takes as lost', async () => {
    await aggregate(
      crowd(4).map((person) => ({ ...person, uuid: `a-${person.native}` })),
      { at: day(1) },
    )
    const others = crowd(4).map((person) => ({ ...person, uuid: `b-${person.native}` }))
    expect(counts(await aggregate(others, { at: day(2) }))).toMatchObject({ deletes: 4, creates: 4, ownersChanged: 0 })
  })

  it('tell by how many the attribute is emptier, how many keys are known, and which columns are gone', async () => {
    await aggregate(crowd(10), { at: day(1), columns: ['id', 'mail', 'fax'] })
    const people = crowd(6).map((person, n) => (n < 4 ? { native: person.native, groups: ['staff'] } : person))
    const strangers = crowd(3).map((person) => ({ ...person, native: `x${person.native}` }))
    const figures = await aggregate([...people, ...strangers], {
      at: day(2),
      columns: ['id2', 'mail'],
      scope: 'other.csv',
    })
    expect(figures.read).toMatchObject({
      emptied: { mail: 4 },
      keysInCommon: 0.6,
      common: 6,
      columnsBefore: 3,
      columnsGone: ['id', 'fax'],
      columnsUsedGone: ['id'],
      scopeChanged: true,
    })
  })

  it('see the keys of rejected rows', async () => {
    await aggregate(crowd(4), { at: day(1) })
    const twice = [...crowd(4), ...crowd(2)]
    expect((await aggregate(twice, { at: day(2) })).read?.keysInCommon).toBe(1)
  })
})

describe('the history of an application', () => {
  const history = (at: string, digest?: string) =>
    guardHistory(store.db, store.applications.idOf('hr') ?? 0, new Date(at), digest)

  it('counts stable reads as whole, and neither partial reads nor dry runs', async () => {
    await aggregate(crowd(3), { at: day(1), level: 'partial' })
    expect(history(day(2)).baseline).toBe(true)
    await aggregate(crowd(5), { at: day(2), level: 'stable' })
    await aggregate(crowd(9), { at: day(3), dryRun: true })
    await aggregate(crowd(6), { at: day(4), level: 'stable' })
    expect(history(day(5))).toMatchObject({ baseline: false, rows: [6, 5] })
  })

  it('begins anew with a read that was allowed', async () => {
    for (const [index, count] of [40, 41, 42].entries()) await aggregate(crowd(count), { at: day(index + 1) })
    await aggregate(crowd(20), { at: day(4), verdicts: { shrunkenSource: [20, 'allowed'] } })
    await aggregate(crowd(21), { at: day(5), verdicts: { shrunkenSource: [21, 'passed'] } })
    expect(history(day(6)).rows).toEqual([21, 20])
  })

  it('sums the last seven days against the population when they began', async () => {
    await aggregate(crowd(100), { at: day(1) })
    await aggregate(crowd(93), { at: day(9), verdicts: { deletes: [7, 'passed'] } })
    await aggregate(crowd(87), { at: day(10), verdicts: { deletes: [6, 'passed'] } })
    expect(history(day(11)).of('deletes').week).toEqual({ count: 13, population: 100 })
    // the ninth falls out of the window
    expect(history(day(16, 2)).of('deletes').week).toEqual({ count: 6, population: 93 })
    expect(history(day(11)).of('disables').week).toEqual({ count: 0, population: 100 })
    expect(history(day(11)).of('deletes').earlier).toEqual([6, 7, 0])
  })

  it('begins a new window at an allowed run, for that kind only, and leaves its count out of the usual', async () => {
    await aggregate(crowd(100), { at: day(8) })
    await aggregate(crowd(60), { at: day(9), verdicts: { deletes: [40, 'allowed'], disables: [2, 'passed'] } })
    await aggregate(crowd(59), { at: day(10), verdicts: { deletes: [1, 'passed'], disables: [3, 'passed'] } })
    const after = history(day(11))
    expect(after.of('deletes')).toEqual({ earlier: [1, 0], week: { count: 1, population: 60 } })
    expect(after.of('disables')).toEqual({ earlier: [3, 2, 0], week: { count: 5, population: 100 } })
  })

  it('knows since when the content is the same, and how long that usually lasts', async () => {
    const content = ['a', 'a', 'b', 'c', 'c', 'd', 'd']
    for (const [index, digest] of content.entries()) await aggregate(crowd(3), { at: day(index + 1), digest })
    expect(history(day(8), 'd')).toMatchObject({ unchangedForMs: 2 * 86_400_000, usualIntervalMs: 2 * 86_400_000 })
    expect(history(day(8), 'e').unchangedForMs).toBeUndefined()
  })

  it('says whether the scope is another one, and nothing about a first read', async () => {
    expect(scopeChanged(store.db, 0, 'hr.csv', new Date(day(1)))).toBe(false)
    await aggregate(crowd(3), { at: day(1) })
    const id = store.applications.idOf('hr') ?? 0
    expect(scopeChanged(store.db, id, 'hr.csv', new Date(day(2)))).toBe(false)
    expect(scopeChanged(store.db, id, 'other.csv', new Date(day(2)))).toBe(true)
  })
})
