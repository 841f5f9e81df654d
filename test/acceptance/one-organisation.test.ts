import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, write } from '../helpers/project.ts'

interface Member {
  readonly login: string
  readonly city: string
  readonly level: string
  readonly groups: readonly string[]
}
type Files = Record<string, string>

const guards = [
  'grantsRemoved',
  'grantsAdded',
  'renamedAttributes',
  'emptiedAttribute',
  'otherSource',
  'shrunkenSource',
  'deletes',
  'disables',
]
const application = (connector: string, connection: string, groups: string, rest = ''): Files => ({
  'applications/erp.yaml': `kind: Application
name: erp
connector: ${connector}
connection: { ${connection} }
account:
  nativeIdentity: login
  disabled: { expr: "has(account.groups) && 'Ω leaver' in account.groups" }
  attributes:
    level: { type: number }
    ${groups}
${rest}`,
})
const cell = (value: string): string => `"${value.replaceAll('"', '""')}"`
const csv = (header: string, rows: readonly (readonly string[])[]): string =>
  `${header}\n${rows.map((row) => `${row.map(cell).join(',')}\n`).join('')}`

/** The same members as four feeds; `order` shuffles the rows. */
const shapes: readonly ((members: readonly Member[], order: <T>(rows: T[]) => T[]) => Files)[] = [
  (members, order) => ({
    ...application('delimited', 'file: ../erp.csv', 'groups: { multiple: true, split: "|", entitlement: true }'),
    'erp.csv': csv(
      'login,city,level,groups',
      order(members.map((m) => [m.login, m.city, m.level, order([...m.groups]).join('|')])),
    ),
  }),
  (members, order) => ({
    ...application('delimited', 'file: ../pairs.csv, merge: true', 'groups: { entitlement: true }'),
    'pairs.csv': csv(
      'groups,level,login,city',
      order(
        members.flatMap((m) =>
          // only some of the rows need to say everything
          [...m.groups, ''].map((group, i) => [group, i % 2 === 0 ? m.level : '', m.login, i % 2 === 0 ? m.city : '']),
        ),
      ),
    ),
  }),
  (members, order) => ({
    ...application(
      'delimited',
      'file: ../erp-*.csv',
      'groups: { multiple: true, entitlement: true }',
      'grants: [{ file: ../groups.csv, account: who, value: what, as: groups }]\n',
    ),
    ...split(order(members.map((m) => [m.login, m.city, m.level]))),
    'groups.csv': csv('what,who', order(members.flatMap((m) => m.groups.map((group) => [group, m.login])))),
  }),
  (members, order) => ({
    ...application('jsonl', 'file: ../erp.jsonl', 'groups: { multiple: true, entitlement: true }'),
    'erp.jsonl': order(members.map((m) => `${JSON.stringify({ groups: order([...m.groups]), ...plain(m) })}\n`)).join(
      '',
    ),
  }),
]
const split = (rows: string[][]): Files => ({
  'erp-1.csv': csv('login,city,level', rows.slice(0, 2)),
  'erp-2.csv': csv('login,city,level', rows.slice(2)),
})
const plain = ({ login, city, level }: Member) => ({ login, city, level: level === '' ? null : Number(level) })

const members = fc.uniqueArray(
  fc.record({
    login: fc.constantFrom('007', '7', 'ada', 'Ada', 'Ærø', '𠮷', 'z z', '249043822', 'a"b'),
    city: fc.constantFrom('', 'Oslo', 'São Paulo', 'a, b'),
    level: fc.constantFrom('', '0', '1', '2.5'),
    groups: fc.uniqueArray(fc.constantFrom('g1', 'G1', 'Ω leaver', 'x/y', '𐀀', '\uff5e', 'with "quotes"')),
  }),
  { selector: (member) => member.login, minLength: 1 },
)

it('the same organisation gives the same store as one file, as merged pairs, as accounts with a grants file and as JSON lines, in any order', async () => {
  const shuffled = fc.tuple(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), fc.infiniteStream(fc.nat(1000)))
  await fc.assert(
    fc.asyncProperty(members, members, shuffled, async (before, after, [turns, numbers]) => {
      const order = <T>(rows: T[]): T[] =>
        rows
          .map((row) => ({ row, at: numbers.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ row }) => row)
      const digests: [string, string][] = []
      for (const shape of shapes) {
        const cwd = project({
          'iqtask.config.yaml': `timeZone: UTC\nguards: { ${guards.map((name) => `${name}: off`).join(', ')} }\n`,
        })
        const read = async (given: readonly Member[], as: (typeof shapes)[number]) => {
          write(cwd, as(given, order))
          const app = await openApp({ cwd, env: {} })
          const result = await app.run({ task: 'aggregation', trigger: 'manual', set: { checkDeleted: 'false' } })
          await app.close()
          expect(result.stoppedBy, JSON.stringify(result.guards)).toBeNull()
          expect(result.counts, JSON.stringify(result.messages)).toMatchObject({ rejected: 0, grantsRejected: 0 })
          return result.counts
        }
        expect((await read(before, shape)).created).toBe(before.length)
        const first = digestOf(cwd)
        // what another shape says is known already
        const other = shapes[turns[digests.length] ?? 0] ?? shape
        expect(await read(before, other)).toMatchObject({ unchanged: before.length, changed: 0, grantsAdded: 0 })
        await read(after, other)
        digests.push([first, digestOf(cwd)])
      }
      expect(new Set(digests.map(([first]) => first)).size).toBe(1)
      expect(new Set(digests.map(([, second]) => second)).size).toBe(1)
    }),
    { numRuns: 6 },
  )
}, 60_000)
