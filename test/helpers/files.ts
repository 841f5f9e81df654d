import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function write(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** An HR system that creates people and a directory that is joined to them by mail. */
export const smallOrganisation = {
  'iqtask.config.yaml': `timeZone: UTC
identity:
  name: hr.id
  attributes:
    employeeNumber: { from: [hr.id] }
    email: { from: [hr.mail], normalize: [lower] }
  status:
    hr: "hr.state == 'active' ? 'active' : 'inactive'"
`,
  'applications/hr.yaml': `kind: Application
name: hr
authoritative: true
connector: delimited
connection: { file: ../hr.csv }
account:
  nativeIdentity: id
  attributes:
    start: { type: date }
`,
  'applications/ad.yaml': `kind: Application
name: ad
connector: delimited
connection: { file: ../ad.csv }
account:
  nativeIdentity: login
  disabled: { expr: "account.enabled != 'yes'" }
  attributes:
    groups: { multiple: true, split: "|", entitlement: true }
correlation:
  - { account: mail, identity: email, ignoreCase: true }
`,
  'hr.csv':
    'id,name,mail,state,start\n1,Ada,ada@example.com,active,2020-01-31\n2,Bo,bo@example.com,left,2021-05-01\n3,Cy,cy@example.com,active,2022-02-02\n',
  'ad.csv':
    'login,mail,enabled,groups\nada,ADA@example.com,yes,g1|g2\nbo,bo@example.com,yes,g1\ncy,cy@example.com,no,\nsvc,,yes,g2\nsvc2,,yes,\nsvc3,,yes,\n',
} as const
