import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'

async function run(cwd: string, set: Record<string, string> = {}): Promise<TaskResultDocument> {
  const app = await openApp({ cwd, env: {} })
  try {
    return await app.run({ task: 'aggregation', trigger: 'manual', set })
  } finally {
    await app.close()
  }
}
const off = 'timeZone: UTC\nguards: { deletes: off, shrunkenSource: off, otherSource: off, emptySource: off }\n'
const feed = (connection: string): Record<string, string> => ({
  'iqtask.config.yaml': off,
  'applications/erp.yaml': `kind: Application\nname: erp\nconnector: delimited\nconnection: { ${connection} }\naccount: { nativeIdentity: login, attributes: { right: { entitlement: true } } }\n`,
})
const section = (result: TaskResultDocument, name: string) => result.sections.find((one) => one.application === name)

describe('a feed that is not what it should be changes nothing', () => {
  it('when an evidence file does not match', async () => {
    const rows = 'login,right\na,R1\nb,R2\n'
    const sum = createHash('sha256').update(rows).digest('hex')
    const cwd = project({
      ...feed('file: ../erp.csv, evidence: { sha256: erp.csv.sha256 }'),
      'erp.csv': rows,
      'applications/erp.csv.sha256': `${sum}  erp.csv\n`,
    })
    expect((await run(cwd)).counts).toMatchObject({ created: 2 })
    const before = digestOf(cwd)
    write(cwd, { 'erp.csv': 'login,right\na,R1\n' })
    const result = await run(cwd)
    expect(result).toMatchObject({ status: 'error', exitCode: 1, messages: [{ code: 'IQ2005', level: 'error' }] })
    expect(result.messages[0]?.text).toMatch(
      /erp\.csv is not whole: sha256 says .* the file has .*fetch the file again/,
    )
    expect(digestOf(cwd)).toBe(before)
  })

  it('when two files of it have other columns', async () => {
    const cwd = project({
      ...feed('file: "../erp-*.csv"'),
      'erp-1.csv': 'login,right\na,R1\n',
      'erp-2.csv': 'right,login\nR2,b\n',
    })
    expect((await run(cwd)).counts).toMatchObject({ created: 2, grantsAdded: 2 })
    const before = digestOf(cwd)
    write(cwd, { 'erp-2.csv': 'login,rights\nb,R2\n' })
    const result = await run(cwd)
    expect(result).toMatchObject({ status: 'error', exitCode: 1, messages: [{ code: 'IQ2006' }] })
    expect(result.messages[0]?.text).toMatch(
      /erp-2\.csv has other columns than .*erp-1\.csv: it lacks right and has rights besides/,
    )
    expect(digestOf(cwd)).toBe(before)
  })

  it('when a JSON record holds what no attribute can: its account is neither missing nor changed', async () => {
    const cwd = project({
      'iqtask.config.yaml': off,
      'applications/erp.yaml': `kind: Application\nname: erp\nconnector: jsonl\nconnection: { file: ../erp.jsonl, evidence: { minRows: 1 } }\naccount: { nativeIdentity: user.login }\n`,
      'erp.jsonl': '{"user":{"login":"a"}}\n{"user":{"login":"b"}}\n{"user":{"login":"c"}}\n',
    })
    expect((await run(cwd)).counts).toMatchObject({ created: 3 })
    write(cwd, { 'erp.jsonl': '{"user":{"login":"a"}}\n{"cars":[{"plate":"x"}],"user":{"login":"b"}}\n' })
    const result = await run(cwd)
    // b's row can be told, so the read proves that c is not there
    expect(result).toMatchObject({ status: 'warning', counts: { rejected: 1, unchanged: 1, missing: 1, gone: 1 } })
    const app = await openApp({ cwd, env: {} })
    const rejects = [...app.store().results.rejects(result.id)]
    await app.close()
    expect(rejects).toMatchObject([{ native: 'b', column: 'cars' }])
  })

  it('when the scope was edited: what another `where` does not show is not missing', async () => {
    const where = (city: string) =>
      feed(`file: ../erp.csv, evidence: { minRows: 1 }, where: { expr: "row.city == '${city}'" }`)
    const cwd = project({ ...where('Oslo'), 'erp.csv': 'login,right,city\na,R1,Oslo\nb,R2,Oslo\nc,R3,Rome\n' })
    expect((await run(cwd)).counts).toMatchObject({ created: 2, filtered: 1 })
    write(cwd, where('Rome'))
    const result = await run(cwd)
    expect(result.counts).toMatchObject({ created: 1, missing: 0, gone: 0 })
    expect(result.guards.find((verdict) => verdict.guard === 'scopeChanged')).toMatchObject({ verdict: 'warning' })
    // in the next read of the new scope they are
    expect((await run(cwd)).counts).toMatchObject({ missing: 2, gone: 2 })
  })

  it('when a row that names nobody comes together with absent accounts: none of them ends', async () => {
    const cwd = project({
      ...feed('file: ../erp.csv, merge: true, evidence: { minRows: 1 }'),
      'erp.csv': 'login,right\na,R1\nb,R1\nc,R1\n',
    })
    await run(cwd)
    write(cwd, { 'erp.csv': 'login,right\na,R1\n,R2\n' })
    const result = await run(cwd)
    expect(result).toMatchObject({ status: 'warning', counts: { rejected: 1, missing: 2, gone: 0, grantsEnded: 0 } })
  })
})

describe('rows in the worst order', () => {
  it('give the same as in the best', async () => {
    const pairs = Array.from(
      { length: 12_000 },
      (_, i) => `u${String(Math.floor(i / 4)).padStart(5, '0')},R${(i * 7) % 50}\n`,
    )
    const digests: string[] = []
    for (const rows of [pairs, [...pairs].reverse(), [...pairs].sort((a, b) => (a.slice(7) < b.slice(7) ? -1 : 1))]) {
      const cwd = project({ ...feed('file: ../erp.csv, merge: true'), 'erp.csv': `login,right\n${rows.join('')}` })
      expect((await run(cwd)).counts).toMatchObject({ read: 12_000, created: 3000, grantsAdded: 12_000, rejected: 0 })
      digests.push(digestOf(cwd))
    }
    expect(new Set(digests).size).toBe(1)
  }, 30_000)
})

describe('claims to people', () => {
  it('of two accounts to one identity are both heard: a person may have several', async () => {
    const cwd = project(smallOrganisation)
    write(cwd, {
      'ad.csv': 'login,mail,enabled,groups\nada,ada@example.com,yes,g1\nada-admin,ADA@example.com,yes,g2\n',
    })
    const result = await run(cwd)
    expect(section(result, 'ad')?.counts).toMatchObject({ correlated: 2, ambiguous: 0, questions: 0 })
    const app = await openApp({ cwd, env: {} })
    expect(
      app
        .store()
        .identities.get('1')
        .accounts.map((a) => `${a.application}:${a.nativeIdentity}`),
    ).toEqual(['ad:ada', 'ad:ada-admin', 'hr:1'])
    await app.close()
  })

  it('of two accounts of people to one name make one identity, not two', async () => {
    const hr = smallOrganisation['applications/hr.yaml']
    const cwd = project({
      ...smallOrganisation,
      'iqtask.config.yaml': smallOrganisation['iqtask.config.yaml'].replace('name: hr.id', 'name: hr.person'),
      'applications/hr.yaml': hr,
      'hr.csv': 'id,person,mail,state\n1,P1,a@x,active\n2,P1,b@x,active\n3,P2,c@x,active\n',
    })
    const result = await run(cwd, { applications: 'hr' })
    expect(section(result, 'hr')?.counts).toMatchObject({ created: 3, identitiesCreated: 2, correlated: 3 })
  })

  it('by an employee number that two people share are a question, and nobody gets the account', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/hr.yaml': smallOrganisation['applications/hr.yaml'],
      'iqtask.config.yaml': smallOrganisation['iqtask.config.yaml'].replace('from: [hr.id]', 'from: [hr.number]'),
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
        '{ account: mail, identity: email, ignoreCase: true }',
        '{ account: number, identity: employeeNumber }',
      ),
      'hr.csv': 'id,number,mail,state\n1,0815,a@x,active\n2,0815,b@x,active\n3,0816,c@x,active\n',
      'ad.csv': 'login,number,enabled,groups\nada,0815,yes,g1\ncy,0816,yes,g1\n',
    })
    const result = await run(cwd)
    expect(result).toMatchObject({ status: 'warning', exitCode: 3 })
    expect(section(result, 'ad')?.counts).toMatchObject({ correlated: 1, uncorrelated: 1, ambiguous: 1, questions: 1 })
    expect(result.messages.find((message) => message.code === 'IQ2201')?.text).toContain('ada')
  })
})
