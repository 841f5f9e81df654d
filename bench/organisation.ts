import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { write } from '../test/helpers/files.ts'

const application = (name: string, file: string, more: string): string => `kind: Application
name: ${name}
connector: delimited
connection: { file: ../../${file}, evidence: { minRows: 1 } }
account:
  nativeIdentity: id
  displayName: { expr: "account.first + ' ' + account.last" }
  disabled: { expr: "account.status != 'active'" }
  attributes:
    start: { type: date }
    groups: { multiple: true, split: "|", entitlement: true }
${more}`

const task = (name: string): string =>
  `kind: TaskDefinition\nname: ${name}\nexecutor: account-aggregation\narguments: { applications: [${name}] }\n`

/** A fresh project over the feeds in its parent folder: hr makes the identities, ad is correlated to them by mail. */
export function organisation(folder: string, name: string): string {
  const cwd = join(folder, name)
  mkdirSync(cwd, { recursive: true })
  write(cwd, {
    'iqtask.config.yaml': `name: bench
timeZone: UTC
guards: { grantsRemoved: off, deletes: off }
identity:
  name: hr.id
  attributes:
    mail: { from: [hr.mail] }
    dept: { from: [hr.dept] }
    title: { from: [hr.title] }
  status: { hr: "hr.disabled ? 'inactive' : 'active'" }
`,
    'applications/hr.yaml': application('hr', 'a.csv', 'authoritative: true\n'),
    'applications/ad.yaml': application('ad', 'a.csv', 'correlation: [{ account: mail, identity: mail }]\n'),
    'applications/pairs.yaml': `kind: Application
name: pairs
connector: delimited
connection: { file: ../../pairs.csv, merge: true, evidence: { minRows: 1 } }
account: { nativeIdentity: id, attributes: { groups: { multiple: true, entitlement: true } } }
`,
    'tasks/hr.yaml': task('hr'),
    'tasks/ad.yaml': task('ad'),
    'tasks/pairs.yaml': task('pairs'),
  })
  return cwd
}
