import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { AccountDocument, IdentityDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { digestOf } from '../helpers/digest.ts'
import { project } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

/** A hospital, written after the contract alone: names with dots and hyphens, computed keys, two people systems. */
const hospital = {
  'iqtask.config.json': JSON.stringify({
    name: 'st-anne',
    timeZone: 'America/Sao_Paulo',
    identity: {
      name: ['staff.hr.number', { expr: "'ext-' + app['agency-pool'].badge" }],
      attributes: {
        number: { from: ['staff.hr.number'], unique: true },
        email: { from: ['staff.hr.e_mail', 'agency-pool.mail'], normalize: ['trim', 'lower'] },
        displayName: { from: [{ expr: "app['staff.hr'].given + ' ' + app['staff.hr'].family" }, 'agency-pool.person'] },
      },
      status: {
        'staff.hr': "!has(app['staff.hr'].until) || app['staff.hr'].until >= today ? 'active' : 'inactive'",
      },
    },
  }),
  'applications/people.yml': `kind: Application
name: staff.hr
authoritative: { create: "account.contract != 'volunteer'" }
connector: delimited
connection:
  file: ../in/staff.tsv
  evidence: { trailer: "^#rows=(?<rows>[0-9]+)$" }
account:
  nativeIdentity: number
  displayName: { expr: "account.family + ', ' + account.given" }
  disabled: { expr: "has(account.until) && account.until < today" }
  attributes:
    until: { type: date, format: dd/MM/yyyy }
    pager: { ignore: true }
    grade: { type: number }
    ward: { expr: "account.unit.matches('^[A-Z]{2}-') ? account.unit.substring(0, 2) : 'none'" }
`,
  'applications/agency.json': JSON.stringify({
    kind: 'Application',
    name: 'agency-pool',
    authoritative: { sameAs: [{ account: 'mail', identity: 'email', ignoreCase: true }] },
    connector: 'jsonl',
    connection: { file: '../in/agency.jsonl.gz' },
    account: { nativeIdentity: 'badge' },
  }),
  'applications/clinical.yaml': `kind: Application
name: clinical
privileged: true
connector: delimited
connection: { file: ../in/clinical.csv, encoding: windows-1252, where: { expr: "row.tenant == 'anne'" } }
ignoreCase: true
account:
  nativeIdentity: [tenant, user]
  use: { expr: "account.user.startsWith('SVC') ? 'service' : 'personal'" }
  locked: flag
  attributes:
    flag: { type: boolean }
    rights: { multiple: true, split: "/", entitlement: true, valuesIgnoreCase: true }
correlation:
  - { account: personnel, identity: number, normalize: leadingZeros, ignoreValues: ["0"] }
  - { expr: "account.user + '@anne.example'", identity: email, ignoreCase: true }
`,
  'in/staff.tsv': [
    'number\tgiven\tfamily\te_mail\tcontract\tuntil\tunit\tpager\tgrade',
    '7\tÁurea\tLima\t A.Lima@anne.example \tfull\t\tIC-4\t555\t3',
    '8\tJoão\tSá\tj.sa@anne.example\tfull\t31/12/2019\tlab\t556\t2.5',
    '9\tVera\tReis\tv.reis@anne.example\tvolunteer\t\tER-1\t557\t',
    '10\tIvo\tPaz\ti.paz@anne.example\tfull\t29/02/2023\tER-1\t558\t1',
    '#rows=4',
    '',
  ].join('\n'),
  'in/agency.jsonl.gz': gzipSync(
    '{"badge":12345678901234567,"person":"Rui Faro","mail":"rui@agency.example"}\n{"badge":"B2","person":"Somebody Known","mail":"A.LIMA@ANNE.EXAMPLE"}\n',
  ),
  'in/clinical.csv': Buffer.from(
    [
      'tenant,user,personnel,flag,rights,note',
      'anne,Lima,0007,no,READ/Write/read,fa\xe7ade',
      'anne,SVC-LIS,0,yes,ADMIN,',
      'anne,j.sa,,no,READ,',
      'other,Lima,0007,no,ADMIN,',
      'anne,lima,0008,no,READ,twice',
    ].join('\r\n'),
    'latin1',
  ),
}

describe('a project written after the contract alone', () => {
  it('does what the contract says', async () => {
    const cwd = project(hospital)
    expect(await runCli('config validate', { cwd })).toMatchObject({ code: 0, stderr: '' })
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    const counts = Object.fromEntries(result.sections.map((section) => [section.application, section.counts]))
    expect(result.sections.map((section) => section.application)).toEqual(['agency-pool', 'staff.hr', 'clinical'])
    // a day that does not exist is a reject; the volunteer gets no identity
    expect(counts['staff.hr']).toMatchObject({
      read: 4,
      rejected: 1,
      created: 3,
      identitiesCreated: 2,
      correlated: 2,
      uncorrelated: 1,
    })
    expect(counts['agency-pool']).toMatchObject({ read: 2, created: 2 })
    // lima twice: ignoreCase makes them one id
    expect(counts.clinical).toMatchObject({ read: 5, filtered: 1, rejected: 2, created: 2, grantsAdded: 2 })
    const account = async (id: string): Promise<AccountDocument> =>
      JSON.parse((await runCli(['account', 'show', id, '--json'], { cwd })).stdout) as AccountDocument
    expect(await account('staff.hr:7')).toMatchObject({
      displayName: 'Lima, Áurea',
      identity: '7',
      attributes: { grade: 3, ward: 'IC' },
    })
    expect((await account('staff.hr:7')).attributes).not.toHaveProperty('pager')
    expect(await account('staff.hr:8')).toMatchObject({
      disabled: true,
      attributes: { until: '2019-12-31', ward: 'none', grade: 2.5 },
    })
    expect(await account('clinical:anne:svc-lis')).toMatchObject({
      use: 'service',
      locked: true,
      identity: null,
      nativeIdentity: 'anne:SVC-LIS',
    })
    expect(await account('agency-pool:12345678901234567')).toMatchObject({ identity: 'ext-12345678901234567' })
    const identity = JSON.parse((await runCli('identity show 7 --json', { cwd })).stdout) as IdentityDocument
    expect(identity).toMatchObject({
      status: 'active',
      attributes: { email: 'a.lima@anne.example', displayName: 'Áurea Lima' },
    })
    const digest = digestOf(cwd)
    const second = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(second.counts).toMatchObject({ created: 0, changed: 0, gone: 0, identitiesCreated: 0 })
    expect(digestOf(cwd)).toBe(digest)
  })
})
