import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type {
  AccountDocument,
  ErrorDocument,
  ListDocument,
  QuestionDocument,
  TaskResultDocument,
} from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

/** Bo is inactive, so his account waits; svc, svc2, svc3 belong to nobody. */
async function aggregated(): Promise<string> {
  const cwd = project(smallOrganisation)
  await runCli('run aggregation', { cwd })
  return cwd
}
const json = async <T>(line: string, cwd: string): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
const account = (cwd: string, key: string) => json<AccountDocument>(`account show ${key}`, cwd)
const questionsOf = async (cwd: string): Promise<string[]> =>
  (await json<ListDocument<QuestionDocument>>('account questions', cwd)).items.map(
    (q) => `${q.nativeIdentity} ${q.kind}`,
  )
const ad = (rows: string): string => `login,mail,enabled,groups\n${rows}`

describe('a decision of a person', () => {
  it('wins over every rule and survives every run: changed keys, recorrelate, absence', async () => {
    const cwd = await aggregated()
    const done = await json<TaskResultDocument>('account link ad:svc 3 --reason "his robot"', cwd)
    expect(done).toMatchObject({ task: 'decide', exitCode: 0, counts: { linked: 1, standing: 0 } })
    const owner = async () => {
      const { identity, correlation } = await account(cwd, 'ad:svc')
      return [identity, correlation.by]
    }
    expect(await owner()).toEqual(['3', 'person'])
    // its mail is now Ada's, whom rule 1 would find
    write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace('svc,,', 'svc,ada@example.com,') })
    await runCli('run aggregation', { cwd })
    expect(await owner()).toEqual(['3', 'person'])
    await runCli('run aggregation --set recorrelate=true', { cwd })
    expect(await owner()).toEqual(['3', 'person'])
  })

  it('that an account is nobody’s keeps the rules away from it, and closes its question', async () => {
    const cwd = await aggregated()
    expect(await questionsOf(cwd)).toEqual(['bo inactive'])
    expect((await runCli('account unlink ad:bo --reason "left"', { cwd })).code).toBe(0)
    expect((await runCli('account unlink ad:ada --reason "shared"', { cwd })).code).toBe(0)
    expect(await questionsOf(cwd)).toEqual([])
    await runCli('run aggregation --set recorrelate=true', { cwd })
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: null, correlation: { by: 'person' } })
    expect(await questionsOf(cwd)).toEqual([])
  })

  it('that an account is never this person’s leaves the search open for others', async () => {
    const cwd = await aggregated()
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: '1' })
    const done = await json<TaskResultDocument>('account never ad:ada 1 --reason "same name"', cwd)
    expect(done.counts).toMatchObject({ nevers: 1 })
    await runCli('run aggregation', { cwd })
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: null, correlation: { by: 'none' } })
    write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace('ada,ADA@example.com', 'ada,cy@example.com') })
    await runCli('run aggregation', { cwd })
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: '3', correlation: { by: 'rule' } })
    const refused = await runCli('account link ad:ada 1 --reason x --json', { cwd })
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('never belongs to 1')
  })

  it('changes nothing when it is repeated or only planned, and is taken back by undo to the very state', async () => {
    const cwd = await aggregated()
    const before = digestOf(cwd)
    await runCli('account link ad:bo 1 --reason x --dry-run', { cwd })
    expect(digestOf(cwd)).toBe(before)
    await runCli('account link ad:bo 1 --reason x', { cwd })
    const after = digestOf(cwd)
    expect(after).not.toBe(before)
    const again = await json<TaskResultDocument>('account link ad:bo 1 --reason y', cwd)
    expect(again.counts).toMatchObject({ linked: 0, standing: 1 })
    expect(digestOf(cwd)).toBe(after)
    expect((await runCli('undo decide@-2', { cwd })).code).toBe(0)
    expect(digestOf(cwd)).toBe(before)
    await runCli('account never ad:ada 1 --reason x', { cwd })
    await runCli('undo decide@latest', { cwd })
    await runCli('run aggregation --set recorrelate=true', { cwd })
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: '1' })
  })

  it('is in the audit trail with who and why', async () => {
    const cwd = await aggregated()
    await runCli('account link ad:svc 3 --reason "his robot"', { cwd })
    const { items } = await json<ListDocument<object>>('audit list --action account.link', cwd)
    expect(items).toEqual([
      expect.objectContaining({
        key: 'ad:svc',
        actor: expect.objectContaining({ user: expect.any(String) }),
        body: { identity: '3', before: null, reason: 'his robot' },
      }),
    ])
  })

  it.each([
    ['account link ad:svc 3', 2, 'needs a reason'],
    ['account link ad:nobody 3 --reason x', 2, 'no account'],
    ['account link ad:svc 99 --reason x', 2, 'no identity'],
    ['account link ad:svc --reason x', 2, 'missing'],
  ])('%s ends with %i and says why', async (line, code, text) => {
    const cwd = await aggregated()
    const before = digestOf(cwd)
    const run = await runCli(line, { cwd })
    expect(run.code).toBe(code)
    expect(run.stdout + run.stderr).toContain(text)
    expect(digestOf(cwd)).toBe(before)
  })
})

describe('open questions', () => {
  const many = async (): Promise<string> => {
    const cwd = project({
      ...smallOrganisation,
      'hr.csv': `${smallOrganisation['hr.csv']}4,Di,ada@example.com,active,2024-01-01\n`,
      'ad.csv': ad('ada,ADA@example.com,yes,\nbo,bo@example.com,yes,\ncy,cy@example.com,no,\n'),
    })
    await runCli('run aggregation', { cwd })
    return cwd
  }

  it('tell what was looked for and who it may be', async () => {
    const cwd = await many()
    const { items } = await json<ListDocument<QuestionDocument>>('account questions --application ad', cwd)
    expect(items).toMatchObject([
      { nativeIdentity: 'ada', kind: 'ambiguous', rule: 1, value: 'ada@example.com', candidates: ['1', '4'] },
      { nativeIdentity: 'bo', kind: 'inactive', candidates: ['2'] },
    ])
    expect((await json<ListDocument<QuestionDocument>>('account questions --kind inactive', cwd)).total).toBe(1)
  })

  it('go out as a file that a person fills in, and come back as one run', async () => {
    const cwd = await many()
    expect((await runCli('account questions --out q.csv', { cwd })).code).toBe(0)
    const file = join(cwd, 'q.csv')
    const filled = readFileSync(file, 'utf8')
      .replace(/^(ad:ada,.*),,,\r$/m, '$1,link,4,"the second Ada, says HR"\r')
      .replace(/^(ad:bo,.*),,,\r$/m, '$1,Unlink,,\r')
    writeFileSync(file, filled)
    const done = await json<TaskResultDocument>('account questions --from q.csv --reason review', cwd)
    expect(done).toMatchObject({ exitCode: 0, counts: { linked: 1, unlinked: 1 } })
    expect(await account(cwd, 'ad:ada')).toMatchObject({ identity: '4', correlation: { by: 'person' } })
    expect(await questionsOf(cwd)).toEqual([])
    const { items } = await json<ListDocument<{ body: { reason: string } }>>('audit list --action account.link', cwd)
    expect(items[0]?.body.reason).toBe('the second Ada, says HR')
  })

  it.each([
    ['an unknown word', 'ad:ada,perhaps,4', /is no decision/, 3],
    ['an account that is not there', 'ad:adam,link,4', /no account/, 3],
    ['somebody who is not there', 'ad:ada,link,44', /no identity/, 3],
    ['an account twice', 'ad:bo,link,4', /decided about twice/, 3],
    ['a row too short', 'ad:ada,link', /2 fields/, 3],
  ])('taken back with %s are refused as a whole, with the line', async (_, row, text, line) => {
    const cwd = await many()
    const before = digestOf(cwd)
    writeFileSync(join(cwd, 'q.csv'), `account,decision,identity\nad:bo,unlink,\n${row}\n`)
    const run = await runCli('account questions --from q.csv --reason x --json', { cwd })
    expect(run.code).not.toBe(0)
    expect(run.stdout + run.stderr).toMatch(text)
    const error = run.stderr === '' ? undefined : (JSON.parse(run.stderr) as ErrorDocument)
    if (error !== undefined) expect(error.place?.line).toBe(line)
    else expect(run.stdout).toContain(`q.csv:${line}`)
    expect(digestOf(cwd)).toBe(before)
  })

  it('are refused without a column, or without a decision in it', async () => {
    const cwd = await many()
    writeFileSync(join(cwd, 'q.csv'), 'account;identity\nad:bo;4\n')
    expect((await runCli('account questions --from q.csv', { cwd })).stderr).toContain('no column "decision"')
    writeFileSync(join(cwd, 'q.csv'), 'account;decision;identity\nad:bo;;4\n')
    expect((await runCli('account questions --from q.csv', { cwd })).stderr).toContain('holds no decision')
  })
})
