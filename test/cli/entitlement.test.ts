import { describe, expect, it } from 'vitest'
import type { EntitlementDocument, ErrorDocument, ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const organisation = {
  'iqtask.config.yaml': 'timeZone: UTC\nguards: { deletes: off, shrunkenSource: off, otherSource: off }\n',
  'applications/erp.yaml': `kind: Application
name: erp
connector: delimited
connection: { file: ../erp.csv }
account:
  nativeIdentity: login
  attributes: { right: { multiple: true, split: "|", entitlement: true } }
entitlements: { file: ../rights.csv, evidence: { minRows: 1 }, value: name, displayName: title }
`,
  'erp.csv': 'login,right\na,PAY|VIEW\nb,VIEW\n',
  'rights.csv': 'name,title\nPAY,Pay\nVIEW,See\n',
}

async function aggregated(): Promise<string> {
  const cwd = project(organisation)
  await runCli('run aggregation entitlement-aggregation', { cwd })
  return cwd
}
const json = async <T>(line: string, cwd: string): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
const tagsOf = async (cwd: string, key = 'erp:right:PAY'): Promise<readonly string[]> =>
  (await json<EntitlementDocument>(`entitlement show ${key}`, cwd)).tags
const tagged = async (cwd: string, tag: string): Promise<string[]> =>
  (await json<ListDocument<EntitlementDocument>>(`entitlement find --tag ${tag}`, cwd)).items.map((e) => e.value)

describe('a tag', () => {
  it('is found by, is sorted among others, and is audited with its reason', async () => {
    const cwd = await aggregated()
    const done = await json<TaskResultDocument>(
      'entitlement tag erp:right:PAY sox privileged --reason "the auditors"',
      cwd,
    )
    expect(done).toMatchObject({ task: 'tag', status: 'success', exitCode: 0, counts: { tagged: 1, standing: 0 } })
    expect(await tagsOf(cwd)).toEqual(['privileged', 'sox'])
    expect(await tagged(cwd, 'sox')).toEqual(['PAY'])
    const events = await json<ListDocument<{ action: string }>>('audit list', cwd)
    expect(events.items.find((event) => event.action === 'entitlement.edit')).toMatchObject({
      key: 'erp:right:PAY',
      run: done.id,
      body: { before: [], after: ['privileged', 'sox'], reason: 'the auditors' },
    })
    expect((await runCli('audit verify', { cwd })).code).toBe(0)
    expect((await runCli('store check', { cwd })).code).toBe(0)
  })

  it('is safe to repeat, and taken away by --remove, the others staying', async () => {
    const cwd = await aggregated()
    await runCli('entitlement tag erp:right:PAY sox privileged --reason r', { cwd })
    const again = await json<TaskResultDocument>('entitlement tag erp:right:PAY sox --reason r', cwd)
    expect(again.counts).toMatchObject({ tagged: 0, standing: 1 })
    await runCli('entitlement tag erp:right:PAY sox --remove --reason "no longer"', { cwd })
    expect(await tagsOf(cwd)).toEqual(['privileged'])
    await runCli('entitlement tag erp:right:PAY privileged --remove --reason "no longer"', { cwd })
    expect(await tagsOf(cwd)).toEqual([])
    const none = await json<TaskResultDocument>('entitlement tag erp:right:PAY sox --remove --reason r', cwd)
    expect(none.counts).toMatchObject({ tagged: 0, standing: 1 })
  })

  it('survives every run: other names, and an entry that goes and comes back', async () => {
    const cwd = await aggregated()
    await runCli('entitlement tag erp:right:PAY sox --reason r', { cwd })
    write(cwd, { 'rights.csv': 'name,title\nPAY,Pay money\nVIEW,See\n', 'erp.csv': 'login,right\na,VIEW\nb,PAY\n' })
    await runCli('run aggregation entitlement-aggregation', { cwd })
    expect(await tagsOf(cwd)).toEqual(['sox'])
    for (const rights of ['name,title\nVIEW,See\n', 'name,title\nVIEW,See\nPAY,Pay\n']) {
      write(cwd, { 'rights.csv': rights })
      await runCli('run entitlement-aggregation', { cwd })
      expect(await tagsOf(cwd)).toEqual(['sox'])
    }
  })

  it('is only planned by a dry run, and taken back by undo, and that again', async () => {
    const cwd = await aggregated()
    const dry = await json<TaskResultDocument>('entitlement tag erp:right:PAY sox --reason r --dry-run', cwd)
    expect(dry).toMatchObject({ dryRun: true, counts: { tagged: 1 } })
    expect(await tagsOf(cwd)).toEqual([])
    await runCli('entitlement tag erp:right:PAY sox --reason r', { cwd })
    expect((await runCli('undo latest', { cwd })).code).toBe(0)
    expect(await tagsOf(cwd)).toEqual([])
    expect((await runCli('undo latest', { cwd })).code).toBe(0)
    expect(await tagsOf(cwd)).toEqual(['sox'])
  })

  it('needs a reason, an entitlement that is there, and a word that a file can name', async () => {
    const cwd = await aggregated()
    const silent = await runCli('entitlement tag erp:right:PAY sox --json', { cwd })
    expect(silent.code).toBe(2)
    expect(JSON.parse(silent.stderr) as ErrorDocument).toMatchObject({
      code: 'IQ1002',
      message: 'a decision needs a reason',
    })
    const unknown = await runCli('entitlement tag erp:right:PAX sox --reason r', { cwd })
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('did you mean erp:right:PAY?')])
    const { stderr } = await runCli('entitlement show erp:rights:PAY', { cwd })
    expect(stderr).toContain('did you mean erp:right:PAY?')
    expect(stderr).toContain('iqtask entitlement find --application erp --attribute rights')
    const odd = await runCli('entitlement tag erp:right:PAY "Very Secret" --reason r', { cwd })
    expect(odd.code).toBe(2)
    expect(odd.stderr).toContain('a tag is made of a-z')
    expect(await tagged(cwd, 'sox')).toEqual([])
  })
})
