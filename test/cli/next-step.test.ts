import { describe, expect, it } from 'vitest'
import { counted } from '../../src/base/plural.ts'
import { labelOf } from '../../src/cli/render/sections.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const resultsOf = async (cwd: string): Promise<TaskResultDocument[]> =>
  (JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] }).items

describe('a wrong word is answered with the right one', () => {
  const near: Readonly<Record<string, RegExp>> = {
    rsults: /unknown command 'rsults' \(IQ1001\)\n {2}did you mean results\?/,
    'results failurs': /unknown command 'results failurs' \(IQ1001\)\n {2}did you mean failures\?/,
    'run aggregation --dry-rum': /unknown option '--dry-rum' \(IQ1001\)\n {2}did you mean --dry-run\?/,
    'run agregation':
      /no task named "agregation" \(IQ1004\)\n {2}did you mean aggregation\? {4}all tasks: iqtask task list/,
    'run zzz': /no task named "zzz" \(IQ1004\)\n {2}all tasks: iqtask task list/,
    'application show hrr': /no application named "hrr" \(IQ1005\)\n {2}did you mean hr\?/,
    'run aggregation --set aplications=hr': /did you mean applications/,
    'run aggregation --forbid delte': /did you mean delete/,
    'run aggregation --allow delets --reason x': /did you mean deletes/,
    'account show ad:adda': /did you mean ad:ada|iqtask account find adda/,
    'explain IQ214': /did you mean IQ2104/,
    'schema Aplication': /did you mean Application/,
    'results show agregation@latest': /did you mean aggregation@latest\?/,
    'results --status sucess': /success/,
    'results --limit many': /--limit is "many", expected a whole number from 1/,
    'results --fields statu --json': /did you mean status/,
    'results --fields statu': /did you mean status/,
    'results show --fields statu': /did you mean status/,
    'results --fields statu --output csv': /did you mean status/,
    'results --task agregation': /no task named "agregation" \(IQ1004\)\n {2}did you mean aggregation/,
    'run aggregation --set applications=hrr': /no application named "hrr" \(IQ1005\)\n {2}did you mean hr\?/,
    'run aggregation --set applications=hr,da': /no application named "da"/,
    'plan aggregation --set applications=hrr': /did you mean hr\?/,
    'run entitlement-aggregation --set applications=hrr': /did you mean hr\?/,
    'run prune --set prune=result': /is not right: "result", .*\n {2}did you mean results\?/,
    'run aggregation --set checkDeleted=maybe': /checkDeleted is not right: "maybe", expected boolean/,
    'retry --application hrr': /did you mean hr\?/,
    'account show ad:bob': /there is no account "ad:bob".*\n {2}did you mean ad:bo\? {4}iqtask account find bob/,
    'account show da:bo': /did you mean ad:bo\?/,
    'account link ad:bob 1 --reason x': /did you mean ad:bo\?/,
    'account link ad:bo 11 --reason x':
      /there is no identity "11" \(IQ1006\)\n {2}did you mean 1\? {4}iqtask identity find 11/,
    'why account ad:bob': /did you mean ad:bo\?/,
    'entitlement show ad:groups:g11': /did you mean ad:groups:g1/,
    'entitlement show da:groups:g1': /did you mean ad:groups:g1\?/,
    'entitlement tag ad:groups:g11 sox --reason x': /did you mean ad:groups:g1/,
    'account find --holds ad:group:g1': /did you mean ad:groups:g1/,
    'apply nigth': /there is no file and no result "nigth"/,
    'store restore bakup.db': /bakup\.db does not exist/,
  }
  it.each(Object.keys(near))('%s', async (line) => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const { code, stderr, stdout } = await runCli(line, { cwd })
    expect(stderr).toMatch(near[line] ?? /never/)
    expect([code, stdout]).toEqual([2, ''])
    // nothing began: what is mistyped is no run
    expect(await resultsOf(cwd)).toHaveLength(1)
  })

  it('an id of a result with a letter wrong is answered with that of a result', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const id = (await resultsOf(cwd))[0]?.id.slice(0, 12) ?? ''
    const typed = `${id.slice(0, 10)}${id[10] === 'Z' ? 'Y' : 'Z'}${id[11]}`
    const { stderr } = await runCli(`results show ${typed}`, { cwd })
    expect(stderr).toContain(`did you mean ${id}?`)
    expect((await runCli('results show 0ZZZZZZZZZZZ', { cwd })).stderr).not.toContain('did you mean')
  })

  it('a task in the place of a command is answered with the command that runs it, as it was meant', async () => {
    const cwd = project(smallOrganisation)
    const { stderr, code } = await runCli(['aggregation', '--only', "account.mail != 'x'"], { cwd })
    expect(stderr).toContain("it is a task: iqtask run aggregation --only 'account.mail != '\\''x'\\'''\n")
    expect(code).toBe(2)
    expect((await runCli('aggregation', { cwd: project() })).stderr).toContain('iqtask --help')
  })
})

describe('an expression that does not compile', () => {
  it.each(['run aggregation', 'undo latest', 'plan aggregation'])(
    'is refused by %s before anything begins',
    async (line) => {
      const cwd = project(smallOrganisation)
      await runCli('run aggregation', { cwd })
      const { code, stderr } = await runCli([...line.split(' '), '--only', 'account.x ==='], { cwd })
      expect(stderr).toContain('does not compile')
      expect(code).toBe(2)
      expect((await resultsOf(cwd)).length).toBe(1)
    },
  )

  it.each([
    ["account.nmae == 'x'", /No such key: nmae.*did you mean name\?/],
    ["account.start > '2020'", /fails at 9: No such key: start.*has\(account\.start\)/],
  ])('fails at an account that lacks what it names, in a sentence: %s', async (only, said) => {
    const cwd = project({ ...smallOrganisation, 'hr.csv': `${smallOrganisation['hr.csv']}9,X,x@example.com,active,\n` })
    const line = ['run', 'aggregation', '--set', 'applications=hr', '--only', only]
    const { code, stdout } = await runCli(line, { cwd })
    expect(stdout).toMatch(said)
    expect(stdout).not.toMatch(/a bug in iqtask|IQ9001/)
    expect(code).toBe(1)
  })

  it('is refused with its place where it stands in a task', async () => {
    const cwd = project({
      ...smallOrganisation,
      'tasks/part.yaml': 'kind: TaskDefinition\nname: part\nexecutor: account-aggregation\nonly: "account.x ==="\n',
    })
    const { code, stderr } = await runCli('run part', { cwd })
    expect(stderr).toMatch(/does not compile.*tasks\/part\.yaml/s)
    expect(code).toBe(2)
  })
})

describe('a guard that stops', () => {
  const halved = 'login,mail,enabled,groups\nada,ADA@example.com,yes,g1\n'

  it('names the command that lets this very run through', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace(
        '../ad.csv',
        '../ad.csv, evidence: { minRows: 1 }',
      ),
    })
    await runCli('run aggregation', { cwd })
    write(cwd, { 'ad.csv': halved })
    const line = ['run', 'aggregation', '--set', 'applications=ad', '--forbid', 'disable,enable']
    const stopped = await runCli(line, { cwd })
    expect(stopped.code).toBe(4)
    const [, again = ''] = /If this is right: {2}iqtask (.*) --reason/.exec(stopped.stdout) ?? []
    expect(again).toMatch(/^run aggregation --set applications=ad --forbid disable,enable --allow [\w,]+$/)
    // later the command line is forgotten, the plan is not
    expect((await runCli('results show', { cwd })).stdout).toMatch(/If this is right: {2}iqtask apply \w{12} --allow/)
    expect((await runCli(`${again} --reason "as told"`, { cwd })).code).toBe(0)
  })

  it('offers no plan where nothing is planned', async () => {
    const cwd = project({ ...smallOrganisation, 'ad.csv': `${smallOrganisation['ad.csv']},,yes,g1\n` })
    write(cwd, {
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}guards: { shrunkenSource: { percent: 99 } }\n`,
    })
    await runCli('run aggregation', { cwd })
    write(cwd, { 'ad.csv': smallOrganisation['ad.csv'] })
    const { code, stdout } = await runCli('run aggregation --set applications=ad', { cwd })
    expect(code).toBe(4)
    expect(stdout).toContain('no change is planned, so there is no plan to look at')
    expect(stdout).not.toContain('iqtask plan show')
    expect((await runCli('plan show latest', { cwd })).stderr).toContain('keeps no plan')
  })
})

describe('one of something', () => {
  it('is spoken of as one', () => {
    expect([counted(1, 'change'), counted(0, 'change'), counted(1200, 'change')]).toEqual([
      '1 change',
      '0 changes',
      '1,200 changes',
    ])
    expect(counted(1, 'identity', 'identities')).toBe('1 identity')
    expect([
      labelOf('grantsAdded', 1),
      labelOf('grantsAdded', 2),
      labelOf('uncorrelated', 1),
      labelOf('identitiesCreated', 1),
    ]).toEqual(['grant added', 'grants added', 'account uncorrelated', 'identity created'])
  })

  it('is so in what a run says', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    write(cwd, { 'ad.csv': `${smallOrganisation['ad.csv']}new,,yes,g1\n` })
    const { stdout } = await runCli('run aggregation', { cwd })
    expect(stdout).toMatch(/1 grant added/)
    expect(stdout).not.toMatch(/\b1 (grants|accounts|questions|runs|changes)\b/)
  })
})

describe('results prune', () => {
  it('removes results of an age as the task prune does, and no accounts; a dry run removes nothing', async () => {
    const cwd = project(smallOrganisation)
    write(cwd, {
      'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}retention: { rejects: 0s, images: 0s, results: 0s, gone: 0s }\n`,
    })
    for (let night = 0; night < 32; night++) await runCli('run decide --dry-run', { cwd })
    await runCli('run aggregation', { cwd })
    const before = (await resultsOf(cwd)).length
    const dry = JSON.parse((await runCli('results prune --dry-run --json', { cwd })).stdout) as TaskResultDocument
    expect(dry).toMatchObject({ task: 'prune', dryRun: true, sections: [{ application: 'results' }] })
    expect((await resultsOf(cwd)).length).toBe(before + 1)
    const stopped = await runCli('results prune', { cwd })
    const [, again = ''] = /iqtask (results prune --allow \S+)/.exec(stopped.stdout) ?? []
    const done = again === '' ? stopped : await runCli(`${again} --reason old`, { cwd })
    expect(done.code).toBe(0)
    expect((await resultsOf(cwd)).length).toBeLessThan(before)
  })
})
