import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ProfileDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { realData } from '../helpers/real-data.ts'
import { runCli } from '../helpers/run-cli.ts'

const json = async <T>(line: string, cwd: string): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
const profileOf = (line: string, cwd: string) => json<ProfileDocument>(`application profile ${line}`, cwd)

const hr = Array.from(
  { length: 60 },
  (_, i) =>
    `00${1000 + i};P ${i};p${i}@example.com;${String((i % 28) + 1).padStart(2, '0')}.02.2020;${i % 9 === 0 ? 'left' : 'active'};g${i % 4}|h${i % 3}`,
)
const organisation = {
  'iqtask.config.yaml': smallOrganisation['iqtask.config.yaml'].replaceAll('hr.id', 'hr.number'),
  'hr.csv': `number;name;mail;hired;state;groups\n${hr.join('\n')}\n`,
  'badge.jsonl': Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ badge: `B${i}`, person: String(1000 + i), email: `P${i}@EXAMPLE.COM`, active: i % 2 === 0 }),
  ).join('\n'),
}

describe('application profile', () => {
  it('proposes a file that loads and runs, and says what each line stands on', async () => {
    const cwd = project(organisation)
    expect((await runCli('application profile hr.csv --out applications/hr.yaml', { cwd })).code).toBe(0)
    const text = readFileSync(join(cwd, 'applications/hr.yaml'), 'utf8')
    expect(text).toMatch(/nativeIdentity: number +# unique and never empty in 60 rows; so are: name, mail/)
    expect(text).toMatch(/hired: \{ type: date, format: dd.MM.yyyy \} +# filled in 100.0 %/)
    expect(text).toMatch(/groups: \{ multiple: true, split: "\|", entitlement: true \} +# .*7 different values/)
    expect(text).toMatch(/# disabled: \{ expr: "account.state != 'active'" \} +# values: active 53, left 7/)
    expect((await runCli('config validate', { cwd })).stderr).toBe('')
    const result = await json<TaskResultDocument>('run aggregation', cwd)
    expect(result).toMatchObject({ exitCode: 0, counts: { read: 60, created: 60, rejected: 0 } })
    // digits with zeros before them are a name, not a number
    expect(await json('account show hr:001000', cwd)).toMatchObject({ attributes: { number: '001000' } })
  })

  it('measures which columns find identities, and how they have to be compared', async () => {
    const cwd = project(organisation)
    await runCli('application profile hr.csv --out applications/hr.yaml', { cwd })
    const file = join(cwd, 'applications/hr.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('# authoritative: true ', 'authoritative: true '))
    await runCli('run aggregation', { cwd })
    const { correlation, text } = await profileOf('badge.jsonl', cwd)
    expect(correlation).toContainEqual(
      expect.objectContaining({
        account: 'person',
        identity: 'employeeNumber',
        one: 60,
        filled: 60,
        leadingZeros: true,
      }),
    )
    expect(correlation).toContainEqual(
      expect.objectContaining({ account: 'email', identity: 'email', one: 60, ignoreCase: true }),
    )
    expect(text).toContain('{ account: email, identity: email, ignoreCase: true }')
    expect(text).toMatch(/disabled: \{ expr: "!account.active" \}/)
    await runCli('application profile badge.jsonl --out applications/badge.yaml', { cwd })
    const result = await json<TaskResultDocument>('run aggregation', cwd)
    expect(result.sections.find((one) => one.application === 'badge')?.counts).toMatchObject({
      correlated: 53,
      // those who left
      questions: 7,
    })
  })

  it('leaves open what the data do not settle', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `x${i % 4},0${(i % 9) + 1}/02/2026`)
    const cwd = project({ 'feed.csv': `name,seen\n${rows.join('\n')}\n` })
    const { text, proposal } = await profileOf('feed.csv', cwd)
    expect(proposal.key).toEqual([])
    expect(text).toContain('NOT unique')
    expect(text).toMatch(/fit as well: the values do not tell/)
  })

  it('tells of the few rows that a key would reject', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => `id${i},n`)
    const cwd = project({ 'feed.csv': `id,x\n${[...rows, 'id7,n', ',n'].join('\n')}\n` })
    expect((await profileOf('feed.csv', cwd)).text).toMatch(
      /nativeIdentity: id +# empty in 1, given again in 1 \(they would be rejected\)/,
    )
  })

  it('reads what the connectors read, refuses what is there already or not at all', async () => {
    const cwd = project({ 'a.csv.gz': gzipSync('id,x\n1,a\n2,b\n'), 'b.csv': 'id,x\n', 'there.yaml': 'x' })
    expect((await profileOf('a.csv.gz', cwd)).proposal.key).toEqual(['id'])
    for (const [line, code] of [
      ['b.csv', 2],
      ['nothing.csv', 1],
      ['a.csv.gz --out there.yaml', 2],
    ] as const)
      expect((await runCli(`application profile ${line}`, { cwd })).code, line).toBe(code)
    expect(readFileSync(join(cwd, 'there.yaml'), 'utf8')).toBe('x')
  })
})

describe('application profile of the sample organisation', () => {
  it('proposes files that run, and take from each feed what is right in it', async () => {
    const cwd = join(project(), 'sample')
    await runCli(['init', cwd, '--example'], { cwd: '/' })
    await runCli('run aggregation', { cwd })
    const expected: [feed: string, name: string, lines: (string | RegExp)[], counts: object][] = [
      [
        'hr.csv',
        'people',
        [
          /nativeIdentity: employee_id +# empty in 2, given again in 1/,
          /hire_date: .*dd.MM.yyyy.*2 values are no such date/,
        ],
        { read: 1512, rejected: 12, created: 1500, correlated: 1440, questions: 60 },
      ],
      [
        'bank.csv',
        'portal',
        [
          'connection: { file: ../data/bank.csv, encoding: windows-1252, merge: true }',
          /nativeIdentity: user .*only with profile .* 1 of 75 accounts disagree/,
          /^ {2}- \{ account: employee_no, identity: employeeNumber, normalize: leadingZeros \}/m,
        ],
        { read: 118, rejected: 2, created: 74, grantsAdded: 116 },
      ],
      [
        'directory.jsonl',
        'logins',
        [
          'uuid: objectGUID',
          /^ {2}- \{ account: employeeID, identity: employeeNumber \}/m,
          // few have it, and it is not their own number
          /^# {2}- \{ account: managedBy, .*only 1.7 %/m,
        ],
        { read: 1467, rejected: 3, created: 1464, grantsAdded: 3466 },
      ],
      ['erp.csv.gz', 'finance', [/split: "\|", entitlement: true/], { created: 492, grantsAdded: 668, questions: 5 }],
      ['badges.tsv', 'doors', ['the first line looks like data'], { read: 325, created: 325 }],
    ]
    for (const [feed, name, lines] of expected) {
      const out = join(cwd, `applications/${name}.yaml`)
      expect((await runCli(`application profile data/${feed} --name ${name} --out ${out}`, { cwd })).code).toBe(0)
      for (const line of lines) expect(readFileSync(out, 'utf8')).toMatch(line)
    }
    expect((await runCli('config validate', { cwd })).stdout).toContain('nothing wrong')
    const names = expected.map(([, name]) => name).join(',')
    const { sections } = await json<TaskResultDocument>(`run aggregation --set applications=${names}`, cwd)
    for (const [, name, , counts] of expected)
      expect(sections.find((one) => one.application === name)?.counts, name).toMatchObject(counts)
  })
})

const kubernetes = realData('kubernetes-org')
const pairs = realData('hp-role-mining')
describe('application profile of real feeds', () => {
  it.skipIf(kubernetes === undefined)('knows that only organisation and login together are a key', async () => {
    const cwd = project()
    const { proposal, columns } = await profileOf(`${kubernetes}/2026-08/accounts.csv`, cwd)
    expect(proposal.key).toEqual(['org', 'login'])
    // 249043822 among words: nothing is a number
    expect(columns.find((column) => column.name === 'login')?.digits).toBe(false)
    expect(proposal.attributes).toEqual([])
  })

  it.skipIf(pairs === undefined)('knows a feed of one row an account and permission, and it runs', async () => {
    const cwd = project({ 'iqtask.config.yaml': 'timeZone: UTC\n' })
    await runCli(`application profile ${pairs}/apj.csv --out applications/apj.yaml`, { cwd })
    const result = await json<TaskResultDocument>('run aggregation', cwd)
    expect(result.counts).toMatchObject({ read: 6841, created: 2044, grantsAdded: 6841, entitlementsCreated: 1164 })
  })
})
