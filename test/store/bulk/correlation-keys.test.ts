import fc from 'fast-check'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { CorrelationRule } from '../../../src/model/application.ts'
import { evenOut } from '../../../src/model/normalize.ts'
import { identityKeys, type TellKey } from '../../../src/store/bulk/correlation-keys.ts'
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

it('tells the keys that the model evens out', () => {
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
      const keys: string[] = []
      const tell: TellKey = (identity, inactive, bytes, start, end) =>
        void keys.push(`${JSON.parse(bytes.toString('utf8', start, end))} ${identity} ${inactive ? 1 : 0}`)
      for (const _ of identityKeys(db, rule, ['hr'], tell)) void _
      const expected = w.people.flatMap((one, index) => {
        const said = w.identity === 'name' ? `${index}${one.name}` : one.value
        if (one.source === 'elsewhere' || (typeof said !== 'string' && typeof said !== 'number')) return []
        const key = evenOut(rule, String(said))
        return key === undefined ? [] : [`${key} ${index + 1} ${index % 2}`]
      })
      expect(keys).toEqual(expected)
    }),
    { numRuns: 300 },
  )
  store.db.close()
})
