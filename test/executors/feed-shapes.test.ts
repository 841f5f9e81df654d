import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { AbortError } from '../../src/base/errors.ts'
import type { AccountDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { checkStore } from '../../src/store/check.ts'
import { project, write } from '../helpers/project.ts'
import { rowsOf } from '../helpers/state.ts'

const config = {
  'iqtask.config.yaml': 'timeZone: UTC\nguards: { grantsRemoved: off, shrunkenSource: off, emptiedAttribute: off }\n',
}
const erp = (connection: string, rest = ''): Record<string, string> => ({
  'applications/erp.yaml': `kind: Application
name: erp
connector: delimited
connection: { ${connection} }
account:
  nativeIdentity: login
  attributes:
    level: { type: number }
    right: { entitlement: true }
    note: { ignore: true }
${rest}`,
})

const ignoringLogin = erp('file: ../erp.csv', '    login: { ignore: true }\nignoreCase: true\n')

interface Bench {
  readonly app: App
  readonly cwd: string
  read(files: Record<string, string>, more?: object): Promise<TaskResultDocument>
  account(login: string): AccountDocument
  rejects(result: TaskResultDocument): readonly { code: string; line: number | null; reason: string; file: string }[]
}

async function bench(files: Record<string, string>): Promise<Bench> {
  const cwd = project({ ...config, ...files })
  const app = await openApp({ cwd, env: {} })
  return {
    app,
    cwd,
    read(given, more = {}) {
      write(cwd, given)
      return app.run({ task: 'aggregation', trigger: 'manual', set: {}, ...more })
    },
    account: (login) => app.store().accounts.get(`erp:${login}`),
    rejects: (result) => [...app.store().results.rejects(result.id)] as never,
  }
}
const held = (account: AccountDocument): string[] => account.entitlements.map((e) => `${e.attribute}=${e.value}`)

describe('merge: one row for each account and entitlement', () => {
  const merged = erp('file: ../erp.csv, merge: true')

  it('makes one account of all rows of an id, wherever they stand: lists are united, absent values do not contradict', async () => {
    const { read, account } = await bench(merged)
    const result = await read({
      'erp.csv': 'login,city,level,right,note\na,Oslo,1,R2,x\nb,,2,,\na,,1.0,R1,y\nc,Bergen,,R1,\na,Oslo,,R2,\n',
    })
    expect(result).toMatchObject({
      status: 'success',
      counts: { read: 5, created: 3, rejected: 0, grantsAdded: 3, entitlementsCreated: 2 },
    })
    expect(held(account('a'))).toEqual(['right=R1', 'right=R2'])
    expect(account('a').attributes).toEqual({ login: 'a', city: 'Oslo', level: 1 })
    expect(account('b')).toMatchObject({ entitlements: [], attributes: { login: 'b', level: 2 } })
    const again = await read({
      'erp.csv': 'login,city,level,right,note\na,,,R1,\nc,Bergen,,R1,\nb,,2,,\na,Oslo,1,R2,z\n',
    })
    expect(again.counts).toMatchObject({ read: 4, unchanged: 3, changed: 0, grantsAdded: 0, grantsEnded: 0 })
  })

  it('whose rows disagree rejects all rows of the account with lines and values; the stored account stays as it is', async () => {
    const { read, account, rejects } = await bench(merged)
    await read({ 'erp.csv': 'login,city,level,right,note\na,Oslo,1,R1,\nb,Oslo,1,R1,\n' })
    const result = await read({
      'erp.csv': 'login,city,level,right,note\na,Oslo,1,R1,\nb,Oslo,2,R1,\na,Bergen,1,R2,\n',
    })
    expect(result).toMatchObject({
      status: 'warning',
      exitCode: 3,
      counts: { read: 3, rejected: 2, changed: 1, missing: 0, gone: 0, grantsAdded: 0, grantsEnded: 0 },
    })
    const reason = 'the rows of "a" disagree: city is "Oslo" in line 2, "Bergen" in line 4'
    expect(rejects(result)).toMatchObject([
      { code: 'IQ2109', line: 2, reason, column: 'city', native: 'a' },
      { code: 'IQ2109', line: 4, reason },
    ])
    expect(account('a')).toMatchObject({
      state: 'active',
      attributes: { city: 'Oslo' },
      entitlements: [{ value: 'R1' }],
    })
  })

  it('counts --limit in accounts, and reads all their rows; --only looks at the whole account', async () => {
    const { read } = await bench(merged)
    const rows = 'login,city,level,right,note\na,Oslo,1,R1,\nb,Oslo,1,R1,\nc,Oslo,1,R1,\na,Oslo,1,R2,\n'
    const limited = await read({ 'erp.csv': rows }, { limit: 1, dryRun: true })
    // what is read is accounted for: rows past the limit are set aside
    expect(limited.counts).toMatchObject({ read: 4, filtered: 2, created: 1, grantsAdded: 2 })
    expect(limited.sections[0]?.evidence?.level).toBe('partial')
    const only = await read({ 'erp.csv': rows }, { only: '"R2" in account.right', dryRun: true })
    expect(only.counts).toMatchObject({ read: 4, filtered: 2, created: 1, grantsAdded: 2 })
  })

  it('comes to the same rows of the store however it is read: by the thread that reads, or with a limit', async () => {
    const rows = Array.from({ length: 200 }, (_, n) => {
      const login = `u${(n * 37) % 50}`
      return `${login},${n % 9 === 0 ? '' : `City of ${login}`},${n % 70 === 5 ? 'x' : 1},R${(n * 7) % 11}${n % 40 === 3 ? 'é' : ''},${n}`
    })
    const outcomes: unknown[] = []
    for (const more of [{}, { limit: 1000 }]) {
      const { read, rejects, cwd } = await bench(merged)
      const result = await read({ 'erp.csv': `login,city,level,right,note\n${rows.join('\n')}\n` }, more)
      outcomes.push([result.counts, rejects(result).map((reject) => ({ ...reject, file: '' })), rowsOf(cwd)])
    }
    expect(outcomes[0]).toEqual(outcomes[1])
    expect(outcomes[0]).toMatchObject([{ read: 200, rejected: 12, created: 47 }, { length: 12 }, {}])
  })

  it('is refused when the read was partial: a list that is not whole would look as if grants were taken away', async () => {
    const { read } = await bench(erp('file: ../erp.csv, merge: true, evidence: { minRows: 3 }'))
    const result = await read({ 'erp.csv': 'login,city,level,right,note\na,Oslo,1,R1,\n' })
    expect(result).toMatchObject({ status: 'error', exitCode: 1, messages: [{ code: 'IQ2007' }] })
    expect(result.messages[0]?.text).toContain('1 row, at least 3 expected')
  })

  it.each([{}, { only: 'true' }])(
    'that has to stop while it is read is stopped, not read in part: %j',
    async (more) => {
      const { read } = await bench(merged)
      const stop = new AbortController()
      const rows = async function* () {
        yield 'login,city,level,right,note\na,Oslo,1,R1,\n'
        stop.abort(new AbortError('stopped', { code: 'IQ3002' }))
        yield 'a,Oslo,1,R2,\n'
      }
      const stdin = Readable.from(rows())
      const result = await read({}, { set: { input: '-' }, stdin, signal: stop.signal, ...more })
      expect(result).toMatchObject({ status: 'terminated', messages: [{ code: 'IQ3002' }] })
    },
  )

  it('with ids that differ in case only is one account, kept as first written', async () => {
    const { read, app } = await bench(erp('file: ../erp.csv, merge: true', 'ignoreCase: true\n'))
    const result = await read({ 'erp.csv': 'login,city,right\nAda,Oslo,R1\nADA,Oslo,R2\n' })
    expect(result.counts).toMatchObject({ read: 2, created: 1, rejected: 0, grantsAdded: 2 })
    expect([...app.store().accounts.find({})]).toMatchObject([{ nativeIdentity: 'Ada', attributes: { login: 'Ada' } }])
  })

  it('takes a computed id, and rows without one are rejects that are told at once', async () => {
    const { read, app } = await bench({
      'applications/erp.yaml': `kind: Application
name: erp
connector: delimited
connection: { file: ../erp.csv, merge: true }
account:
  nativeIdentity: [client, login]
  attributes:
    client: { expr: "account.system.startsWith('P') ? 'prod' : 'test'" }
    right: { entitlement: true }
`,
    })
    const result = await read({ 'erp.csv': 'system,login,right\nP01,a,R1\nP01,,R2\nT01,a,R1\nP01,a,R2\n' })
    expect(result.counts).toMatchObject({ read: 4, created: 2, rejected: 1, grantsAdded: 3 })
    expect([...app.store().accounts.find({})].map((a) => a.nativeIdentity)).toEqual(['prod:a', 'test:a'])
  })
})

describe('grants in a file of their own', () => {
  const grants = `grants:
  - { file: ../teams.csv, account: login, value: { expr: "row.org + '/' + row.team" }, as: teams, where: { expr: "row.org != 'x'" } }
`
  const accounts = 'login,city,level,right,note\na,Oslo,1,R1,\nb,,2,,\n'

  it('are joined to the accounts, whatever the order; expressions of the account see them', async () => {
    const { read, account } = await bench(
      erp('file: ../erp.csv', grants.replace('grants:', '  disabled: { expr: "!has(account.teams)" }\ngrants:')),
    )
    const teams = 'org,team,login\no,t2,a\nx,t,a\no,t1,a\no,t2,a\n'
    const result = await read({ 'erp.csv': accounts, 'teams.csv': teams })
    expect(result).toMatchObject({
      status: 'success',
      counts: { read: 2, created: 2, grantsAdded: 3, grantsRejected: 0 },
    })
    expect(held(account('a'))).toEqual(['right=R1', 'teams=o/t1', 'teams=o/t2'])
    expect([account('a').disabled, account('b').disabled]).toEqual([false, true])
    const next = await read({ 'teams.csv': 'org,team,login\no,t1,b\no,t1,a\n' })
    expect(next.counts).toMatchObject({ changed: 2, unchanged: 0, grantsAdded: 1, grantsEnded: 1 })
  })

  it('that name no account are rejects, counted in grantsRejected; one in another case is told', async () => {
    const { read, account, rejects } = await bench(erp('file: ../erp.csv', grants))
    const teams = 'org,team,login\no,t1,A\no,t1,zoe\no,,a\no,t1,\no,t1\no,t2,a\n'
    const result = await read({ 'erp.csv': accounts, 'teams.csv': teams })
    expect(result).toMatchObject({
      status: 'warning',
      exitCode: 3,
      counts: { read: 2, rejected: 0, created: 2, grantsAdded: 2, grantsRejected: 5 },
    })
    expect(held(account('a'))).toEqual(['right=R1', 'teams=o/t2'])
    const told = rejects(result).map((reject) => [reject.code, reject.line, reject.reason])
    expect(told).toEqual([
      ['IQ2103', 6, '2 fields where the header has 3'],
      ['IQ2105', 4, 'value: No such key: team'],
      ['IQ2111', 5, 'the grant names no account'],
      ['IQ2110', 2, 'no account "A" for the grant of "o/t1"; there is "a" (ignoreCase: true would find it)'],
      ['IQ2110', 3, 'no account "zoe" for the grant of "o/t1"'],
    ])
    const same = await bench(erp('file: ../erp.csv', `ignoreCase: true\n${grants}`))
    expect((await same.read({ 'erp.csv': accounts, 'teams.csv': teams })).counts).toMatchObject({ grantsRejected: 4 })
  })

  it('of an account whose row was rejected are no rejects of their own, and nothing of it ends', async () => {
    const { read, account } = await bench(erp('file: ../erp.csv', grants))
    const teams = 'org,team,login\no,t1,a\no,t1,b\n'
    await read({ 'erp.csv': accounts, 'teams.csv': teams })
    const result = await read({ 'erp.csv': accounts.replace('Oslo,1', 'Oslo,much'), 'teams.csv': teams })
    expect(result.counts).toMatchObject({ rejected: 1, grantsRejected: 0, grantsEnded: 0, missing: 0, unchanged: 1 })
    expect(held(account('a'))).toEqual(['right=R1', 'teams=o/t1'])
  })

  it('compare values without case where they say so, and take several of one record', async () => {
    const more = `grants:
  - { file: ../teams.jsonl, connector: jsonl, account: { expr: "row.who.split('@')[0]" }, value: groups, as: teams, valuesIgnoreCase: true }
`
    const { read, account } = await bench(erp('file: ../erp.csv', more))
    const result = await read({
      'erp.csv': accounts,
      'teams.jsonl': '{"who":"a@x","groups":["T1","t2"]}\n{"who":"a@x","groups":"t1"}\n{"who":"b@x","groups":["T2"]}\n',
    })
    expect(result, JSON.stringify(result.messages)).toMatchObject({
      counts: { grantsAdded: 4, entitlementsCreated: 3, grantsRejected: 0 },
    })
    expect(held(account('a'))).toEqual(['right=R1', 'teams=T1', 'teams=T2'].map((v) => v.replace('T2', 't2')))
  })

  it('from a file that is not there, partial or without the column end the section, and nothing changes', async () => {
    const { read, account } = await bench(
      erp('file: ../erp.csv', grants.replace('as: teams', 'as: teams, evidence: { minRows: 1 }')),
    )
    const absent = await read({ 'erp.csv': accounts })
    expect(absent).toMatchObject({ status: 'error', exitCode: 1, messages: [{ code: 'IQ2001' }] })
    await read({ 'teams.csv': 'org,team,login\no,t1,a\n' })
    const part = await read({ 'teams.csv': 'org,team,login\n' })
    expect(part).toMatchObject({ status: 'error', messages: [{ code: 'IQ2007' }], counts: { grantsEnded: 0 } })
    const column = await bench(
      erp('file: ../erp.csv', 'grants: [{ file: ../teams.csv, account: user, value: team, as: t }]\n'),
    )
    const wrong = await column.read({ 'erp.csv': accounts, 'teams.csv': 'team,usr\nt,a\n' })
    expect(wrong.messages[0]?.text).toMatch(/teams\.csv has no column "user".*did you mean usr/)
    expect(held(account('a'))).toEqual(['right=R1', 'teams=o/t1'])
  })

  it('more than maxErrors of which dangle end the section: an unknown spelling must not take everything away', async () => {
    const { read } = await bench(erp('file: ../erp.csv', grants))
    const logins = Array.from({ length: 150 }, (_, i) => `u${i}`)
    const rows = `login,city\n${logins.join(',\n')},\n`
    const teams = (spelt: (login: string) => string) =>
      `org,team,login\n${logins.map((l) => `o,t,${spelt(l)}\n`).join('')}`
    await read({ 'erp.csv': rows, 'teams.csv': teams((l) => l) })
    const result = await read({ 'teams.csv': teams((l) => l.toUpperCase()) })
    expect(result).toMatchObject({ status: 'error', messages: [{ code: 'IQ2003' }, { code: 'IQ3004' }] })
  })
})

describe('accounts of several files', () => {
  it('that are one id are ambiguous: each names the file and line of the other', async () => {
    const { read, rejects } = await bench(erp('file: "../erp-*.csv"'))
    const result = await read({
      'erp-1.csv': 'login,city\na,Oslo\nb,Oslo\n',
      'erp-2.csv': 'login,city\nc,Rome\na,Rome\n',
    })
    expect(result.counts).toMatchObject({ read: 4, rejected: 2, created: 2 })
    const told = rejects(result).map((one) => [one.file.slice(-9), one.line, one.reason.replace(/\S*\/(?=erp)/, '')])
    expect(told).toEqual([
      ['erp-1.csv', 2, 'login "a" occurs also in erp-2.csv:3'],
      ['erp-2.csv', 3, 'login "a" occurs also in erp-1.csv:2'],
    ])
  })

  it('that were renamed are recognised by their uuid, with grants under the new name', async () => {
    const { read, app } = await bench({
      'applications/erp.yaml': `kind: Application
name: erp
connector: delimited
connection: { file: ../erp.csv, evidence: { minRows: 1 } }
account: { nativeIdentity: login, uuid: guid }
grants: [{ file: ../teams.csv, account: login, value: team, as: teams }]
`,
    })
    await read({ 'erp.csv': 'login,guid\na,1\nb,2\n', 'teams.csv': 'login,team\na,t1\na,t2\nb,t1\n' })
    const result = await read({
      'erp.csv': 'login,guid\nanna,1\nb,2\n',
      'teams.csv': 'login,team\nanna,t1\nanna,t3\nb,t1\n',
    })
    expect(result.counts).toMatchObject({
      renamed: 1,
      created: 0,
      missing: 0,
      grantsAdded: 1,
      grantsEnded: 1,
      grantsRejected: 0,
    })
    expect(
      app
        .store()
        .accounts.get('erp:anna')
        .entitlements.map((e) => e.value),
    ).toEqual(['t1', 't3'])
  })
})

describe('a feed in the file of the application', () => {
  it('with a key that nobody knows is told with its place', async () => {
    const cwd = project({
      ...config,
      ...erp('file: ../erp.csv', 'grants:\n  - { file: x, account: a, value: b, as: c, seperator: ";" }\n'),
    })
    const app = await openApp({ cwd, env: {} })
    const [problem] = await app.validate()
    expect(problem).toMatchObject({
      code: 'IQ1103',
      message: 'delimited has no setting "seperator"',
      hint: 'did you mean separator?',
    })
    expect(problem?.place?.line).toBe(12)
    write(cwd, erp('file: ../erp.csv', 'grants:\n  - { file: x, account: a, value: b, as: level }\n'))
    const [other] = await (await openApp({ cwd, env: {} })).validate()
    expect(other?.message).toContain('level is no entitlement attribute')
  })
})

describe('ids without case', () => {
  it('are kept as first written also when they are spelt otherwise later; when only the spelling differs nothing changes', async () => {
    const { read, app } = await bench(ignoringLogin)
    await read({ 'erp.csv': 'login,city\nAda,Oslo\nBo,Oslo\n' })
    const result = await read({ 'erp.csv': 'login,city\nADA,Oslo\nBO,Bergen\n' })
    expect(result.counts).toMatchObject({ unchanged: 1, changed: 1 })
    expect([...app.store().accounts.find({})].map((a) => [a.nativeIdentity, a.attributes.city])).toEqual([
      ['Ada', 'Oslo'],
      ['Bo', 'Bergen'],
    ])
    expect(checkStore(app.store(), { quick: false })).toEqual([])
  })
})
