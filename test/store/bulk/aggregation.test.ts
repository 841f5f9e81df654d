import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openApp } from '../../../src/app.ts'
import { digestOf } from '../../helpers/digest.ts'
import { project, write } from '../../helpers/project.ts'

const off = [
  'deletes',
  'disables',
  'grantsRemoved',
  'ownersChanged',
  'identitiesCreated',
  'accountsEnabled',
  'grantsAdded',
  'emptySource',
  'shrunkenSource',
  'emptiedAttribute',
  'otherSource',
]
const files = {
  'iqtask.config.yaml': `timeZone: UTC\nguards: { ${off.map((name) => `${name}: off`).join(', ')} }\n`,
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv, evidence: { minRows: 0 } }
account:
  nativeIdentity: login
  uuid: guid
  disabled: { expr: "has(account.off)" }
  attributes:
    groups: { multiple: true, split: "|", entitlement: true }
`,
}

interface Row {
  readonly login: string
  readonly guid: string
  readonly city: string
  readonly off: string
  readonly groups: readonly string[]
}

const row = fc.record({
  city: fc.constantFrom('', 'Oslo', 'Bergen', 'Ærø'),
  off: fc.constantFrom('', 'x'),
  groups: fc.uniqueArray(fc.constantFrom('g1', 'g2', 'g3')),
})
/** Who is there in one read: by number; the login of a renamed account differs, its guid does not. */
const read = fc.dictionary(fc.constantFrom('1', '2', '3', '4', '5', '6'), fc.record({ row, renamed: fc.boolean() }))

const rowsOf = (given: Record<string, { row: Omit<Row, 'login' | 'guid'>; renamed: boolean }>): Row[] =>
  Object.entries(given).map(([number, { row: values, renamed }]) => ({
    login: renamed ? `new${number}` : `u${number}`,
    guid: `guid-${number}`,
    ...values,
  }))
const csv = (rows: readonly Row[]): string =>
  `login,guid,city,off,groups\n${rows.map((r) => `${r.login},${r.guid},${r.city},${r.off},${r.groups.join('|')}\n`).join('')}`

it('the store holds what the reads said, the counts say what changed, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(read, { minLength: 1, maxLength: 4 }), async (reads) => {
      const digests: string[] = []
      for (const lossLimit of [1, 2, 1000]) {
        const cwd = project({
          ...files,
          'tasks/t.yaml': `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: ad }\nlossLimit: ${lossLimit}\n`,
        })
        const app = await openApp({ cwd, env: {} })
        let before = new Map<string, Row>()
        for (const given of reads) {
          const rows = rowsOf(given)
          write(cwd, { 'ad.csv': csv(rows) })
          const { counts: c } = await app.run({ task: 't', trigger: 'manual', set: {} })
          const now = new Map(rows.map((one) => [one.guid, one]))
          const stayed = [...now.values()].flatMap((one) => {
            const old = before.get(one.guid)
            return old === undefined ? [] : [{ old, one }]
          })
          const lost = [...before.values()].filter((one) => !now.has(one.guid))
          const gained = (one: Row, old: readonly string[]): number =>
            one.groups.filter((group) => !old.includes(group)).length
          expect(c).toMatchObject({ read: rows.length, rejected: 0, missing: lost.length, gone: lost.length })
          expect(c.renamed).toBe(stayed.filter(({ old, one }) => old.login !== one.login).length)
          expect((c.created ?? 0) + (c.returned ?? 0)).toBeLessThanOrEqual(
            rows.length - stayed.length + (c.renamed ?? 0),
          )
          expect((c.created ?? 0) + (c.changed ?? 0) + (c.unchanged ?? 0) + (c.returned ?? 0) + (c.renamed ?? 0)).toBe(
            rows.length,
          )
          const added = stayed.reduce((sum, { old, one }) => sum + gained(one, old.groups), 0)
          const fresh = [...now.values()].filter((one) => !before.has(one.guid))
          expect(c.grantsAdded).toBe(added + fresh.reduce((sum, one) => sum + one.groups.length, 0))
          const ended = stayed.reduce((sum, { old, one }) => sum + gained(old, one.groups), 0)
          expect(c.grantsEnded).toBe(ended + lost.reduce((sum, one) => sum + one.groups.length, 0))
          const held = [...app.store().accounts.find({ application: 'ad' })].filter(
            (account) => account.state === 'active',
          )
          expect(
            held.map((a) => [
              a.nativeIdentity,
              a.attributes.city ?? '',
              a.disabled,
              a.entitlements.map((e) => e.value),
            ]),
          ).toEqual(
            [...rows]
              .sort((a, b) => (a.login < b.login ? -1 : 1))
              .map((r) => [r.login, r.city, r.off === 'x', [...r.groups].sort()]),
          )
          before = now
        }
        expect(app.store().audit.verify().findings).toEqual([])
        await app.close()
        digests.push(digestOf(cwd))
      }
      expect(new Set(digests).size).toBe(1)
    }),
    { numRuns: 12 },
  )
}, 120_000)
