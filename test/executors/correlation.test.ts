import { describe, expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { project, write } from '../helpers/project.ts'

const config = {
  'iqtask.config.yaml': `timeZone: UTC
guards: { deletes: off, shrunkenSource: off, otherSource: off, ownersChanged: off }
identity:
  name: hr.id
  attributes:
    number: { from: [hr.id] }
    mail:   { from: [hr.mail] }
    desk:   { from: [hr.desk] }
  status:
    hr: "hr.state == 'active' ? 'active' : 'inactive'"
`,
  'applications/hr.yaml': `kind: Application
name: hr
authoritative: { sameAs: [{ account: mail, identity: mail }] }
connector: delimited
connection: { file: ../hr.csv }
account: { nativeIdentity: id }
`,
  'hr.csv':
    'id,mail,desk,state\n0,zero@x,d0,active\n1,ada@x,d1,active\n2,bo@x,d2,left\n3,cy@x,d3,active\n4,di@x,d3,active\n',
}
const directory = (...rules: string[]): Record<string, string> => ({
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv }
account: { nativeIdentity: login, uuid: guid }
correlation:
${rules.map((rule) => `  - ${rule}\n`).join('')}`,
})

const opened = (files: Record<string, string>): Promise<App> =>
  openApp({ cwd: project({ ...config, ...files }), env: {} })
const run = (app: App, set: Record<string, string> = {}) => app.run({ task: 'aggregation', trigger: 'manual', set })
/** The owner, or what is asked: `ambiguous: 3, 4`. */
function verdict(app: App, login: string): string | null {
  const [asked] = [...app.store().decisions.questions({})].filter((one) => one.nativeIdentity === login)
  const { identity } = app.store().accounts.get(`ad:${login}`)
  return asked === undefined ? identity : `${asked.kind}: ${asked.candidates.join(', ')}`
}

describe('a correlation rule', () => {
  const mail = '{ account: mail, identity: mail }'
  it.each<[what: string, rules: string[], key: string, mail: string, found: string | null]>([
    ['finds who has the value', ['{ account: key, identity: number }'], '1', '', '1'],
    ['finds by name', ['{ account: key, identity: name }'], '3', '', '3'],
    ['looks at no blanks around', ['{ account: key, identity: mail }'], ' ada@x ', '', '1'],
    ['tells cases apart', ['{ account: key, identity: mail }'], 'ADA@x', '', null],
    ['or not', ['{ account: key, identity: mail, ignoreCase: true }'], 'ADA@x', '', '1'],
    ['tells leading zeros apart', ['{ account: key, identity: number }'], '0001', '', null],
    ['or not', ['{ account: key, identity: number, normalize: leadingZeros }'], '0001', '', '1'],
    ['evens out all there is', ['{ account: key, identity: number, normalize: true }'], ' 003', '', '3'],
    ['never matches 0', ['{ account: key, identity: number }'], '0', '', null],
    ['unless that is said to be a value', ['{ account: key, identity: number, ignoreValues: [] }'], '0', '', '0'],
    ['never matches what is ignored', ['{ account: key, identity: number, ignoreValues: ["1"] }'], '1', '', null],
    ['goes by an expression', [`{ expr: "account.key.split('-')[1]", identity: number }`], 'emp-3', '', '3'],
    [
      'with an empty value leaves it to the next',
      ['{ account: key, identity: number, decisive: true }', mail],
      '',
      'cy@x',
      '3',
    ],
    ['that finds nobody leaves it to the next', ['{ account: key, identity: number }', mail], '99', 'cy@x', '3'],
    ['unless it is decisive', ['{ account: key, identity: number, decisive: true }', mail], '99', 'cy@x', 'decisive: '],
    [
      'an ignored value decides nothing',
      ['{ account: key, identity: number, decisive: true }', mail],
      '0',
      'cy@x',
      '3',
    ],
    [
      'that finds several asks, and ends the search',
      ['{ account: key, identity: desk }', mail],
      'd3',
      'cy@x',
      'ambiguous: 3, 4',
    ],
    ['that finds somebody inactive asks', ['{ account: key, identity: number }'], '2', '', 'inactive: 2'],
    ['unless it is decisive', ['{ account: key, identity: number, decisive: true }'], '2', '', '2'],
  ])('%s %s: %j', async (_what, rules, key, address, found) => {
    // people and accounts in one run: what the rules go by is there at once
    const app = await opened({ ...directory(...rules), 'ad.csv': `login,guid,key,mail\na,g1,${key},${address}\n` })
    await run(app)
    expect(verdict(app, 'a')).toBe(found)
  })

  it('gives one person two accounts that both name them', async () => {
    const app = await opened({
      ...directory('{ account: key, identity: number }'),
      'ad.csv': 'login,guid,key\na,g1,1\nadm-a,g2,1\n',
    })
    const { counts } = await run(app)
    expect([verdict(app, 'a'), verdict(app, 'adm-a'), counts.correlated]).toEqual(['1', '1', 7])
  })
})

describe('who came back under another number', () => {
  it('is asked about instead of created, and linked by a person for good', async () => {
    const app = await opened({ ...directory('{ account: key, identity: number }'), 'ad.csv': 'login,guid,key\n' })
    await run(app)
    write(app.project.folder, { 'hr.csv': `${config['hr.csv']}9,bo@x,d9,active\n` })
    const second = await run(app)
    expect(second.counts).toMatchObject({ created: 1, identitiesCreated: 0, questions: 1 })
    expect([...app.store().decisions.questions({})]).toMatchObject([
      { nativeIdentity: '9', kind: 'sameAs', candidates: ['2'] },
    ])
    const set = {
      decisions: JSON.stringify([{ account: 'hr:9', decision: 'link', identity: '2' }]),
      reason: 'Bo is back',
    }
    await app.run({ task: 'decide', trigger: 'manual', set })
    const third = await run(app, { recorrelate: 'true' })
    expect(third.counts).toMatchObject({ questions: 0, identitiesCreated: 0 })
    expect(app.store().accounts.get('hr:9')).toMatchObject({ identity: '2', correlation: { by: 'person' } })
  })

  it('whose own key changed stays who they are: the identity was made for that account', async () => {
    const app = await opened({ ...directory('{ account: key, identity: number }'), 'ad.csv': 'login,guid,key\n' })
    await run(app)
    write(app.project.folder, { 'hr.csv': config['hr.csv'].replace('ada@x', 'ada.ost@x') })
    await run(app)
    await run(app, { recorrelate: 'true' })
    expect(app.store().accounts.get('hr:1')).toMatchObject({
      identity: '1',
      correlation: { by: 'created', unconfirmed: false },
    })
  })
})

describe('a decision', () => {
  it('stays with the account when it is renamed, and not with another one of its name', async () => {
    const app = await opened({
      ...directory('{ account: key, identity: number }'),
      'ad.csv': 'login,guid,key\na,g1,1\n',
    })
    await run(app)
    const set = {
      decisions: JSON.stringify([{ account: 'ad:a', decision: 'link', identity: '3' }]),
      reason: 'borrowed',
    }
    await app.run({ task: 'decide', trigger: 'manual', set })
    write(app.project.folder, { 'ad.csv': 'login,guid,key\na2,g1,1\n' })
    expect((await run(app, { recorrelate: 'true' })).counts.renamed).toBe(1)
    expect(verdict(app, 'a2')).toBe('3')
    write(app.project.folder, { 'ad.csv': 'login,guid,key\na2,g9,1\n' })
    await run(app)
    expect(verdict(app, 'a2')).toBe('1')
  })
})
