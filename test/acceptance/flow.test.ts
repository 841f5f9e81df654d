import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { apart } from '../helpers/apart.ts'
import { begunAgo } from '../helpers/begun.ts'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { project, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { certificate, smtpPeer } from '../helpers/smtp-peer.ts'

const root = join(import.meta.dirname, '../..')
const possible =
  machineIsRoot() &&
  machineHas('cron') &&
  machineHas('unshare', 'util-linux') &&
  machineHas('faketime') &&
  machineHas('openssl')

const nightly = `kind: TaskDefinition
name: nightly
executor: sequence
arguments: { tasks: [{ task: aggregation }, { task: tag-slowly, when: changed }] }
schedule: [{ name: s, every: minute }]
`
/** The executor that the sample brings, and time to kill it. */
const slowly = `import tagUnused from './tag-unused.ts'
export default {
  ...tagUnused,
  name: 'tag-slowly',
  async run(ctx, args) {
    await new Promise((done) => setTimeout(done, 4000))
    await tagUnused.run(ctx, args)
  },
}
`
const notify = (port: number) => `notify:
  channels:
    ops: { type: smtp, host: 127.0.0.1, port: ${port}, from: iqtask@example.com, to: [ops@example.com], ca: ca.pem, user: iqtask, password: "\${file:password}" }
  rules:
    - { on: [error, recovered], channels: [ops] }
`

async function runApart(script: string, cwd: string): Promise<string> {
  const child = spawn('unshare', apart(script), { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      said += piece
    })
  await once(child, 'close')
  return said
}

it.skipIf(!possible)(
  'in the sample project cron runs a sequence; it is killed in its second step, resumes, and its result and the mails tell the story',
  { timeout: 120_000 },
  async () => {
    const cwd = join(project(), 'demo')
    await runCli('init demo --example', { cwd: join(cwd, '..') })
    const peer = await smtpPeer({ ...certificate(cwd) })
    const config = readFileSync(join(cwd, 'iqtask.config.yaml'), 'utf8')
    write(cwd, {
      password: 'right-password',
      'iqtask.config.yaml': config + notify(peer.port),
      'tasks/nightly.yaml': nightly,
      'tasks/tag-slowly.yaml':
        'kind: TaskDefinition\nname: tag-slowly\nexecutor: ./tag-slowly.ts\narguments: { holders: 5 }\n',
      'tasks/tag-slowly.ts': slowly,
    })
    await begunAgo(cwd, 'nightly/s', 150_000)
    const iqtask = `${process.execPath} ${join(root, 'bin/iqtask.js')}`
    // the daemon's clock runs fast, so that its next minute is near; its jobs live in real time
    const said = await runApart(
      `${iqtask} schedule install --yes
faketime -f '+0 x20' cron -f & CRON=$!
for i in $(seq 1 300); do sleep 0.1; ${iqtask} ps --json > ps.json; grep -q '"executor": "./tag-slowly.ts"' ps.json && break; done
kill $CRON
kill -9 $(sed -n 's/.*"pid": \\([0-9]*\\),/\\1/p' ps.json | sort -u)
${iqtask} recover --json > recovered.json || echo ended $?`,
      cwd,
    )
    const { items } = JSON.parse(readFileSync(join(cwd, 'recovered.json'), 'utf8')) as ListDocument<TaskResultDocument>
    expect(items, said).toHaveLength(1)
    const { stdout } = await runCli(`results show ${items[0]?.id} --json`, { cwd })
    const result = JSON.parse(stdout) as TaskResultDocument
    expect(result).toMatchObject({ task: 'nightly', trigger: 'schedule', status: 'warning', exitCode: 3 })
    expect(result.messages.map(({ item, text }) => `${item ?? 'run'}: ${text}`)).toEqual([
      expect.stringContaining('run: for nightly/s at '),
      expect.stringMatching(/^aggregation: warning in .*, with changes: result /),
      expect.stringMatching(/^run: the process \d+ on .* is gone/),
      expect.stringContaining('run: resumed at '),
      expect.stringMatching(/^tag-slowly: success in .*, with changes: result /),
    ])
    const list = JSON.parse(
      (await runCli('results list --all --json', { cwd })).stdout,
    ) as ListDocument<TaskResultDocument>
    const steps = list.items.filter(({ trigger }) => trigger === 'sequence')
    expect(steps.map(({ id }) => id).sort()).toEqual([...result.children].sort())
    expect(steps.map(({ task, status }) => [task, status]).sort()).toEqual([
      ['aggregation', 'warning'],
      ['tag-slowly', 'success'],
    ])
    expect(peer.mails.map((mail) => mail.header('Subject')[0])).toEqual([
      expect.stringContaining('nightly failed'),
      expect.stringContaining('nightly has recovered'),
    ])
    expect(peer.mails.every(({ secure, user }) => secure && user === 'iqtask')).toBe(true)
    const again = await runCli('run nightly --json', { cwd })
    expect((JSON.parse(again.stdout) as TaskResultDocument).messages.map(({ text }) => text)).toContain(
      'not run: nothing changed in aggregation',
    )
    expect(peer.mails).toHaveLength(2)
  },
)
