import { afterAll, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { CorrelationRule } from '../../../src/model/application.ts'
import { type Search, searchOwners, searchTables } from '../../../src/store/bulk/correlation-join.ts'
import { openStore } from '../../../src/store/open.ts'
import { project } from '../../helpers/project.ts'

const store = openStore({ path: `${project()}/x.db`, clock: systemClock, create: true })
const { db } = store
afterAll(() => store.close())

beforeEach(() => {
  db.exec('delete from identity')
  store.accountPlans.forgetIdentities()
})

const rule = (more: Partial<CorrelationRule> = {}): CorrelationRule => ({
  from: { attribute: 'x' },
  identity: 'mail',
  decisive: false,
  ignoreCase: false,
  normalize: [],
  ignoreValues: [],
  ...more,
})

function addIdentity(id: number, mail: unknown, status = 'active'): void {
  db.statement(
    `insert into identity(id, name, status, attrs, sources, created_run, changed_run) values (?, ?, ?, ?, '{}', 1, 1)`,
  ).run(id, `i${id}`, status, JSON.stringify({ mail }))
}

const addPlanned = (id: number, mail: string): void =>
  void db
    .statement(`insert into temp.planned_identity(id, section, name, status, attrs) values (?, 'hr', ?, 'active', ?)`)
    .run(id, `p${id}`, JSON.stringify({ mail }))

/** Keys of candidates by row, `account`: those that are there already. */
function found(
  keys: ReadonlyMap<number, string | null>,
  search: Partial<Search> = {},
  account: readonly number[] = [],
) {
  db.exec(`attach ':memory:' as st; create table st.s(id integer primary key, keys text);
    create table st.cand(sid integer primary key, account_id int); insert into st.s values (0, '[]'); insert into st.cand values (0, null);
    create table st.link(sid integer primary key, account_id int, kind text, rule int, identity_id int); ${searchTables}`)
  try {
    for (const [sid, key] of keys) {
      db.statement('insert into st.s values (?, ?)').run(sid, JSON.stringify(['other', key]))
      db.statement('insert into st.cand values (?, ?)').run(sid, account.includes(sid) ? sid : null)
    }
    const settled = 'c.account_id is null'
    for (const _ of searchOwners(db, { rule: rule(), index: 1, trusted: ['hr'], asked: 'true', settled, ...search }))
      void _
    const all = (sql: string): unknown[] => db.statement(sql).raw().all()
    return {
      linked: all('select sid, identity_id from st.link where rule = 2 order by sid'),
      rest: all('select sid from st.rest order by sid').flat(),
      known: all('select value, identity_id, inactive from st.ik'),
      shared: all('select value from st.shared').flat(),
    }
  } finally {
    db.exec('detach st')
  }
}

it('links new accounts to the one active identity that has their key, and leaves the rest to be decided', () => {
  addIdentity(5, 'a')
  addIdentity(6, 'b', 'inactive')
  addIdentity(7, 'c')
  addIdentity(8, 'c', 'inactive')
  addIdentity(9, 'nobody asks')
  addIdentity(10, 'd')
  addPlanned(3, 'e')
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', null, 'a', 'c', 'd'].map((key, at) => [at * 3 + 1, key] as const)
  const outcome = {
    linked: [
      [1, 5],
      [13, -3],
      [22, 5],
      [28, 10],
    ],
    rest: [4, 7, 10, 25],
    known: [
      ['b', 6, 1],
      ['c', 7, 0],
      ['c', 8, 1],
      ['d', 10, 0],
    ],
    shared: ['c'],
  }
  expect(found(new Map(keys), {}, [10])).toEqual(outcome)
  // a decisive rule ends the search also of who is not found
  expect(found(new Map(keys), { rule: rule({ decisive: true }) }, [10])).toEqual({
    ...outcome,
    rest: [4, 7, 10, 16, 25],
  })
  expect(found(new Map(keys), { asked: 'c.sid < 5', settled: 'false' })).toEqual({
    linked: [],
    rest: [1, 4],
    known: [
      ['a', 5, 0],
      ['b', 6, 1],
    ],
    shared: [],
  })
})

it.each([
  ['Ada', 'ada', { ignoreCase: true }],
  ['a"\\\n\u2028b', 'a"\\\n\u2028b', {}],
  ['Åsa', 'åsa', { ignoreCase: true }],
  [' a ', 'a', {}],
  [12, '12', {}],
  ['007', '7', { normalize: ['leadingZeros'] as const }],
])('takes %j for %j', (said, key, more) => {
  addIdentity(1, said)
  expect(found(new Map([[1, key]]), { rule: rule(more) }).linked).toEqual([[1, 1]])
})

it.each([
  ['n/a', { ignoreValues: ['n/a'] }],
  [' n/a', { ignoreValues: ['n/a'] }],
  [true, {}],
  [['a'], {}],
  [null, {}],
])('takes %j for nothing', (said, more) => {
  addIdentity(1, said)
  expect(found(new Map([[1, 'n/a'], [2, 'true'], [3, 'a'], [4, '["a"]'], [5, 'null']]), { rule: rule(more) }).linked).toEqual([]) // biome-ignore format: a table
})

it('looks at the identities again where not all keys fit into memory', () => {
  const count = 50_000
  db.exec('begin')
  for (let n = 1; n <= count; n++) addIdentity(n, `user${count - n}`)
  addIdentity(count + 1, 'user7')
  addIdentity(count + 2, `user${count - 7}`)
  db.exec('commit')
  const keys = new Map(Array.from({ length: count }, (_, n) => [n + 1, `user${n}`] as const))
  const { linked, rest, shared } = found(keys, { mostKeys: 20_000 })
  expect(linked).toEqual(
    [...keys.keys()].filter((sid) => sid !== 8 && sid !== count - 6).map((sid) => [sid, count + 1 - sid]),
  )
  expect([rest, shared]).toEqual([
    [8, count - 6],
    ['user49993', 'user7'],
  ])
})
