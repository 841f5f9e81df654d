import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const json = async (line: string, cwd: string): Promise<TaskResultDocument> =>
  JSON.parse((await runCli(`${line} --json`, { cwd })).stdout) as TaskResultDocument

describe('iqtask run aggregation', () => {
  it('creates accounts, grants and identities, joins the others to them, and counts what it did', async () => {
    const cwd = project(smallOrganisation)
    const result = await json('run aggregation', cwd)
    expect(result.status).toBe('warning')
    expect(result.exitCode).toBe(3)
    const [hr, ad] = result.sections
    expect(hr).toMatchObject({
      application: 'hr',
      counts: { read: 3, created: 3, identitiesCreated: 3, correlated: 3 },
    })
    // bo has left: a hit on an inactive identity by a rule that is not decisive is a question
    expect(ad?.counts).toMatchObject({
      read: 6,
      created: 6,
      correlated: 2,
      uncorrelated: 4,
      questions: 1,
      grantsAdded: 4,
    })
    expect(result.counts.read).toBe(9)
  })

  it('changes nothing in a second run, and both runs are listed', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation', cwd)
    const before = (await runCli('account find --output jsonl', { cwd })).stdout
    const second = await json('run aggregation', cwd)
    expect(second.counts).toMatchObject({
      created: 0,
      changed: 0,
      gone: 0,
      unchanged: 9,
      grantsAdded: 0,
      grantsEnded: 0,
    })
    expect((await runCli('account find --output jsonl', { cwd })).stdout).toBe(before)
    const list = JSON.parse((await runCli('results --json', { cwd })).stdout) as {
      total: number
      items: TaskResultDocument[]
    }
    expect(list.total).toBe(2)
    expect(list.items[0]?.id).toBe(second.id)
  })

  it('plans without writing in a dry run, later applications seeing the identities that earlier ones would make', async () => {
    const cwd = project(smallOrganisation)
    const dry = await json('run aggregation --dry-run', cwd)
    expect(dry.dryRun).toBe(true)
    expect((await runCli('account find --json', { cwd })).stdout).toContain('"total": 0')
    const real = await json('run aggregation', cwd)
    expect(dry.counts).toEqual(real.counts)
    expect(dry.planHash).toBe(real.planHash)
  })

  it('sees changes of attributes and grants, and keeps an account whose row is rejected', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation', cwd)
    write(cwd, {
      'hr.csv': smallOrganisation['hr.csv'].replace('2020-01-31', 'soon').replace('Cy,', 'Cyd,'),
      'ad.csv': smallOrganisation['ad.csv'].replace('g1|g2', 'g2|g3'),
    })
    const result = await json('run aggregation', cwd)
    const [hr, ad] = result.sections
    expect(hr?.counts).toMatchObject({ rejected: 1, changed: 1, unchanged: 1, missing: 0 })
    expect(ad?.counts).toMatchObject({ changed: 1, grantsAdded: 1, grantsEnded: 1, entitlementsCreated: 1 })
    const failures = await runCli('results failures --items --json', { cwd })
    expect(JSON.parse(failures.stdout)).toMatchObject({
      total: 1,
      items: [{ code: 'IQ2104', line: 2, column: 'start', native: '1' }],
    })
  })

  it('marks an account that a stable read does not show as missing, and ends nothing', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation', cwd)
    write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace(/^svc,.*\n/m, '') })
    const result = await json('run aggregation', cwd)
    expect(result.sections[1]?.counts).toMatchObject({ missing: 1, gone: 0, grantsEnded: 0 })
    const shown = JSON.parse((await runCli('account show ad:svc --json', { cwd })).stdout) as { state: string }
    expect(shown.state).toBe('missing')
  })

  it('ends an account that a complete read does not show, with its grants', async () => {
    const cwd = project(smallOrganisation)
    write(cwd, {
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
        'file: ../ad.csv',
        'file: ../ad.csv, evidence: { minRows: 3 }',
      ),
    })
    await json('run aggregation', cwd)
    write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace(/^svc,.*\n/m, '') })
    const result = await json('run aggregation', cwd)
    expect(result.sections[1]?.counts).toMatchObject({ missing: 1, gone: 1, grantsEnded: 1 })
    expect(result.sections[1]?.evidence?.level).toBe('complete')
  })

  it('goes on with the other applications when one source is absent, ends as error, and exits 1', async () => {
    const cwd = project(smallOrganisation)
    rmSync(join(cwd, 'hr.csv'))
    const result = await json('run aggregation', cwd)
    expect(result).toMatchObject({ status: 'error', exitCode: 1 })
    expect(result.sections.map((section) => section.status)).toEqual(['error', 'success'])
    expect(result.messages[0]).toMatchObject({ code: 'IQ2001', item: 'hr' })
    expect(result.messages[0]?.text).toContain(join(cwd, 'hr.csv'))
  })

  it('writes nothing when more rows are rejected than maxErrors allows', async () => {
    const rows = Array.from({ length: 150 }, (_, i) => `${i},x,m,active,never`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${rows.join('\n')}\n` })
    const result = await json('run aggregation --set applications=hr', cwd)
    expect(result).toMatchObject({ status: 'error', exitCode: 1, rejects: { total: 150 } })
    expect(result.messages[0]).toMatchObject({ code: 'IQ3004' })
    expect((await runCli('account find --json', { cwd })).stdout).toContain('"total": 0')
  })

  it('ends as error when a change is planned although none is expected', async () => {
    const cwd = project(smallOrganisation)
    expect((await json('run aggregation --expect-no-change', cwd)).messages[0]).toMatchObject({ code: 'IQ3007' })
    await json('run aggregation', cwd)
    expect((await json('run aggregation --expect-no-change', cwd)).status).not.toBe('error')
  })

  it('keeps all rows of a native identity that occurs twice aside, and names the lines of each other', async () => {
    const cwd = project(smallOrganisation)
    write(cwd, { 'ad.csv': `${smallOrganisation['ad.csv']}ada,x@example.com,yes,g9\n` })
    const result = await json('run aggregation', cwd)
    expect(result.sections[1]?.counts).toMatchObject({ read: 7, rejected: 2, created: 5 })
    const { items } = JSON.parse((await runCli('results failures --items --json', { cwd })).stdout) as {
      items: { reason: string; line: number }[]
    }
    expect(items.map((item) => item.line)).toEqual([2, 8])
    expect(items[0]?.reason).toContain('line 8')
  })

  it('takes arguments by --set, and refuses a mistyped one with the nearest name', async () => {
    const cwd = project(smallOrganisation)
    expect((await json('run aggregation --set applications=ad --set checkDeleted=false', cwd)).arguments).toMatchObject(
      {
        applications: ['ad'],
        checkDeleted: false,
      },
    )
    const typo = await runCli('run aggregation --set checkDeletd=false', { cwd })
    expect(typo.code).toBe(2)
    expect(typo.stderr).toContain('did you mean checkDeleted')
    const wrong = await runCli('run aggregation --set checkDeleted=maybe', { cwd })
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('checkDeleted')
  })

  it('reads another input in place of the configured one, and concludes nothing from what is absent there', async () => {
    const cwd = project(smallOrganisation)
    await json('run aggregation', cwd)
    const run = await runCli('run aggregation --set applications=ad --set input=- --json', {
      cwd,
      stdin: 'login,mail,enabled,groups\nnew,cy@example.com,yes,g1\n',
    })
    expect((JSON.parse(run.stdout) as TaskResultDocument).counts).toMatchObject({ read: 1, created: 1, missing: 0 })
  })

  it('only counts with fetchOnly, and stops after --limit rows', async () => {
    const cwd = project(smallOrganisation)
    expect((await json('run aggregation --set fetchOnly=true', cwd)).counts).toMatchObject({ read: 9, created: 0 })
    const limited = await json('run aggregation --set applications=ad --limit 2', cwd)
    expect(limited.counts).toMatchObject({ read: 2, created: 2 })
    expect(limited.sections[0]?.evidence?.level).toBe('partial')
  })

  it('filters by an expression with --only', async () => {
    const cwd = project(smallOrganisation)
    const run = await runCli(
      ['run', 'aggregation', '--set', 'applications=ad', '--only', "account.login == 'ada'", '--json'],
      { cwd },
    )
    expect((JSON.parse(run.stdout) as TaskResultDocument).counts).toMatchObject({ read: 6, filtered: 5, created: 1 })
  })

  it('suggests the nearest task and exits 2, with nothing written', async () => {
    const cwd = project(smallOrganisation)
    const run = await runCli('run agregation', { cwd })
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toContain('no task named "agregation" (IQ1004)')
    expect(run.stderr).toContain('did you mean aggregation?')
    const asJson = await runCli('run agregation --json', { cwd })
    expect(JSON.parse(asJson.stderr)).toMatchObject({ schema: 'iqtask/Error/1', code: 'IQ1004' })
  })

  it('prints what happened, the rejects by cause and what to type next', async () => {
    const cwd = project(smallOrganisation)
    writeFileSync(join(cwd, 'ad.csv'), `${readFileSync(join(cwd, 'ad.csv'), 'utf8')}too,few\n`)
    const { stdout, stderr, code } = await runCli('run aggregation', { cwd })
    expect(code).toBe(3)
    expect(stdout).toContain('1 ×  IQ2103  2 fields where the header has 4  ad.csv line 8')
    expect(stdout).toContain('iqtask results failures')
    expect(stderr).toBe('')
  })

  it('streams events with --progress jsonl, the result last', async () => {
    const cwd = project(smallOrganisation)
    const { stdout } = await runCli('run aggregation --progress jsonl', { cwd })
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string })
    expect(events[0]?.type).toBe('started')
    expect(events.at(-1)?.type).toBe('result')
    expect(events.filter((event) => event.type === 'result')).toHaveLength(1)
  })
})
