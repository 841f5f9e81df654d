import fc from 'fast-check'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { CorrelationRule } from '../../../src/model/application.ts'
import { evenOut } from '../../../src/model/normalize.ts'
import { loadKeys } from '../../../src/store/bulk/correlation-keys.ts'
import { openStore } from '../../../src/store/open.ts'
import { project } from '../../helpers/project.ts'

const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'A',
    ' a',
    'a\t',
    'Ada@Example.com',
    'ÅSA',
    'e\u0301',
    'n/a',
    "o'brien",
    '7',
    'x*y',
    '[1]',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }).filter((one) => !one.includes('\0') && one.isWellFormed()),
)
const value = fc.oneof(text, fc.constantFrom(7, 7.5, -0.1, 1e21, true, false), fc.constantFrom(null, ['a'], {}))
const attribute = fc.constantFrom('mail', 'e mail', '$.a', "o'x", '0', 'a"b', 'name')
const world = fc.record({
  people: fc.array(fc.record({ value, name: text, source: fc.constantFrom('hr', 'elsewhere', undefined) }), {
    maxLength: 6,
  }),
  identity: attribute,
  ignoreCase: fc.boolean(),
  normalize: fc.constantFrom([], ['lower'] as const),
  ignoreValues: fc.constantFrom([], ['n/a', 'a']),
})

it('finds the keys that the model evens out, and which of them several have', () => {
  const cwd = project()
  const store = openStore({ path: `${cwd}/x.db`, clock: systemClock, create: true })
  const { db } = store
  fc.assert(
    fc.property(world, (w) => {
      const rule: CorrelationRule = { ...w, from: { attribute: 'x' }, decisive: false }
      db.exec('delete from identity')
      store.accountPlans.forgetIdentities()
      for (const [index, one] of w.people.entries())
        db.statement(
          `insert into identity(id, name, status, attrs, sources, created_run, changed_run) values (?, ?, ?, ?, ?, 1, 1)`,
        ).run(
          index + 1,
          `${index}${one.name}`,
          index % 2 === 0 ? 'active' : 'inactive',
          JSON.stringify({ [w.identity]: one.value }),
          JSON.stringify(one.source === undefined ? {} : { [w.identity]: one.source }),
        )
      db.exec(`attach ':memory:' as st;
        create table st.ik(rule int, value text, identity_id int, inactive int, primary key(rule, value, identity_id)) without rowid`)
      try {
        for (const _ of loadKeys(db, [rule], ['hr'])) void _
        const expected = w.people.flatMap((one, index) => {
          const said = w.identity === 'name' ? `${index}${one.name}` : one.value
          if (one.source === 'elsewhere' || (typeof said !== 'string' && typeof said !== 'number')) return []
          const key = evenOut(rule, String(said))
          return key === undefined ? [] : [`${key} ${index + 1} ${index % 2}`]
        })
        const keys = db
          .statement(`select value || ' ' || identity_id || ' ' || inactive from st.ik`)
          .pluck()
          .all() as string[]
        expect(keys.toSorted()).toEqual(expected.toSorted())
        const shared = db
          .statement('select count(*) from (select 1 from st.ik group by value having count(*) > 1)')
          .pluck()
          .get()
        expect(db.statement('select count(*) from st.shared').pluck().get()).toBe(shared)
      } finally {
        db.exec('detach st')
      }
    }),
    { numRuns: 300 },
  )
  store.db.close()
})
