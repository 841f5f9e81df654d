import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const header = 'id,name,mail,state,start'
const row = (i: number, given: { name?: string; mail?: string; state?: string } = {}): string => {
  const { name = `Näme ${i}`, mail = `m${i}@example.com`, state = 'active' } = given
  return `${i},${name},${mail},${state},2020-01-01`
}
const file = (rows: readonly string[], first = header): string => `${[first, ...rows].join('\n')}\n`
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)
const whole = file(numbers(0, 200).map((i) => row(i)))

const organisation = {
  ...smallOrganisation,
  'applications/hr.yaml': `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv, where: { expr: "row.state != 'test'" }, evidence: { minRows: 1 } }
account:
  nativeIdentity: id
  disabled: { expr: "account.state != 'active'" }
  attributes:
    start: { type: date }
`,
  'hr.csv': whole,
}
const definition = organisation['applications/hr.yaml']

/** What a feed may look like on a bad morning, and which guard or code must speak. */
const mornings: readonly [what: string, files: Readonly<Record<string, string | Buffer>>, says: string | RegExp][] = [
  ['an empty file', { 'hr.csv': '' }, 'IQ2002'],
  ['only a header', { 'hr.csv': file([]) }, 'emptySource'],
  ['half of the file, cut at a record', { 'hr.csv': file(numbers(0, 100).map((i) => row(i))) }, 'shrunkenSource'],
  ['half of the file, cut inside a record', { 'hr.csv': whole.slice(0, whole.length / 2) }, 'shrunkenSource'],
  ['another tenant of the same size', { 'hr.csv': file(numbers(5000, 5200).map((i) => row(i))) }, 'otherSource'],
  [
    'a filter that lets nothing through',
    { 'applications/hr.yaml': definition.replace("!= 'test'", "== 'actve'") },
    'emptySource',
  ],
  ['a renamed key column', { 'hr.csv': whole.replace('id,', 'employee,') }, /IQ2003|IQ3004|renamedAttributes/],
  ['a renamed column that a rule uses', { 'hr.csv': whole.replace(',start', ',begin') }, 'renamedAttributes'],
  [
    'columns shifted by one',
    { 'hr.csv': file(numbers(0, 200).map((i) => `${i},x,Name ${i},m${i}@example.com,active`)) },
    /disables|IQ3004/,
  ],
  ['everybody inactive', { 'hr.csv': file(numbers(0, 200).map((i) => row(i, { state: 'inactive' }))) }, 'disables'],
  [
    'a column that went empty',
    { 'hr.csv': file(numbers(0, 200).map((i) => row(i, { mail: '' }))) },
    'emptiedAttribute',
  ],
  [
    'Latin-1 where UTF-8 was declared',
    {
      'applications/hr.yaml': definition.replace('../hr.csv', '../hr.csv, encoding: utf-8'),
      'hr.csv': Buffer.from(whole, 'latin1'),
    },
    /IQ3004|IQ20/,
  ],
  ['every key twice', { 'hr.csv': file(numbers(0, 200).flatMap((i) => [row(i), row(i)])) }, 'IQ3004'],
]

/** The business tables, without what only names a run. */
function state(cwd: string): string {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const tables = ['account', 'access', 'entitlement', 'identity', 'question', 'change']
  const rows = tables.map((table) => db.prepare(`select * from ${table}`).raw().all())
  db.close()
  return JSON.stringify(rows)
}

describe('a mass change that is none', () => {
  it.each(mornings)('%s: nothing changes, the exit code is not 0, and the reason is said', async (_, files, says) => {
    const cwd = project(organisation)
    await runCli('run aggregation', { cwd })
    const before = state(cwd)
    expect(JSON.parse(before)[0].length).toBeGreaterThan(200)
    write(cwd, files)
    const { code, stdout } = await runCli('run aggregation --json', { cwd })
    expect(state(cwd)).toBe(before)
    expect([1, 4]).toContain(code)
    const result = JSON.parse(stdout) as TaskResultDocument
    const said = [
      ...result.guards.filter((guard) => guard.verdict === 'tripped').map((guard) => guard.guard),
      ...result.messages.filter((message) => message.level === 'error').map((message) => message.code),
    ]
    expect(said.join(' ')).toMatch(says)
  })

  it('does not stand in the way of an ordinary morning', async () => {
    const cwd = project(organisation)
    await runCli('run aggregation', { cwd })
    const people = numbers(6, 210).map((i) => row(i, i % 20 === 0 ? { state: 'left' } : {}))
    write(cwd, { 'hr.csv': file(people) })
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(result.guards.filter((guard) => guard.verdict === 'tripped')).toEqual([])
    expect(result.sections[0]?.counts).toMatchObject({ gone: 6, created: 10, changed: 9 })
  })
})
