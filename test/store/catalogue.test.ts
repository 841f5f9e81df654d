import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

it('finds entitlements by application, state, tag and text, with their holders and one step of the hierarchy', async () => {
  const app = await openApp({ cwd: project(smallOrganisation), env: {} })
  await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  const { catalogue, db } = app.store()
  const all = (filter: Parameters<typeof catalogue.find>[0]) => [...catalogue.find(filter)].map((e) => e.value)
  expect(all({})).toEqual(['g1', 'g2'])
  db.exec(`update entitlement set tags = '["privileged"]', description = 'Payment APPROVAL' where value = 'g2';
    insert into entitlement_gives select a.id, b.id from entitlement a, entitlement b where a.value = 'g2' and b.value = 'g1'`)
  expect([all({ tag: 'privileged' }), all({ text: 'approval' }), all({ application: 'hr' })]).toEqual([
    ['g2'],
    ['g2'],
    [],
  ])
  expect([all({ state: 'active', attribute: 'groups' }), all({ state: 'gone' })]).toEqual([['g1', 'g2'], []])
  expect([catalogue.count({}), catalogue.count({ tag: 'x' })]).toEqual([2, 0])
  expect(catalogue.get('ad:groups:g2')).toMatchObject({ gives: ['g1'], givenBy: [], holders: 2, described: false })
  expect(catalogue.get('ad:groups:g1')).toMatchObject({ gives: [], givenBy: ['g2'], holders: 2, state: 'active' })
  expect(() => catalogue.get('ad:groups:g3')).toThrow('there is no entitlement')
  await app.close()
})
