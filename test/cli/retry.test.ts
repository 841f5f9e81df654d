import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const json = async <T>(line: string, cwd: string): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as T
const bad = '7,"Xé\nY",x@example.com,active,31.13.2026\n8,Z,z@example.com,active\n'

async function withRejects(more: Record<string, string | Buffer> = {}): Promise<string> {
  const cwd = project({ ...smallOrganisation, 'hr.csv': `${smallOrganisation['hr.csv']}${bad}`, ...more })
  await runCli('run aggregation', { cwd })
  return cwd
}

describe('failures', () => {
  it('are grouped by cause, with lines, a sample and the mend', async () => {
    const cwd = await withRejects()
    const { items } = await json<ListDocument<{ code: string; lines: number[]; mend: string }>>('results failures', cwd)
    expect(items).toMatchObject([
      { code: 'IQ2103', lines: [7], count: 1, mend: expect.stringContaining('separator') },
      { code: 'IQ2104', lines: [5], count: 1, mend: expect.stringContaining('format') },
    ])
    expect((await runCli('results failures', { cwd })).stdout).toMatch(/IQ2104 {2}Mend the value/)
  })

  it('go out as they stand in the source, are corrected, and come back through the same task', async () => {
    const cwd = await withRejects()
    const out = await runCli('results failures --out rows.csv', { cwd })
    expect(out.stderr).toMatch(/2 rows written to rows.csv; correct them, then: iqtask retry \w+ --from rows.csv/)
    const file = join(cwd, 'rows.csv')
    expect(readFileSync(file, 'utf8')).toBe(`id,name,mail,state,start\n${bad}`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    writeFileSync(file, readFileSync(file, 'utf8').replace('31.13.2026', '2026-01-31').replace('active\n', 'active,\n'))
    const result = await json<TaskResultDocument>('retry aggregation@latest --from rows.csv', cwd)
    expect(result).toMatchObject({
      task: 'aggregation',
      exitCode: 0,
      counts: { read: 2, created: 2, rejected: 0, missing: 0, gone: 0 },
    })
    expect(await json('account show hr:7', cwd)).toMatchObject({ attributes: { name: 'Xé\nY', start: '2026-01-31' } })
  })

  it('of a feed in another encoding, or of JSON lines, come back the same way', async () => {
    const hr = Buffer.from(
      `${smallOrganisation['hr.csv']}9,Zoë €,q@example.com,active,never\n`.replace('€', '\x80'),
      'latin1',
    )
    const cwd = await withRejects({
      'hr.csv': hr,
      'applications/hr.yaml': smallOrganisation['applications/hr.yaml'].replace(
        '../hr.csv',
        '../hr.csv, encoding: windows-1252, evidence: { minRows: 1 }',
      ),
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml']
        .replace('delimited', 'jsonl')
        .replace('ad.csv', 'ad.jsonl'),
      'ad.jsonl': '{"login":"a","enabled":"yes"}\n{"login":"b",\n',
    })
    await runCli('results failures --out hr.rows --application hr', { cwd })
    const rows = readFileSync(join(cwd, 'hr.rows'))
    expect(rows.includes(Buffer.from([0x5a, 0x6f, 0xeb, 0x20, 0x80]))).toBe(true)
    writeFileSync(join(cwd, 'hr.rows'), rows.toString('latin1').replace('never', '2026-02-01'), 'latin1')
    expect((await json<TaskResultDocument>('retry aggregation@-1 --from hr.rows --application hr', cwd)).exitCode).toBe(
      0,
    )
    expect(await json('account show hr:9', cwd)).toMatchObject({ attributes: { name: 'Zoë €' } })
    await runCli('results failures aggregation@-2 --out ad.rows --application ad', { cwd })
    expect(readFileSync(join(cwd, 'ad.rows'), 'utf8')).toBe('{"login":"b",\n')
  })

  it('are not taken from a source that is not what it was', async () => {
    const cwd = await withRejects()
    write(cwd, { 'hr.csv': smallOrganisation['hr.csv'] })
    const { code, stderr } = await runCli('results failures --out rows.csv', { cwd })
    expect([code, stderr]).toEqual([2, expect.stringContaining('has changed since')])
  })

  it('of several applications have to be told apart', async () => {
    const cwd = await withRejects({ 'ad.csv': `${smallOrganisation['ad.csv']}x\n` })
    expect((await runCli('results failures --out rows.csv', { cwd })).stderr).toContain('--application hr')
    expect((await runCli('results failures --out rows.csv --application had', { cwd })).stderr).toContain(
      'did you mean ad',
    )
  })
})

describe('retry', () => {
  it('reads again only what was rejected, when the source was mended', async () => {
    const cwd = project({
      ...smallOrganisation,
      'hr.csv': `${smallOrganisation['hr.csv']}7,X,x@example.com,active,31.13.2026\n`,
    })
    await runCli('run aggregation', { cwd })
    const mended = smallOrganisation['hr.csv'].replace('Ada', 'Adá')
    write(cwd, { 'hr.csv': `${mended}7,X,x@example.com,active,2026-01-31\n` })
    const result = await json<TaskResultDocument>('retry', cwd)
    expect(result.counts).toMatchObject({ read: 4, filtered: 3, created: 1, changed: 0 })
    expect(result.sections.map((section) => section.application)).toEqual(['hr'])
  })

  it('runs a section again that failed, and says so when nothing did', async () => {
    const cwd = project({ ...smallOrganisation })
    write(cwd, { 'ad.csv': '' })
    await runCli('run aggregation', { cwd })
    write(cwd, { 'ad.csv': 'login,mail,enabled,groups\nada,ADA@example.com,yes,g1\n' })
    const result = await json<TaskResultDocument>('retry', cwd)
    expect(result).toMatchObject({ exitCode: 0, sections: [{ application: 'ad' }] })
    expect(await runCli('retry', { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing failed') })
  })

  it('says of a run that failed as a whole what to type, and that there is no part to run again', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/ad.yaml': 'kind: Application\nname: ad\nconection: {}\n',
    })
    const failed = await runCli('run aggregation --json', { cwd })
    expect((JSON.parse(failed.stdout) as TaskResultDocument).messages[0]?.text).toMatch(/ad\.yaml:3:\d+: unknown key/)
    const { code, stdout, stderr } = await runCli('retry', { cwd })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('failed as a whole (error)')
    expect(stderr).toContain('iqtask run aggregation')
  })
})
