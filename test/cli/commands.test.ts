import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kindNames } from '../../src/app.ts'
import type { AccountDocument, ErrorDocument, IdentityDocument, ListDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { type CliOptions, runCli } from '../helpers/run-cli.ts'

async function aggregated(): Promise<string> {
  const cwd = project(smallOrganisation)
  await runCli('run aggregation', { cwd })
  return cwd
}
const json = async <T>(line: string, options: CliOptions): Promise<T> =>
  JSON.parse((await runCli(`${line} --json`, options)).stdout) as T

describe('iqtask init', () => {
  it('makes a project that is valid, with schemas for editors, and refuses a folder that holds something', async () => {
    const cwd = project()
    const made = await runCli('init new', { cwd })
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout).toContain('cd new && iqtask config validate')
    const folder = join(cwd, 'new')
    expect((await runCli('config validate', { cwd: folder })).code).toBe(0)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toContain('var/')
    const first = readFileSync(join(folder, 'iqtask.config.yaml'), 'utf8').split('\n')[0] ?? ''
    expect(existsSync(join(folder, first.replace('# yaml-language-server: $schema=', '')))).toBe(true)
    expect(await runCli('init new', { cwd })).toMatchObject({ code: 2 })
  })

  it('with a template begins with a feed that runs at once; two beginnings are refused', async () => {
    const cwd = project({})
    const made = await runCli('init payroll --template csv', { cwd })
    expect(made.stdout).toContain('next: cd payroll && iqtask run aggregation')
    const folder = join(cwd, 'payroll')
    expect((await runCli('config validate', { cwd: folder })).code).toBe(0)
    const { stdout } = await runCli('run aggregation --json', { cwd: folder })
    expect(JSON.parse(stdout)).toMatchObject({ status: 'success', counts: { created: 3, identitiesCreated: 3 } })
    expect((await runCli('identity show 100001', { cwd: folder })).stdout).toContain('Ada Ost')
    expect(await runCli('init other --template csv --example', { cwd })).toMatchObject({ code: 2 })
    expect((await runCli('init other --template cvs', { cwd })).code).toBe(2)
    expect(existsSync(join(cwd, 'other'))).toBe(false)
  })
})

describe('accounts and identities', () => {
  it('are found by a part of their names, by application, by state, by having no owner', async () => {
    const cwd = await aggregated()
    const found = async (line: string): Promise<string[]> =>
      (await json<ListDocument<AccountDocument>>(line, { cwd })).items.map(
        (a) => `${a.application}:${a.nativeIdentity}`,
      )
    expect(await found('account find AD')).toEqual(['ad:ada'])
    expect(await found('account find --application hr')).toEqual(['hr:1', 'hr:2', 'hr:3'])
    expect(await found('account find --uncorrelated')).toEqual(['ad:bo', 'ad:svc', 'ad:svc2', 'ad:svc3'])
    expect(await found('account find --state gone')).toEqual([])
    const people = await json<ListDocument<IdentityDocument>>('identity find --status inactive', { cwd })
    expect(people.items.map((one) => one.name)).toEqual(['2'])
    expect((await json<ListDocument<IdentityDocument>>('identity find CY@', { cwd })).total).toBe(1)
  })

  it('are shown whole: where from, since when, with what', async () => {
    const cwd = await aggregated()
    expect(await json('account show ad:ada', { cwd })).toMatchObject({
      schema: 'iqtask/Account/1',
      identity: '1',
      correlation: { by: 'rule', rule: 1, unconfirmed: false },
      entitlements: [
        { attribute: 'groups', value: 'g1' },
        { attribute: 'groups', value: 'g2' },
      ],
    })
    expect(await json('identity show 1', { cwd })).toMatchObject({
      schema: 'iqtask/Identity/1',
      status: 'active',
      attributes: { email: 'ada@example.com', employeeNumber: '1' },
      accounts: [
        { application: 'ad', nativeIdentity: 'ada' },
        { application: 'hr', nativeIdentity: '1' },
      ],
    })
    expect((await runCli('account show ad:ada', { cwd })).stdout).toContain('g1')
    expect((await runCli('identity show 1', { cwd })).stdout).toContain('ad:ada')
  })

  it('that do not exist are told with what to type', async () => {
    const cwd = await aggregated()
    expect(await runCli('account show ad:nobody', { cwd })).toMatchObject({ code: 2 })
    expect((await runCli('account show nobody', { cwd })).stderr).toContain('APPLICATION:NATIVE_IDENTITY')
    expect((await runCli('identity show nobody', { cwd })).stderr).toContain('iqtask identity find nobody')
    expect((await runCli('account find --application adx', { cwd })).stderr).toContain('did you mean ad')
  })
})

describe('results', () => {
  it('are found by id, its beginning, latest, TASK@latest and TASK@-2', async () => {
    const cwd = await aggregated()
    await runCli('run aggregation', { cwd })
    const { items } = await json<ListDocument<{ id: string }>>('results', { cwd })
    const [second, first] = items.map((item) => item.id)
    for (const [reference, id] of [
      ['latest', second],
      ['aggregation@latest', second],
      ['aggregation@-2', first],
      ['@', undefined],
      [first ?? '', first],
      [(first ?? '').toLowerCase(), first],
    ]) {
      const run = await runCli(`results show ${reference} --json`, { cwd })
      if (id === undefined) expect((JSON.parse(run.stderr) as ErrorDocument).code).toBe('IQ1006')
      else expect((JSON.parse(run.stdout) as { id: string }).id).toBe(id)
    }
    expect(await json('results show 01 --json', { cwd }).catch(() => 'refused')).toBe('refused')
    expect((await runCli('results show 0', { cwd })).stderr).toContain('IQ1007')
    expect((await runCli('results show agregation@latest', { cwd })).stderr).toContain(
      'did you mean aggregation@latest',
    )
  })

  it('are filtered by task, status and time, and an unknown status is refused', async () => {
    const cwd = await aggregated()
    const total = async (line: string): Promise<number> => (await json<{ total: number }>(line, { cwd })).total
    expect(await total('results --since 1h')).toBe(1)
    expect(await total('results --until 1h')).toBe(0)
    expect(await total('results --status success')).toBe(0)
    expect(await total('results --task undo')).toBe(0)
    expect((await runCli('results --task undo', { cwd })).stdout).toBe('no run fits\n')
    expect((await runCli('results --status sucess', { cwd })).code).toBe(2)
  })

  it('without a store are an empty list, not an error; failures are written to a file that is not there yet', async () => {
    expect(await json('results', { cwd: project(smallOrganisation) })).toMatchObject({ total: 0 })
    const cwd = project({ ...smallOrganisation, 'ad.csv': 'login,mail,enabled,groups\nbad\n' })
    await runCli('run aggregation', { cwd })
    expect((await runCli('results failures --out f.csv', { cwd })).code).toBe(0)
    expect(readFileSync(join(cwd, 'f.csv'), 'utf8')).toBe('login,mail,enabled,groups\nbad\n')
    expect(statSync(join(cwd, 'f.csv')).mode & 0o777).toBe(0o600)
  })
})

describe('applications and tasks', () => {
  it('are listed, shown, tested and peeked at', async () => {
    const cwd = project(smallOrganisation)
    expect((await runCli('application list', { cwd })).stdout).toMatch(/hr +delimited +yes/)
    expect((await runCli('application show hr', { cwd })).stdout).toContain('nativeIdentity')
    const tested = await runCli('application test hr ad', { cwd })
    expect(tested.stdout).toMatch(/hr +accounts +✔ ok .*UTF-8, separator ",", 5 columns/)
    const rows = await runCli('application peek hr -n 2 --output jsonl', { cwd })
    expect(
      rows.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(['1', '2'])
    write(cwd, { 'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace('../ad.csv', '../no.csv') })
    expect(await runCli('application test ad', { cwd })).toMatchObject({ code: 1 })
    write(cwd, {
      'applications/ad.yaml': `${smallOrganisation['applications/ad.yaml']}grants: [{ file: ../teams.csv, account: who, value: team, as: teams }]\n`,
    })
    const feeds = await runCli('application test ad', { cwd })
    expect(feeds.code).toBe(1)
    expect(feeds.stdout).toMatch(/ad +accounts +✔ ok .*\n.*ad +grants +✖ failed .*teams\.csv/)
    expect((await runCli('task list', { cwd })).stdout).toMatch(/aggregation +account-aggregation +iqtask/)
    expect((await runCli('task show aggregation', { cwd })).stdout).toContain('checkDeleted')
    expect(await runCli('task validate aggregation', { cwd })).toMatchObject({ code: 0 })
  })

  it('with a fault are told by validate: all faults, each with its place', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/a.yaml': 'kind: Application\nname: a\nconnector: delimted\naccount: { nativeIdentity: id }\n',
      'applications/b.yaml':
        'kind: Application\nname: b\nconnector: delimited\nconnection: { fiel: x }\naccount: { nativeIdentity: id }\n',
      'applications/c.yaml': `${smallOrganisation['applications/ad.yaml'].replace('name: ad', 'name: c').replace('identity: email', 'identity: emial')}`,
      'tasks/t.yaml':
        'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [nope] }\n',
    })
    const { code, stdout } = await runCli('config validate --json', { cwd })
    expect(code).toBe(2)
    const { problems } = JSON.parse(stdout) as { problems: ErrorDocument[] }
    expect(problems.map((problem) => problem.hint)).toEqual([
      'did you mean delimited?',
      'did you mean file?',
      'did you mean email?',
      expect.stringContaining('all applications'),
    ])
    // a faulty one elsewhere stops only validate
    expect((await runCli('run aggregation --set applications=hr', { cwd })).code).toBe(0)
  })

  it('have JSON Schemas', async () => {
    expect((await runCli('schema', { cwd: '/' })).stdout).toContain('Application')
    for (const kind of kindNames) expect((await runCli(`schema ${kind}`, { cwd: '/' })).stdout).toContain('draft-07')
    expect((await runCli('schema Aplication', { cwd: '/' })).stderr).toContain('did you mean Application')
  })
})

describe('no word at all', () => {
  it('is answered with the help', async () => {
    const { code, stdout } = await runCli([], { cwd: '/' })
    expect(code).toBe(0)
    expect(stdout).toBe((await runCli('--help', { cwd: '/' })).stdout)
  })
})

describe('a mistyped word', () => {
  it('is answered with the nearest command, verb or option, and exit 2', async () => {
    for (const [line, near] of [
      ['rnu aggregation', 'did you mean run'],
      ['results shwo', 'did you mean show'],
      ['run aggregation --dryrun', 'did you mean --dry-run'],
      ['account find --uncorelated', 'did you mean --uncorrelated'],
    ] as const) {
      const { code, stderr, stdout } = await runCli(line, { cwd: project(smallOrganisation) })
      expect([code, stdout], line).toEqual([2, ''])
      expect(stderr, line).toContain(near)
    }
    for (const [line, help] of [
      ['run', 'iqtask run --help'],
      ['account show', 'iqtask account show --help'],
      ['xyzzy', 'iqtask --help'],
    ] as const) {
      const { code, stderr } = await runCli(line, { cwd: '/' })
      expect([code, stderr.trim().split('\n').at(-1)?.trim()], line).toEqual([2, help])
    }
    expect((await runCli('run aggregation --limit many', { cwd: project(smallOrganisation) })).stderr).toContain(
      '--limit',
    )
  })
})

describe('output', () => {
  it('comes as table, wide, JSON, JSON lines, CSV or YAML, with the fields that are wanted', async () => {
    const cwd = await aggregated()
    const out = async (more: string): Promise<string> =>
      (await runCli(`account find --application hr ${more}`, { cwd })).stdout
    expect(await out('--output csv --fields nativeIdentity,attributes.name')).toBe(
      'nativeIdentity,attributes.name\r\n1,Ada\r\n2,Bo\r\n3,Cy\r\n',
    )
    // a list of objects in a cell is JSON, which a program can read back
    const grants = (await runCli('account find --application ad --output csv --fields entitlements', { cwd })).stdout
    const [cell = ''] = /"\[.*\]"/.exec(grants) ?? []
    expect(JSON.parse(cell.slice(1, -1).replaceAll('""', '"'))[0]).toMatchObject({ attribute: 'groups', value: 'g1' })
    expect((await out('--output jsonl')).trim().split('\n')).toHaveLength(3)
    expect(await out('--output yaml')).toContain('nativeIdentity: "1"')
    expect(await out('--output wide')).toContain('USE')
    expect(JSON.parse(await out('--json --fields nativeIdentity'))).toMatchObject({
      schema: 'iqtask/List/1',
      items: [{ nativeIdentity: '1' }, {}, {}],
    })
    expect((await runCli('account find --json --fields nativeIdentiy', { cwd })).stderr).toContain('nativeIdentity')
  })

  it('is coloured on a terminal only, and obeys NO_COLOR, FORCE_COLOR, TERM=dumb and --no-color', async () => {
    const cwd = await aggregated()
    const colored = async (options: Partial<CliOptions>, more = ''): Promise<boolean> =>
      (await runCli(`results ${more}`, { cwd, ...options })).stdout.includes('\u001b[')
    expect(await colored({})).toBe(false)
    expect(await colored({ tty: true })).toBe(true)
    expect(await colored({ tty: true, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await colored({ tty: true, env: { TERM: 'dumb' } })).toBe(false)
    expect(await colored({ tty: true }, '--no-color')).toBe(false)
    expect(await colored({ env: { FORCE_COLOR: '1' } })).toBe(true)
  })

  it('never passes control characters of data to a terminal', async () => {
    const cwd = project({
      ...smallOrganisation,
      'hr.csv': 'id,name,mail,state,start\n1,\u001b]0;pwned\u0007\u202eeman,a@b,active,2020-01-01\n',
    })
    await runCli('run aggregation --set applications=hr', { cwd })
    const shown = await runCli('account show hr:1', { cwd })
    expect(shown.stdout).toContain('\\x1b]0;pwned\\x07\\x202eeman')
    expect(await json('account show hr:1', { cwd })).toMatchObject({
      attributes: { name: '\u001b]0;pwned\u0007\u202eeman' },
    })
  })
})

describe('the store and its audit trail', () => {
  it('are checked, backed up, restored and verified', async () => {
    const cwd = await aggregated()
    const line = async (command: string): Promise<number> => (await runCli(command, { cwd })).code
    expect(await line('store check')).toBe(0)
    expect(await line('audit verify')).toBe(0)
    expect(await line('audit checkpoint head.json')).toBe(0)
    expect((await runCli('store backup b.db', { cwd })).stdout).toMatch(
      /^✔ .*\/b\.db: \d+\.\d MiB, verified, up to audit event \d+\n$/,
    )
    await runCli('run aggregation', { cwd })
    expect(await line('store restore b.db')).toBe(2)
    const ask = async (answer: string, more = ''): Promise<number> =>
      (await runCli(`store restore b.db ${more}`, { cwd, tty: true, answer })).code
    expect(await ask('no')).toBe(2)
    expect(await ask('y', '--no-input')).toBe(2)
    expect((await json<{ total: number }>('results', { cwd })).total).toBe(2)
    expect(await ask('y')).toBe(0)
    expect((await json<{ total: number }>('results', { cwd })).total).toBe(1)
    const { stdout } = await runCli('store restore b.db --yes', { cwd })
    expect(stdout).toMatch(/the old one is .*iqtask\.db\.before-restore: remove it once you trust the new one/)
    expect((await json<{ total: number }>('results', { cwd })).total).toBe(1)
    expect(await line('audit verify --checkpoint head.json')).toBe(0)
    expect(await line('store migrate')).toBe(0)
    const { items } = await json<ListDocument<{ schema: string; action: string }>>('audit list', { cwd })
    expect(items[0]).toMatchObject({ schema: 'iqtask/Event/1' })
    expect(items.map((event) => event.action)).toContain('chunk.applied')
  })

  it('know what runs and what does not', async () => {
    const cwd = await aggregated()
    expect((await runCli('ps', { cwd })).stdout).toBe('nothing runs\n')
    expect((await runCli('stop latest', { cwd })).stderr).toContain('does not run any more')
    expect((await runCli('recover', { cwd })).code).toBe(0)
  })
})
