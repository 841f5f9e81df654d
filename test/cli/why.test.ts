import { describe, expect, it } from 'vitest'
import type { AccountDocument, ListDocument, WhyDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const twoRules = {
  ...smallOrganisation,
  'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
    'correlation:\n',
    'correlation:\n  - { account: employeeId, identity: employeeNumber }\n',
  ),
}
async function aggregated(): Promise<string> {
  const cwd = project(twoRules)
  await runCli('run aggregation', { cwd })
  return cwd
}
const why = async (line: string, cwd: string): Promise<WhyDocument> =>
  JSON.parse((await runCli(`why ${line} --json`, { cwd })).stdout) as WhyDocument

describe('why an account is somebody’s', () => {
  it('names the rule and the run that decided, what every rule looked for, and whom it finds', async () => {
    const cwd = await aggregated()
    const answer = await why('account ad:ada', cwd)
    expect(answer).toMatchObject({
      answer: 'ad:ada belongs to identity 1',
      facts: [{ text: 'rule 2 of ad: mail "ada@example.com" = identity.email', result: expect.any(String) }],
      rules: [
        { rule: 1, account: 'employeeId', identity: 'employeeNumber', value: null, found: [] },
        { rule: 2, account: 'mail', identity: 'email', value: 'ada@example.com', found: ['1'] },
      ],
      question: null,
    })
    const { stdout } = await runCli('why account ad:ada', { cwd })
    expect(stdout).toMatch(
      /^ad:ada belongs to identity 1\n {2}rule 2 of ad: mail .*run \w{12}, .*\n {2}rule 1 finds nobody: employeeId is empty/,
    )
  })

  it('names the question that waits, and the person who decided', async () => {
    const cwd = await aggregated()
    expect(await why('account ad:bo', cwd)).toMatchObject({
      answer: 'ad:bo belongs to nobody',
      question: 'inactive',
      rules: [{}, { value: 'bo@example.com', found: ['2'] }],
    })
    await runCli('account link ad:bo 2 --reason "says HR"', { cwd })
    const answer = await why('account ad:bo', cwd)
    expect(answer).toMatchObject({ answer: 'ad:bo belongs to identity 2', question: null })
    expect(answer.facts[0]?.text).toMatch(/ decided link 2: says HR$/)
    await runCli('account never ad:svc 1 --reason "no"', { cwd })
    expect((await why('account hr:1', cwd)).facts).toMatchObject([
      { text: 'the identity was created from this account' },
    ])
  })
})

describe('why an account’s attribute has its value', () => {
  it('names each run that changed it, what it was before, and where it comes from', async () => {
    const cwd = await aggregated()
    const runOf = async (): Promise<string> =>
      (JSON.parse((await runCli('results show latest --json', { cwd })).stdout) as { id: string }).id
    const first = await runOf()
    write(cwd, { 'ad.csv': twoRules['ad.csv'].replace('ADA@', 'ada.ost@').replace('g1|g2', 'g2|g3') })
    await runCli('run aggregation', { cwd })
    const second = await runOf()
    // a run that changes something else is not named
    write(cwd, {
      'ad.csv': twoRules['ad.csv'].replace('ADA@example.com,yes', 'ada.ost@example.com,no').replace('g1|g2', 'g2|g3'),
    })
    await runCli('run aggregation', { cwd })
    expect(await why('account ad:ada mail', cwd)).toMatchObject({
      field: 'mail',
      answer: 'mail of ad:ada is "ada.ost@example.com"',
      facts: [
        { text: 'became "ada.ost@example.com", before that "ADA@example.com"', result: second },
        { text: 'was "ADA@example.com" when the account was first seen', result: first },
        { text: 'ad gives it from the column mail', result: null },
      ],
    })
    const groups = await why('account ad:ada groups', cwd)
    expect(groups.answer).toBe('groups of ad:ada is ["g2","g3"]')
    expect(groups.facts.map(({ text, result }) => `${text} ${result}`).slice(0, 4)).toEqual([
      `held "g1" since ${first}`,
      `lost "g1" ${second}`,
      `holds "g2" since ${first}`,
      `holds "g3" since ${second}`,
    ])
  })

  it('suggests the field that was meant', async () => {
    const { stderr, code } = await runCli('why account ad:ada mial', { cwd: await aggregated() })
    expect(code).toBe(2)
    expect(stderr).toContain('ad:ada has no mial, and never had')
    expect(stderr).toContain('mail')
  })
})

describe('why an identity is as it is', () => {
  it('names where each value comes from, and the run', async () => {
    const cwd = await aggregated()
    expect(await why('identity 1 email', cwd)).toMatchObject({
      answer: 'email of 1',
      facts: [
        { text: 'created from hr', result: expect.any(String) },
        { text: 'email "ada@example.com": from hr:1', result: expect.any(String), at: expect.any(String) },
      ],
    })
    expect((await why('identity 2', cwd)).answer).toBe('2 is inactive')
  })

  it('suggests the noun that was meant', async () => {
    const { stderr, code } = await runCli('why acount ad:ada', { cwd: await aggregated() })
    expect(code).toBe(2)
    expect(stderr).toContain('account')
  })
})

describe('entitlements', () => {
  it('are found, shown, and lead to those who hold them', async () => {
    const cwd = await aggregated()
    const json = async <T>(line: string): Promise<T> =>
      JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
    const { items } = await json<ListDocument<{ value: string; holders: number }>>('entitlement find --application ad')
    expect(items.map((one) => `${one.value} ${one.holders}`)).toEqual(['g1 2', 'g2 2'])
    expect(await json('entitlement show ad:groups:g1')).toMatchObject({ state: 'active', holders: 2, gives: [] })
    const holders = await json<ListDocument<AccountDocument>>('account find --holds ad:groups:g1')
    expect(holders.items.map((account) => account.nativeIdentity)).toEqual(['ada', 'bo'])
    expect((await runCli('account find --holds ad:groups:g9', { cwd })).code).toBe(2)
  })
})
