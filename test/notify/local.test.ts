import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { handClock } from '../helpers/clock.ts'
import { aggregate, notified } from '../helpers/notified.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'

it('a file holds one document, whole, for its owner alone', async () => {
  const cwd = notified('{ type: file, folder: var/notices }')
  const before = process.umask(0)
  const result = await aggregate(cwd).finally(() => process.umask(before))
  const [name = '', ...others] = readdirSync(join(cwd, 'var/notices'))
  expect(others).toEqual([])
  const path = join(cwd, 'var/notices', name)
  expect([statSync(path).mode & 0o777, statSync(join(cwd, 'var/notices')).mode & 0o777]).toEqual([0o600, 0o700])
  const document = JSON.parse(readFileSync(path, 'utf8')) as { id: string; result: { id: string } }
  expect([document.result.id, `${document.id}.json`]).toEqual([result.id, name])
})

it('a command gets the document on its standard input, and no shell reads anything', async () => {
  const cwd = notified(`{ type: command, run: [/bin/sh, -c, 'cat > got.json; echo "$0" > args.txt', '; touch evil'] }`)
  expect((await aggregate(cwd)).notices).toMatchObject([{ state: 'sent' }])
  expect(JSON.parse(readFileSync(join(cwd, 'got.json'), 'utf8'))).toMatchObject({ task: 'aggregation' })
  expect(readFileSync(join(cwd, 'args.txt'), 'utf8')).toBe('; touch evil\n')
  expect(existsSync(join(cwd, 'evil'))).toBe(false)
})

it('a command gets no secret: none of the environment, and as an argument none is let through', async () => {
  const cwd = notified(`{ type: command, run: [/bin/sh, -c, 'env > env.txt'] }`)
  await aggregate(cwd, handClock(), { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', DB_PASSWORD: 'c4nary' })
  const seen = readFileSync(join(cwd, 'env.txt'), 'utf8')
  expect(seen).toContain('LANG=C.UTF-8')
  expect(seen).not.toContain('c4nary')
  const argued = notified(`{ type: command, run: [/bin/true, "\${env:DB_PASSWORD}"] }`)
  const { code, stderr } = await runCli('run aggregation', { cwd: argued, env: { DB_PASSWORD: 'c4nary' } })
  expect([code, existsSync(join(argued, 'var/iqtask.db'))]).toEqual([2, false])
  expect(stderr).toMatch(/peer would hand a secret over as an argument[\s\S]*iqtask\.config\.yaml:11:43/)
})

it('a command that hangs is ended with all that it started, and the run ends in time', async () => {
  const cwd = notified(`{ type: command, timeout: 300ms, run: [/bin/sh, -c, 'sleep 600 & echo $! > pid; wait'] }`)
  const began = performance.now()
  const result = await aggregate(cwd)
  expect(performance.now() - began).toBeLessThan(4_000)
  expect(result).toMatchObject({ status: 'warning', exitCode: 3 })
  expect(result.notices).toMatchObject([{ state: 'waiting', error: expect.stringContaining('took too long') }])
  const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'))
  const state = (): string => {
    try {
      return /State:\s+(\w)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
    } catch {
      return 'gone'
    }
  }
  await until(() => /gone|Z|X/.test(state()))
})

it('a command that fails, or is not there, is tried again later', async () => {
  for (const [run, error] of [
    ['[/bin/false]', 'exit code 1'],
    ['[./nowhere]', 'cannot be run'],
  ]) {
    const { notices } = await aggregate(notified(`{ type: command, run: ${run} }`))
    expect(notices).toMatchObject([{ state: 'waiting', error: expect.stringContaining(error ?? '') }])
  }
})

it('a digest is sent once the day is over, as one message, and never in other company', async () => {
  const cwd = notified('{ type: file, folder: out }', '{ on: [warning], channels: [peer], digest: daily }')
  const clock = handClock('2036-11-24T20:00:00.000Z')
  for (let run = 0; run < 3; run++) {
    await aggregate(cwd, clock)
    clock.forward(3_600_000)
  }
  expect(existsSync(join(cwd, 'out'))).toBe(false)
  // the folder cannot be made: the digest has to be sent again
  writeFileSync(join(cwd, 'out'), '')
  clock.forward(3_600_000)
  await aggregate(cwd, clock, {}, true)
  rmSync(join(cwd, 'out'))
  clock.forward(3_600_000)
  await aggregate(cwd, clock)
  const files = readdirSync(join(cwd, 'out'))
  expect(files).toHaveLength(1)
  const digest = JSON.parse(readFileSync(join(cwd, 'out', files[0] ?? ''), 'utf8')) as {
    schema: string
    items: unknown[]
  }
  expect([digest.schema, digest.items.length]).toEqual(['iqtask/NotificationDigest/1', 3])
})

it('notify test sends past the rules and says what went wrong; a typo is told with the place', async () => {
  const cwd = notified('{ type: file, folder: out }', '')
  expect(await runCli('notify test peer', { cwd })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('peer has taken'),
  })
  const missing = await runCli('notify test pear', { cwd })
  expect([missing.code, missing.stderr.includes('did you mean peer')]).toEqual([2, true])
  const wrong = await runCli('config validate', { cwd: notified('{ type: fil, folder: out }', '') })
  expect(wrong.code).toBe(2)
  expect(wrong.stdout + wrong.stderr).toContain('did you mean file')
  const rule = await runCli('run aggregation', {
    cwd: notified('{ type: file, folder: out }', '{ on: [warning], channels: [per] }'),
  })
  expect([rule.code, rule.stderr.includes('iqtask.config.yaml:')]).toEqual([2, true])
})
