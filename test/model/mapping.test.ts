import { describe, expect, it } from 'vitest'
import type { AccountDefinition, Application } from '../../src/model/application.ts'
import { contentHash } from '../../src/model/content-hash.ts'
import { compileIdentityCreation } from '../../src/model/identity-creation.ts'
import type { IdentityModel } from '../../src/model/identity-model.ts'
import type { MappedAccount } from '../../src/model/mapped-account.ts'
import { compileMapping, type MapOutcome } from '../../src/model/mapping.ts'
import type { RawValue } from '../../src/model/value.ts'
import { attribute } from '../helpers/attribute.ts'

const application = (account: Partial<AccountDefinition> = {}, more: Partial<Application> = {}): Application => ({
  name: 'app1',
  privileged: false,
  connector: 'delimited',
  connection: {},
  merge: false,
  grants: [],
  entitlements: [],
  ignoreCase: false,
  correlation: [],
  protect: [],
  guards: {},
  digest: '',
  file: '/app1.yaml',
  account: { nativeIdentity: ['id'], use: 'personal', times: {}, attributes: [], ...account },
  ...more,
})
const times = { now: new Date('2026-11-24T10:00:00Z'), today: new Date('2026-11-24T00:00:00Z') }
const outcome = (app: Application, row: Record<string, RawValue>): MapOutcome =>
  compileMapping(app, times).forColumns(Object.keys(row))(Object.values(row))
const mapped = (app: Application, row: Record<string, RawValue>): MappedAccount => {
  const done = outcome(app, row)
  if ('account' in done) return done.account
  throw new Error(JSON.stringify(done))
}
const reject = (app: Application, row: Record<string, RawValue>) => {
  const done = outcome(app, row)
  if ('reject' in done) return done.reject
  throw new Error('it was no reject')
}

describe('a row', () => {
  it('becomes an account: every column not named is a string, empty ones are absent, flags are always there', () => {
    expect(mapped(application(), { id: '7', name: 'Ada', empty: '', nothing: undefined, n: 5 })).toMatchObject({
      native: '7',
      shown: '7',
      disabled: false,
      locked: false,
      use: 'personal',
      attributes: { id: '7', name: 'Ada', n: '5' },
      entitlements: [],
    })
  })

  it('joins its parts to the native identity, which is compared without case where the application says so', () => {
    const app = application({ nativeIdentity: ['org', 'login'] }, { ignoreCase: true })
    expect(mapped(app, { org: 'K8s', login: 'Ada' })).toMatchObject({ native: 'k8s:ada', shown: 'K8s:Ada' })
  })

  it('has typed and computed attributes, lists without repeats, entitlements apart, ignored ones nowhere', () => {
    const app = application({
      attributes: [
        attribute('level', { type: 'number' }),
        attribute('since', { type: 'date', format: 'dd.MM.yyyy' }),
        attribute('groups', { multiple: true, split: '|', entitlement: true }),
        attribute('langs', { multiple: true, split: ',' }),
        attribute('iban', { ignore: true }),
        attribute('next', { expr: 'account.level + 1.0' }),
        attribute('old', { type: 'boolean', expr: 'account.since < today' }),
      ],
    })
    const account = mapped(app, {
      id: '1',
      level: '3',
      since: '01.02.2020',
      groups: 'b|a| b |',
      langs: 'no, en',
      iban: 'X',
    })
    expect(account.attributes).toEqual({
      id: '1',
      level: 3,
      since: '2020-02-01',
      langs: ['en', 'no'],
      next: 4,
      old: true,
    })
    expect(account.entitlements.map((e) => e.value)).toEqual(['a', 'b'])
  })

  it('keeps the spelling of entitlement values that are compared without case', () => {
    const app = application({ attributes: [attribute('g', { entitlement: true, valuesIgnoreCase: true })] })
    expect(mapped(app, { id: '1', g: 'Admin' }).entitlements).toEqual([
      { attribute: 'g', value: 'admin', shown: 'Admin' },
    ])
  })

  it('lets an attribute hide a flag of the same name in expressions', () => {
    const app = application({ disabled: { expr: "account.disabled == 'TRUE'" } })
    expect(mapped(app, { id: '1', disabled: 'TRUE' })).toMatchObject({
      disabled: true,
      attributes: { disabled: 'TRUE' },
    })
  })

  it('reads times with their accuracy left to the definition', () => {
    const app = application({ times: { lastLogin: { from: { attribute: 'll' }, accuracyMs: 1 } } })
    expect(mapped(app, { id: '1', ll: '2026-01-02' }).times).toEqual({ lastLogin: '2026-01-02T00:00:00.000Z' })
    expect(reject(app, { id: '1', ll: 'never' })).toMatchObject({ code: 'IQ2104', column: 'lastLogin', native: '1' })
  })

  it('is filtered by where over the raw record', () => {
    const app = application({}, { where: "row.org == 'etcd-io'" })
    expect(outcome(app, { id: '1', org: 'k8s' })).toEqual({ filtered: true })
    expect(mapped(app, { id: '1', org: 'etcd-io' }).native).toBe('1')
  })

  it('is rejected with code, column and whose it is', () => {
    const app = application({
      attributes: [attribute('d', { type: 'date' }), attribute('c', { expr: 'account.nope' })],
    })
    expect(reject(app, { id: '', d: '' })).toMatchObject({ code: 'IQ2102', untrusted: true })
    expect(reject(app, { id: '1', d: 'x' })).toMatchObject({
      code: 'IQ2104',
      column: 'd',
      native: '1',
      untrusted: false,
    })
    expect(reject(app, { id: '1', d: '' })).toMatchObject({ code: 'IQ2105', column: 'c' })
    expect(reject(application(), { id: '1', t: 'a\0' })).toMatchObject({ code: 'IQ2106', column: 't' })
    expect(reject(application({ use: { expr: "'robot'" } }), { id: '1' })).toMatchObject({
      code: 'IQ2105',
      column: 'use',
    })
  })

  it('treats __proto__ and constructor as columns like any other', () => {
    const account = mapped(application(), { id: '1', ['__proto__']: 'x', constructor: 'y' })
    expect(Object.keys(account.attributes).sort()).toEqual(['__proto__', 'constructor', 'id'])
  })

  it('tells which columns the definition uses and the source lacks', () => {
    const app = application({
      displayName: { attribute: 'dn' },
      attributes: [attribute('x'), attribute('y', { expr: '1.0' })],
    })
    expect(compileMapping(app, times).missingColumns(['id']).sort()).toEqual(['dn', 'x'])
  })
})

describe('the content hash', () => {
  const app = application({ attributes: [attribute('g', { multiple: true, split: '|', entitlement: true })] })
  const hash = (row: Record<string, RawValue>): string => contentHash(mapped(app, row)).toString('hex')

  it('is equal for equal content, whatever the order of columns and values', () => {
    expect(hash({ id: '1', a: 'x', g: 'p|q' })).toBe(hash({ g: 'q|p', a: 'x', id: '1' }))
  })

  it('differs for every difference', () => {
    const rows = [
      { id: '1', a: 'x', g: 'p|q' },
      { id: '2', a: 'x', g: 'p|q' },
      { id: '1', a: 'y', g: 'p|q' },
      { id: '1', a: 'x', g: 'p' },
      { id: '1', b: 'x', g: 'p|q' },
      { id: '1', a: 'x', g: '' },
    ]
    expect(new Set(rows.map(hash)).size).toBe(rows.length)
  })
})

describe('the identity that an account would make', () => {
  const model: IdentityModel = {
    name: [{ application: 'app1', attribute: 'id' }],
    attributes: [
      {
        name: 'email',
        from: [
          { application: 'other', attribute: 'm' },
          { application: 'app1', attribute: 'mail' },
        ],
        normalize: ['trim', 'lower'],
        unique: false,
        searchable: false,
        multiple: false,
      },
      {
        name: 'full',
        from: [{ expr: "app1.first + ' ' + app1.last", applications: ['app1'] }],
        normalize: [],
        unique: false,
        searchable: false,
        multiple: false,
      },
    ],
    status: [{ application: 'app1', expr: "app1.end >= today ? 'active' : 'inactive'" }],
  }
  const app = application(
    { attributes: [attribute('end', { type: 'date' })] },
    { authoritative: { sameAs: [], create: "account.kind != 'robot'" } },
  )
  const draft = (row: Record<string, RawValue>) => compileIdentityCreation(model, app, times)(mapped(app, row))
  const row = { id: '7', mail: ' A@X ', first: 'Ada', last: 'Ost', end: '2026-12-31', kind: 'human' }

  it('has name, attributes by precedence, their sources and a status', () => {
    expect(draft(row)).toEqual({
      kind: 'identity',
      name: '7',
      status: 'active',
      attributes: { email: 'a@x', full: 'Ada Ost' },
      sources: { email: 'app1', full: 'app1' },
    })
    expect(draft({ ...row, end: '2026-01-01' })).toMatchObject({ status: 'inactive' })
  })

  it('is not made where create says no, and is an error where a rule fails', () => {
    expect(draft({ ...row, kind: 'robot' })).toEqual({ kind: 'unwanted' })
    expect(draft({ ...row, end: '' })).toMatchObject({
      kind: 'error',
      reason: expect.stringContaining('end') as string,
    })
  })
})
