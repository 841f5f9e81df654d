import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AccountDocument, ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { project } from '../helpers/project.ts'
import { realData } from '../helpers/real-data.ts'
import { runCli } from '../helpers/run-cli.ts'

const data = realData('kubernetes-org')

describe.skipIf(data === undefined)('the members of a real organisation', () => {
  it('are read without a reject, and three months later only those who joined are new', async () => {
    const cwd = project({
      'iqtask.config.yaml': 'timeZone: Europe/Berlin\n',
      'applications/github.yaml': `kind: Application
name: github
connector: delimited
connection: { file: ../accounts.csv }
ignoreCase: true
account:
  nativeIdentity: [org, login]
  attributes:
    org_role: { entitlement: true }
`,
    })
    const aggregate = async (month: string): Promise<TaskResultDocument> => {
      copyFileSync(join(data ?? '', month, 'accounts.csv'), join(cwd, 'accounts.csv'))
      return JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    }
    const may = await aggregate('2026-05')
    expect(may.status).toBe('success')
    expect(may.counts).toMatchObject({ read: 2537, created: 2537, grantsAdded: 2537, rejected: 0 })
    const august = await aggregate('2026-08')
    expect(august.counts).toMatchObject({ created: 129, missing: 0, changed: 0, gone: 0, unchanged: 2537, rejected: 0 })
    const { stdout } = await runCli('account find 249043822 --json', { cwd })
    const { items } = JSON.parse(stdout) as ListDocument<AccountDocument>
    expect(items.length).toBeGreaterThan(0)
    expect(items.every((account) => account.attributes.login === '249043822')).toBe(true)
  })
})
