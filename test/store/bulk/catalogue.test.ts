import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { refusedEdges } from '../../../src/model/hierarchy.ts'
import { project, write } from '../../helpers/project.ts'

const files = {
  'iqtask.config.yaml': 'timeZone: UTC\n',
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv }
account: { nativeIdentity: login, attributes: { groups: { entitlement: true } } }
entitlements: { file: ../groups.csv, value: name, gives: { expr: "has(row.gives) ? row.gives.split('|') : []" } }
`,
}
const names = ['a', 'b', 'c', 'd', 'e', 'f']
/** What each entry gives, by number. */
const night = fc.array(fc.uniqueArray(fc.nat(names.length - 1), { maxLength: 3 }), {
  minLength: names.length,
  maxLength: names.length,
})

it('keeps the steps that the rule of hierarchies allows, whatever stood before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(night, { minLength: 1, maxLength: 3 }), async (nights) => {
      const cwd = project(files)
      const app = await openApp({ cwd, env: {} })
      let standing = new Set<string>()
      for (const gives of nights) {
        const rows = gives.map((given, from) => `${names[from]},${given.map((to) => names[to]).join('|')}\n`)
        write(cwd, { 'groups.csv': `name,gives\n${rows.join('')}` })
        const { counts } = await app.run({ task: 'entitlement-aggregation', trigger: 'manual', set: {} })
        const edges = gives.flatMap((given, from) => given.map((to) => ({ from, to })))
        const known = (edge: { from: number; to: number }): boolean => standing.has(`${edge.from}>${edge.to}`)
        const refused = refusedEdges(
          edges.filter(known),
          edges.filter((edge) => !known(edge)),
        )
        const left = new Set(refused.map((edge) => `${edge.from}>${edge.to}`))
        const kept = edges.map((edge) => `${edge.from}>${edge.to}`).filter((edge) => !left.has(edge))
        const stored = [...app.store().catalogue.find({})].flatMap((entry) =>
          entry.gives.map((to) => `${names.indexOf(entry.value)}>${names.indexOf(to)}`),
        )
        expect(stored.sort()).toEqual(kept.sort())
        expect(counts.givesRejected).toBe(refused.length)
        standing = new Set(kept)
      }
      await app.close()
    }),
    { numRuns: 8 },
  )
}, 30_000)
