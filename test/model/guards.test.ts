import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkGuardNames,
  type GuardName,
  type GuardSettings,
  guardNames,
  mergeGuards,
} from '../../src/model/guard-settings.ts'
import { type JudgeOptions, judge } from '../../src/model/guards.ts'
import type { ChangeFigures, PlanFigures, SourceFigures } from '../../src/model/plan-figures.ts'
import type { GuardVerdict } from '../../src/model/result.ts'

const source: SourceFigures = {
  rows: 1000,
  earlier: [1000],
  keysInCommon: 1,
  common: 1000,
  emptied: {},
  columnsBefore: 10,
  columnsGone: [],
  columnsUsedGone: [],
  scopeChanged: false,
  unchangedForMs: undefined,
  usualIntervalMs: undefined,
}
const figures = (given: Partial<PlanFigures> = {}, read?: Partial<SourceFigures>): PlanFigures => ({
  section: 'hr',
  privileged: false,
  population: 1000,
  baseline: false,
  changes: {},
  read: read === undefined ? undefined : { ...source, ...read },
  ...given,
})
const change = (count: number, more: Partial<ChangeFigures> = {}): ChangeFigures => ({ count, first: [], ...more })

function verdictOf(
  guard: GuardName,
  plan: PlanFigures,
  settings: GuardSettings = {},
  options: JudgeOptions = { allow: [] },
): GuardVerdict {
  const found = judge(plan, settings, options).filter((verdict) => verdict.guard === guard)
  expect(found).toHaveLength(1)
  return found[0] as GuardVerdict
}

interface Limit {
  readonly what: string
  readonly guard: GuardName
  readonly plan: (count: number) => PlanFigures
  /** The greatest count that passes. */
  readonly limit: number
  readonly own?: GuardSettings
}
const counting = (guard: GuardName, given: Partial<PlanFigures> = {}, more: Partial<ChangeFigures> = {}) => ({
  guard,
  plan: (n: number) => figures({ ...given, changes: { [guard]: change(n, more) } }),
})
const destructive = [
  'deletes',
  'disables',
  'identitiesInactivated',
  'ownersChanged',
  'rolesUnassigned',
  'grantsRemoved',
]
const giving = ['identitiesCreated', 'accountsEnabled', 'grantsAdded', 'rolesAssigned', 'operations', 'events']
const many = { population: 100_000 }

const limits: Limit[] = [
  ...destructive.map((kind) => ({ what: '10 % of 1,000', ...counting(kind as GuardName), limit: 100 })),
  ...giving.map((kind) => ({ what: '10 % of 1,000', ...counting(kind as GuardName), limit: 100 })),
  ...giving.map((kind) => ({ what: '19 of 30', ...counting(kind as GuardName, { population: 30 }), limit: 19 })),
  { what: '500 whatever the share', ...counting('deletes', many), limit: 500 },
  { what: 'no 500 for lost access', ...counting('grantsRemoved', many), limit: 10_000 },
  { what: 'a share of those who stay', ...counting('grantsRemoved', {}, { of: 500 }), limit: 50 },
  { what: 'fewer than 5 or 10 %', ...counting('deletes', { population: 50 }), limit: 5 },
  { what: 'one of nine', ...counting('deletes', { population: 9 }), limit: 1 },
  { what: '10 % of a small source', ...counting('deletes', { population: 49 }), limit: 4 },
  { what: 'one of 19 privileged', ...counting('deletes', { privileged: true, population: 19 }), limit: 1 },
  { what: 'nine reads: still 500', ...counting('deletes', many, { earlier: Array(9).fill(400) }), limit: 500 },
  { what: 'ten reads: 3 × p95', ...counting('deletes', many, { earlier: Array(10).fill(400) }), limit: 1200 },
  { what: 'ten quiet reads: 500', ...counting('deletes', many, { earlier: Array(10).fill(4) }), limit: 500 },
  {
    what: 'the 29th of the last 30 counts, not their peak',
    ...counting('deletes', many, { earlier: [9_000, ...Array(29).fill(300), 8_000] }),
    limit: 900,
  },
  {
    what: 'a quarter of the week less what went before',
    ...counting('deletes', {}, { week: { count: 210, population: 1000 } }),
    limit: 40,
  },
  {
    what: 'nothing after a full week',
    ...counting('deletes', {}, { week: { count: 300, population: 1000 } }),
    limit: 0,
  },
  { what: 'a number as configured', ...counting('creates'), limit: 7, own: { creates: { max: 7 } } },
  { what: 'a share as configured', ...counting('deletes'), limit: 300, own: { deletes: { percent: 30 } } },
  {
    what: 'a configured share wider than the week',
    ...counting('deletes', {}, { week: { count: 0, population: 1000 } }),
    limit: 400,
    own: { deletes: { percent: 40 } },
  },
  {
    what: '20 % of the items in both reads',
    guard: 'emptiedAttribute',
    plan: (n) => figures({}, { common: 500, emptied: { mail: n, phone: 1 } }),
    limit: 100,
  },
  {
    what: 'half of the header',
    guard: 'renamedAttributes',
    plan: (n) => figures({}, { columnsGone: Array(n).fill('x') }),
    limit: 5,
  },
]

describe('a guard over what a plan changes', () => {
  it.each(limits)(
    '$guard, $what: passes up to the limit of $limit and trips one above',
    ({ guard, plan, limit, own }) => {
      expect(verdictOf(guard, plan(Math.max(0, limit - 1)), own).verdict).toBe('passed')
      expect(verdictOf(guard, plan(limit), own)).toMatchObject({ verdict: 'passed', value: limit, limit })
      expect(verdictOf(guard, plan(limit + 1), own)).toMatchObject({ verdict: 'tripped', value: limit + 1, limit })
    },
  )

  it('says count, share and limit in one sentence, and names the first ten', () => {
    const first = Array.from({ length: 12 }, (_, n) => `10001${n}`)
    const plan = figures({ population: 48_211, changes: { disables: change(25_107, { first }) } })
    const verdict = verdictOf('disables', plan, { disables: { max: 1e6 } })
    expect(verdict.text).toBe('25,107 accounts would be disabled (52 %; limit 10 %)')
    expect(verdict.first).toEqual(first.slice(0, 10))
    expect(verdict.application).toBe('hr')
    expect(verdictOf('deletes', figures({ population: 9, changes: { deletes: change(1) } })).text).toBe(
      '1 account would be gone (11 %; limit 1)',
    )
  })

  it('tells the share of a mass delete even where the absolute limit is the narrower one', () => {
    const plan = figures({ population: 48_211, changes: { deletes: change(25_107) } })
    expect(verdictOf('deletes', plan)).toMatchObject({
      verdict: 'tripped',
      limit: 500,
      text: '25,107 accounts would be gone (52 %; limit 10 %)',
    })
  })

  it('shows a share that is just above its limit with the decimals that say so', () => {
    const plan = figures({ population: 9_999, changes: { grantsRemoved: change(1_001) } })
    expect(verdictOf('grantsRemoved', plan).text).toContain('(10.01 %; limit 10 %)')
  })

  it('trips on 7 % a night when the week passes 25 %, and says so', () => {
    const night = (before: number) =>
      figures({ changes: { deletes: change(70, { week: { count: before, population: 1000 } }) } })
    expect(verdictOf('deletes', night(140)).verdict).toBe('passed')
    const fourth = verdictOf('deletes', night(210))
    expect(fourth.verdict).toBe('tripped')
    expect(fourth.text).toBe('70 accounts would be gone, 280 in 7 days (28 % of 1,000; limit 25 %)')
  })

  it('does not stop a plan without deletes because of an earlier full week', () => {
    const plan = figures({ changes: { deletes: change(0, { week: { count: 900, population: 1000 } }) } })
    expect(verdictOf('deletes', plan).verdict).toBe('passed')
  })

  it('narrows deletes, never widens them, by checkDeletedThreshold', () => {
    const plan = figures({ changes: { deletes: change(4) } })
    const options = { allow: [], deletesAtMost: 3 }
    expect(verdictOf('deletes', plan, {}, options)).toMatchObject({
      verdict: 'tripped',
      limit: 3,
      text: '4 accounts would be gone (limit 3, checkDeletedThreshold)',
    })
    const more = figures({ changes: { deletes: change(101) } })
    expect(verdictOf('deletes', more, {}, { allow: [], deletesAtMost: 5000 }).verdict).toBe('tripped')
  })

  it('lets giving kinds rest until the baseline is there, and has no default for created accounts', () => {
    const changes = { identitiesCreated: change(900), grantsAdded: change(900), creates: change(900) }
    expect(judge(figures({ population: 0, baseline: true, changes }), {}, { allow: [] })).toEqual([])
    const guards = judge(figures({ changes }), {}, { allow: [] }).map((verdict) => verdict.guard)
    expect(guards).toEqual(['identitiesCreated', 'grantsAdded'])
  })
})

describe('a guard over what was read', () => {
  it.each([
    [799, 'tripped'],
    [800, 'passed'],
    [801, 'passed'],
  ])('judges %i rows against 80 %% of the median of five reads: %s', (rows, verdict) => {
    const plan = figures({}, { rows, earlier: [900, 1000, 5000, 1100, 10, 1, 1, 1] })
    expect(verdictOf('shrunkenSource', plan)).toMatchObject({ verdict, value: rows, limit: 800 })
  })

  it('tells a shrunken source as people read it', () => {
    const plan = figures({}, { rows: 23_104, earlier: [48_150, 48_150, 48_150, 48_200, 48_100] })
    expect(verdictOf('shrunkenSource', plan).text).toBe(
      '23,104 read, 48,150 is the median of the last 5 reads (48 %; limit 80 %)',
    )
    expect(verdictOf('shrunkenSource', figures({}, { rows: 50, earlier: [100] })).text).toBe(
      '50 read, 100 were in the last read (50 %; limit 80 %)',
    )
  })

  it.each([0, 1000])('has nothing to say about a first read of %i rows', (rows) => {
    const first = { earlier: [], keysInCommon: undefined, columnsBefore: 0, common: 0, rows }
    const verdicts = judge(figures({ population: 0, baseline: true }, first), {}, { allow: [] })
    expect(verdicts.map((verdict) => [verdict.guard, verdict.verdict])).toEqual([
      ['emptySource', 'passed'],
      ['scopeChanged', 'passed'],
    ])
  })

  it('stops an empty source after a full one', () => {
    expect(verdictOf('emptySource', figures({}, { rows: 0 }))).toMatchObject({ verdict: 'tripped', value: 0, limit: 1 })
    expect(verdictOf('emptySource', figures({}, { rows: 1 })).verdict).toBe('passed')
  })

  it.each([
    [0.499, 'tripped'],
    [0.5, 'passed'],
    [0.501, 'passed'],
  ])('takes a source with %f of the known keys for another one: %s', (keysInCommon, verdict) => {
    expect(verdictOf('otherSource', figures({}, { keysInCommon }))).toMatchObject({ verdict, limit: 50 })
  })

  it('stops when one column in use is gone, and names it', () => {
    const plan = figures({}, { columnsGone: ['employee_id'], columnsUsedGone: ['employee_id'] })
    expect(verdictOf('renamedAttributes', plan)).toMatchObject({ verdict: 'tripped', value: 1, first: ['employee_id'] })
    expect(verdictOf('renamedAttributes', figures({}, { columnsGone: ['fax'] })).verdict).toBe('passed')
  })

  it('names every attribute that went empty, the worst first', () => {
    const verdict = verdictOf('emptiedAttribute', figures({}, { emptied: { phone: 300, mail: 900, fax: 3 } }))
    expect(verdict.first).toEqual(['mail', 'phone'])
    expect(verdict.text).toBe('"mail" lost its value in 900 of 1,000 (90 %; limit 20 %)')
  })

  it('does not take one value lost among four accounts for a broken column', () => {
    const plan = figures({ population: 4 }, { common: 4, emptied: { end: 1 } })
    expect(verdictOf('emptiedAttribute', plan).verdict).toBe('passed')
  })

  it('warns of another scope and does not stop', () => {
    const changed = figures({}, { scopeChanged: true })
    expect(verdictOf('scopeChanged', changed).verdict).toBe('warning')
    expect(verdictOf('scopeChanged', changed, {}, { allow: ['scopeChanged'] }).verdict).toBe('allowed')
    expect(verdictOf('scopeChanged', figures({}, {})).verdict).toBe('passed')
  })

  const hour = 3_600_000
  it.each([
    ['less than a day', 20 * hour, hour, {}, 'passed'],
    ['more than a day', 25 * hour, hour, {}, 'warning'],
    ['three usual intervals', 72 * hour, 24 * hour, {}, 'passed'],
    ['more than three usual intervals', 72 * hour + 1, 24 * hour, {}, 'warning'],
    ['more than its maxAge', 2 * hour + 1, undefined, { staleSource: { maxAge: '2h' } }, 'warning'],
  ] as const)('is at most warned by content unchanged for %s', (_, unchangedForMs, usualIntervalMs, own, verdict) => {
    expect(verdictOf('staleSource', figures({}, { unchangedForMs, usualIntervalMs }), own).verdict).toBe(verdict)
  })
})

const anyPlan = fc.record({
  population: fc.nat(100_000),
  privileged: fc.boolean(),
  deletes: fc.nat(100_000),
  week: fc.option(fc.record({ count: fc.nat(100_000), population: fc.nat(100_000) }), { nil: undefined }),
  earlier: fc.array(fc.nat(10_000), { maxLength: 40 }),
  rows: fc.nat(100_000),
  reads: fc.array(fc.nat(100_000), { maxLength: 8 }),
  keys: fc.double({ min: 0, max: 1, noNaN: true }),
  emptied: fc.nat(100_000),
})
type AnyPlan = typeof anyPlan extends fc.Arbitrary<infer T> ? T : never
const planOf = (given: AnyPlan): PlanFigures => {
  const { population, privileged, deletes, week, earlier } = given
  return figures(
    { population, privileged, changes: { deletes: change(deletes, { week, earlier }) } },
    {
      rows: given.rows,
      earlier: given.reads,
      keysInCommon: given.keys,
      common: population,
      emptied: { mail: given.emptied },
    },
  )
}

describe('guards, whatever the plan', () => {
  it('never un-trip on a bigger loss', () => {
    const tripped = (plan: PlanFigures) =>
      judge(plan, {}, { allow: [] })
        .filter((verdict) => verdict.verdict === 'tripped')
        .map((verdict) => verdict.guard)
    fc.assert(
      fc.property(anyPlan, fc.nat(50_000), (given, more) => {
        const worse = {
          ...given,
          deletes: given.deletes + more,
          rows: Math.max(0, given.rows - more),
          keys: given.keys / (1 + more),
          emptied: given.emptied + more,
        }
        expect(tripped(planOf(worse))).toEqual(expect.arrayContaining(tripped(planOf(given))))
      }),
    )
  })

  it('never trip when off, and say so', () => {
    fc.assert(
      fc.property(anyPlan, fc.subarray([...guardNames]), (given, off) => {
        const settings: GuardSettings = Object.fromEntries(off.map((name) => [name, 'off']))
        const verdicts = judge(planOf(given), settings, { allow: [] })
        for (const name of off) expect(verdicts.filter((v) => v.guard === name).map((v) => v.verdict)).toEqual(['off'])
      }),
    )
  })

  it('are allowed by name only: the others stay as they were', () => {
    fc.assert(
      fc.property(anyPlan, fc.subarray([...guardNames]), (given, allow) => {
        const plain = judge(planOf(given), {}, { allow: [] })
        const eased = judge(planOf(given), {}, { allow })
        expect(eased.map((v) => v.guard)).toEqual(plain.map((v) => v.guard))
        for (const [index, verdict] of eased.entries()) {
          const before = plain[index]?.verdict
          const covered = allow.includes(verdict.guard as GuardName) && before !== 'passed'
          expect(verdict.verdict).toBe(covered ? 'allowed' : before)
        }
      }),
    )
  })
})

describe('settings of guards', () => {
  const place = { file: 'iqtask.config.yaml' }
  const merge = (...levels: Parameters<typeof mergeGuards>[0][number]['guards'][]) =>
    mergeGuards(levels.map((guards) => ({ guards, place })))
  const errorOf = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return error
    }
  }

  it('are merged key by key, the narrower level wins', () => {
    const project = { deletes: { percent: 10, max: 500 }, staleSource: 'off' }
    expect(merge(project, { deletes: { max: 20 } }, { creates: 'off' })).toEqual({
      deletes: { percent: 10, max: 20 },
      staleSource: 'off',
      creates: 'off',
    })
    expect(merge({ deletes: 'off' }, { deletes: { percent: 5 } })).toEqual({ deletes: { percent: 5 } })
    expect(merge({ staleSource: { maxAge: '36h' } })).toEqual({ staleSource: { maxAge: '36h' } })
  })

  it.each([
    [{ delets: 'off' }, 'IQ1103', /unknown key "delets" in guards/, /deletes/],
    [{ deletes: { percnt: 5 } }, 'IQ1103', /unknown key "percnt" in guards.deletes/, /percent/],
    [{ deletes: 'of' }, 'IQ1104', /guards.deletes/, /off/],
    [{ deletes: { percent: 'ten' } }, 'IQ1104', /guards.deletes.percent/, /off/],
    [{ staleSource: { maxAge: 'soon' } }, 'IQ1104', /guards.staleSource.maxAge: is no duration/, /off/],
    [{ emptySource: { percent: 3 } }, 'IQ1103', /unknown key "percent" in guards.emptySource/, /keys/],
  ])('refuse %j with the place and the way out', (guards, code, message, hint) => {
    expect(errorOf(() => merge(guards))).toMatchObject({
      code,
      place,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  it('refuse to allow a guard that does not exist, and suggest the nearest', () => {
    expect(checkGuardNames(['deletes', 'shrunkenSource'])).toEqual(['deletes', 'shrunkenSource'])
    expect(errorOf(() => checkGuardNames(['shrunkSource']))).toMatchObject({
      code: 'IQ1002',
      message: 'there is no guard named "shrunkSource"',
      hint: 'did you mean shrunkenSource?',
    })
  })
})
