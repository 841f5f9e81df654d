import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { handClock } from '../helpers/clock.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { certificate, smtpPeer } from '../helpers/smtp-peer.ts'

const there = machineHas('openssl')
const config = (port: number, more = '', rules = 'on: [error, guard, missed, recovered]') =>
  `name: demo\n${smallOrganisation['iqtask.config.yaml']}notify:
  channels:
    ops: { type: smtp, host: 127.0.0.1, port: ${port}, from: iqtask@example.com, to: [ops@example.com], ca: ca.pem, timeout: 3s${more} }
  rules:
    - { ${rules}, channels: [ops] }
`
const login = ', user: iqtask, password: "${env:SMTP_PASSWORD}"'
const env = { SMTP_PASSWORD: 'right-password' }
const body = ({ raw }: { raw: string }): string =>
  raw
    .replace(/=\r\n/g, '')
    .replace(/((?:=[0-9A-F]{2})+)/g, (hex) => Buffer.from(hex.replaceAll('=', ''), 'hex').toString())

/** Both ends: a project whose channel `ops` is the peer. */
async function organisation(options: Parameters<typeof smtpPeer>[0] = {}, more = login, rules?: string) {
  const cwd = project(smallOrganisation)
  const peer = await smtpPeer({ ...certificate(cwd), ...options })
  write(cwd, { 'iqtask.config.yaml': config(peer.port, more, rules) })
  return { cwd, peer }
}

async function run(cwd: string, clock = handClock()): Promise<TaskResultDocument> {
  const app = await openApp({ cwd, env, clock })
  try {
    return await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
  } finally {
    await app.close()
  }
}

/** What `--json` says of the messages of a run. */
const noticesOf = (result: TaskResultDocument) =>
  result.notices.map(({ state, attempts, error }) => ({ state, attempts, error }))

describe.skipIf(!there)('mail', () => {
  it('tells once that a task begins to fail, and once that it has recovered; over STARTTLS, logged in', async () => {
    const { cwd, peer } = await organisation()
    expect((await runCli('run aggregation', { cwd, env })).code).toBe(3)
    expect(peer.mails).toEqual([])
    rmSync(join(cwd, 'hr.csv'))
    expect((await runCli('run aggregation', { cwd, env })).code).not.toBe(0)
    expect((await runCli('run aggregation', { cwd, env })).code).not.toBe(0)
    expect(peer.mails).toHaveLength(1)
    write(cwd, { 'hr.csv': smallOrganisation['hr.csv'] })
    for (const _ of [1, 2]) expect((await runCli('run aggregation', { cwd, env })).code).toBeLessThanOrEqual(3)
    expect(peer.mails.map((mail) => mail.header('Subject'))).toEqual([
      ['[iqtask] demo: aggregation failed'],
      ['[iqtask] demo: aggregation has recovered'],
    ])
    for (const mail of peer.mails)
      expect(mail).toMatchObject({ secure: true, user: 'iqtask', recipients: ['ops@example.com'] })
  })

  it('has the result, the first failures, the guard and the commands to type, as text and as HTML', async () => {
    const { cwd, peer } = await organisation()
    const line = (n: number) => `${n},P${n},p${n}@example.com,active,2020-01-31\n`
    const people = Array.from({ length: 60 }, (_, n) => line(n + 1)).join('')
    write(cwd, { 'hr.csv': `id,name,mail,state,start\n${people}` })
    await runCli('run aggregation', { cwd, env })
    write(cwd, { 'hr.csv': `id,name,mail,state,start\n${line(1)}${line(2)}` })
    expect((await runCli('run aggregation', { cwd, env })).code).toBe(4)
    const [mail] = peer.mails
    expect(mail?.header('Subject')).toEqual(['[iqtask] demo: aggregation was stopped by a guard, nothing was changed'])
    const text = body(mail ?? { raw: '' })
    expect(text).toContain('hr shrunkenSource: ')
    expect(text).toMatch(/iqtask results show [0-9A-Z]{12}\r?\n/)
    expect(text).toMatch(/iqtask run aggregation --allow [a-zA-Z,]+ --reason "…"/)
    expect(text).toContain('<h2>aggregation was stopped by a guard, nothing was changed</h2>')
    expect(mail?.header('Content-Type')[0]).toContain('multipart/alternative')
  })

  it('is one for a thousand failing items, and shows ten of them', async () => {
    const { cwd, peer } = await organisation({}, login, 'on: [warning, error]')
    const rows = Array.from(
      { length: 2000 },
      (_, n) => `${n},P,p${n}@example.com,active,${n % 2 === 0 ? '2020-01-31' : 'soon'}\n`,
    )
    write(cwd, { 'hr.csv': `id,name,mail,state,start\n${rows.join('')}` })
    write(cwd, {
      'tasks/aggregation.yaml': `kind: TaskDefinition\nname: aggregation\nexecutor: account-aggregation\nmaxErrors: 2000\narguments: { applications: ["*"] }\n`,
    })
    const { code, stdout } = await runCli('run aggregation --json', { cwd, env })
    expect(code).toBe(3)
    expect((JSON.parse(stdout) as TaskResultDocument).rejects.total).toBe(1000)
    expect(peer.mails).toHaveLength(1)
    expect(body(peer.mails[0] ?? { raw: '' })).toContain('1000 × IQ2104 rejected')
    expect(peer.mails[0]?.raw.length).toBeLessThan(10_000)
  })

  it('lets no line break of data become a header, and no address become two', async () => {
    const { cwd, peer } = await organisation({}, login, 'on: [warning]')
    const evil = 'x\\r\\nBcc: evil@example.com\\r\\n\\r\\nHello'
    write(cwd, {
      'iqtask.config.yaml': config(peer.port, login, 'on: [warning]').replace('name: demo', `name: "${evil}"`),
    })
    write(cwd, { 'ad.csv': `${smallOrganisation['ad.csv']}"a\r\nBcc: b@example.com",x,yes,\n` })
    await runCli('run aggregation', { cwd, env })
    expect(peer.mails).toHaveLength(1)
    const [mail] = peer.mails
    expect(mail?.recipients).toEqual(['ops@example.com'])
    expect([mail?.header('Bcc'), mail?.header('To')]).toEqual([[], ['ops@example.com']])
    expect(mail?.header('Subject')[0]).toContain('x Bcc: evil@example.com Hello')
  })

  it.each([
    ['a line break', 'ops@example.com\\r\\nBcc: b@example.com'],
    ['two addresses', 'ops@example.com, b@example.com'],
    ['a name', 'Ops <ops@example.com>'],
    ['321 characters', `${'a'.repeat(64)}@${'b'.repeat(252)}.com`],
  ])('refuses %s where an address belongs, with the place, before anything runs', async (_, address) => {
    const cwd = project({
      ...smallOrganisation,
      'iqtask.config.yaml': config(25).replace('to: [ops@example.com]', `to: ["${address}"]`),
    })
    const { code, stderr } = await runCli('run aggregation', { cwd, env })
    expect(code).toBe(2)
    expect(stderr).toContain('IQ7001')
    expect(stderr).toMatch(/iqtask\.config\.yaml:\d+/)
  })

  it('hands over an address of 320 characters; a server that will not have it fails no run', async () => {
    const long = `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(59)}.com`
    expect(long).toHaveLength(320)
    const { cwd, peer } = await organisation({}, login, 'on: [warning]')
    write(cwd, {
      'iqtask.config.yaml': config(peer.port, login, 'on: [warning]').replace('[ops@example.com]', `[${long}]`),
    })
    const result = await run(cwd)
    expect([result.status, result.exitCode]).toEqual(['warning', 3])
    expect(noticesOf(result)).toEqual([
      { state: 'failed', attempts: 1, error: expect.stringContaining('501 Error: Bad recipient address syntax') },
    ])
  })

  it('goes nowhere in the clear: not where STARTTLS was taken out of the way, not to a stranger', async () => {
    const { cwd, peer } = await organisation({ disabledCommands: ['STARTTLS'] }, login, 'on: [warning]')
    const result = await run(cwd)
    expect(result.status).toBe('warning')
    expect(result.notices[0]).toMatchObject({ state: 'waiting', attempts: 1 })
    expect(result.notices[0]?.error).toContain('no trustworthy TLS')
    const stranger = await organisation({}, login, 'on: [warning]')
    rmSync(join(stranger.cwd, 'ca.pem'))
    certificate(stranger.cwd)
    expect((await run(stranger.cwd)).notices[0]?.error).toContain('no trustworthy TLS')
    expect([...peer.mails, ...peer.logins, ...stranger.peer.mails, ...stranger.peer.logins]).toEqual([])
  })

  it('speaks plain text only where the file says so, and doctor says it again', async () => {
    const { cwd, peer } = await organisation({ disabledCommands: ['STARTTLS', 'AUTH'] }, ', tls: none', 'on: [warning]')
    await run(cwd)
    expect(peer.mails.map(({ secure }) => secure)).toEqual([false])
    expect((await runCli('doctor', { cwd })).stdout).toMatch(/warn\s+channel ops\s+tls: none/)
  })

  it('logs in over implicit TLS', async () => {
    const { cwd, peer } = await organisation({ secure: true }, `${login}, tls: implicit`, 'on: [warning]')
    await run(cwd)
    expect(peer.mails).toMatchObject([{ secure: true, user: 'iqtask' }])
  })

  it('waits longer each time after a 4xx, and arrives at last with the same Message-ID', async () => {
    const busy = Object.assign(new Error('try later'), { responseCode: 451 })
    const { cwd, peer } = await organisation({ onMail: (n) => (n < 3 ? busy : undefined) }, login, 'on: [warning]')
    const clock = handClock()
    const result = await run(cwd, clock)
    expect(result.status).toBe('warning')
    expect(noticesOf(result)).toEqual([{ state: 'waiting', attempts: 1, error: expect.stringContaining('451') }])
    const shown = await runCli('results show', { cwd, env })
    expect(shown.stdout).toContain('ops was not told')
    expect((await runCli('doctor', { cwd, env })).stdout).toMatch(/fail\s+channel ops\s+1 not sent/)
    const next = () => Date.parse(String(result.notices[0]?.nextAt))
    expect(next() - clock.now().getTime()).toBeGreaterThanOrEqual(15_000)
    for (const [minutes, state] of [
      [1, 'waiting'],
      [2, 'sent'],
    ] as const) {
      clock.forward(minutes * 60_000)
      const app = await openApp({ cwd, env, clock })
      app.store()
      // the rest goes with the next command, whatever it is
      await app.close()
      const { stdout } = await runCli('notify list --json', { cwd, env })
      expect((JSON.parse(stdout) as { items: { state: string }[] }).items[0]?.state).toBe(state)
    }
    expect(peer.mails).toHaveLength(3)
    expect(new Set(peer.mails.map((mail) => mail.header('Message-ID')[0])).size).toBe(1)
  })

  it('is given up at a 5xx, but not for a password that may be put right', async () => {
    const never = Object.assign(new Error('no such user'), { responseCode: 550 })
    const { cwd } = await organisation({ onMail: () => never }, login, 'on: [warning]')
    expect(noticesOf(await run(cwd))).toEqual([{ state: 'failed', attempts: 1, error: expect.stringContaining('550') }])
    const locked = await organisation({}, login.replace('SMTP_PASSWORD', 'WRONG'), 'on: [warning]')
    const app = await openApp({ cwd: locked.cwd, env: { WRONG: 'wrong-password' } })
    const result = await app.run({ task: 'aggregation', trigger: 'manual', set: {} })
    await app.close()
    expect(noticesOf(result)).toEqual([{ state: 'waiting', attempts: 1, error: expect.stringContaining('535') }])
  })

  it('is sent again, as the same message, where the server died between the mail and its answer', async () => {
    const { cwd, peer } = await organisation({ onMail: (n) => (n === 1 ? 'die' : undefined) }, login, 'on: [warning]')
    const clock = handClock()
    expect((await run(cwd, clock)).notices[0]?.state).toBe('waiting')
    clock.forward(60_000)
    await run(cwd, clock)
    const ids = peer.mails.map((mail) => mail.header('Message-ID')[0])
    expect(ids).toHaveLength(3)
    expect(ids.filter((id) => id === ids[0])).toHaveLength(2)
  })

  it('does not hold the run: a server that says nothing is left when its time is over', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    const cwd = project(smallOrganisation)
    certificate(cwd)
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as AddressInfo
    write(cwd, { 'iqtask.config.yaml': config(port, '', 'on: [warning]').replace('timeout: 3s', 'timeout: 500ms') })
    const began = performance.now()
    const result = await run(cwd)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(result).toMatchObject({ status: 'warning', exitCode: 3, notices: [{ state: 'waiting', attempts: 1 }] })
  })

  it('keeps the password out of everything: output, errors, store, mail', async () => {
    const canary = 'c4nary-p4ssw0rd-77'
    const { cwd, peer } = await organisation({}, login, 'on: [warning, error]')
    const outputs: string[] = []
    for (const line of [
      'run aggregation',
      'run aggregation --json',
      'notify test ops',
      'notify list --json',
      'results show',
      'doctor',
      'config show --json',
    ]) {
      const { stdout, stderr } = await runCli(line, { cwd, env: { SMTP_PASSWORD: canary } })
      outputs.push(stdout, stderr)
    }
    expect(peer.logins.length).toBeGreaterThan(0)
    for (const name of readdirSync(join(cwd, 'var'))) {
      if (/^iqtask\.db(-wal|-shm)?$/.test(name)) outputs.push(readFileSync(join(cwd, 'var', name), 'latin1'))
    }
    const all = outputs.join('\n')
    expect(all).toContain('535')
    for (const spelling of [
      canary,
      Buffer.from(canary).toString('base64'),
      Buffer.from(`\0iqtask\0${canary}`).toString('base64'),
    ])
      expect(all.includes(spelling), spelling).toBe(false)
  })
})
