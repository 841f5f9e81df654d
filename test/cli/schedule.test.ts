import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { editTarget } from '../../src/install.ts'
import { standInCrontab } from '../helpers/crontab.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli } from '../helpers/spawn-cli.ts'

const task = (schedules: string): string =>
  `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nschedule:\n${schedules}`
const files = {
  ...smallOrganisation,
  'tasks/t.yaml': task('  - { name: s, cron: "30 2 * * 1-5", timeZone: Europe/Berlin }\n'),
}

function scene() {
  const cwd = project(files)
  const crontab = standInCrontab(project())
  const run = (line: string | readonly string[]) => runCli(line, { cwd, env: crontab.env })
  return { cwd, crontab, run }
}

describe('schedule install', () => {
  it('writes one block, twice is once, and uninstall leaves the table as it was', async () => {
    const { crontab, run } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    expect(await run('schedule diff')).toMatchObject({ code: 10 })
    expect(await run('schedule install --yes')).toMatchObject({ code: 0 })
    const table = crontab.table().toString()
    expect(table).toMatch(
      /^# >>> iqtask [0-9a-f]{8} \S+ — managed: iqtask schedule … >>>\n# t\/s: 30 2 \* \* 1-5 Europe\/Berlin\n/,
    )
    expect(table).toMatch(
      /\n[\d,]+ [\d,]+ \* \* 1-5 \/\S+ \/\S+\/bin\/iqtask.js schedule fire t\/s --project \/\S+\n@reboot \S+ \S+ schedule catchup --project \S+\n# <<< iqtask/,
    )
    expect(await run('schedule diff')).toMatchObject({ code: 0, stdout: 'no difference\n' })
    expect((await run('schedule install --yes')).stdout).toContain('nothing to do')
    expect(JSON.parse((await run('schedule status --json')).stdout).items).toMatchObject([
      { id: 't/s', installed: true, drifted: false },
    ])
    expect(await run('schedule uninstall --yes')).toMatchObject({ code: 0 })
    expect(crontab.table().toString()).toBe('0 5 * * * /bin/backup\n')
  })

  it('survives fifty foreign tables, byte for byte', { timeout: 120_000 }, async () => {
    const { cwd, crontab, run } = scene()
    const bytes = fc.uint8Array({ min: 1, max: 255, maxLength: 200 }).map((array) => Buffer.from(array))
    const line = fc.constantFrom(
      'MAILTO=x',
      'CRON_TZ=Asia/Tokyo',
      '* * * * * /bin/a 100\\% \r',
      '# >>> iqtask 00000000 x — managed: iqtask schedule … >>>',
      '# <<< iqtask 00000000 <<<',
      '',
    )
    const table = fc.oneof(
      bytes,
      fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('\n'))),
    )
    const samples = [
      Buffer.from(Array.from({ length: 1_000 }, (_, i) => `${i % 60} * * * * /bin/job ${i}\n`).join('')),
      ...fc.sample(table, 49),
    ]
    for (const foreign of samples.filter((one) => one.length > 0)) {
      crontab.put(foreign)
      expect(await run('schedule install --yes')).toMatchObject({ code: 0 })
      const there = crontab.table()
      expect(there.includes('schedule fire t/s')).toBe(true)
      expect(there.subarray(there.length - foreign.length).equals(foreign)).toBe(true)
      expect(await run('schedule uninstall --yes')).toMatchObject({ code: 0 })
      expect(crontab.table().equals(foreign), foreign.toString('hex')).toBe(true)
    }
    expect(existsSync(join(cwd, 'var/crontabs'))).toBe(true)
  })

  it('refuses a block that was edited by hand, shows it, and writes it anew with --force', async () => {
    const { crontab, run } = scene()
    await run('schedule install --yes')
    const edited = crontab
      .table()
      .toString()
      .replace(/^[\d,]+ [\d,]+ \*/m, '1 1 *')
    crontab.put(edited)
    const refused = await run('schedule install --yes')
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toContain('edited by hand')
    expect(refused.stderr).toContain('- 1 1 * * 1-5')
    expect(crontab.table().toString()).toBe(edited)
    expect((await run('schedule uninstall --yes')).code).toBe(2)
    expect((await run('schedule install --yes --force')).code).toBe(0)
    expect((await run('schedule diff')).code).toBe(0)
  })

  it.each([
    ['/var/spool/cron: mkstemp: Permission denied', 'Permission denied'],
    ['You (root) are not allowed to use this program (crontab)', 'not allowed'],
    ['crontab: cannot connect to daemon', 'cannot connect'],
  ])('takes "crontab -l" that fails with "%s" for no empty table', async (message, said) => {
    const { cwd, crontab, run } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    crontab.fail(message)
    const { code, stderr } = await run('schedule install --yes')
    expect(code).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).toContain('IQ5006')
    crontab.fail(undefined)
    expect(crontab.table().toString()).toBe('0 5 * * * /bin/backup\n')
    expect(existsSync(join(cwd, 'var/schedules.json'))).toBe(false)
  })

  it('keeps a copy of the table that it changes, with its date', async () => {
    const { cwd, crontab, run } = scene()
    const before = Buffer.from([0x30, 0x20, 0x2a, 0xff, 0x0a])
    crontab.put(before)
    const { backup } = JSON.parse((await run('schedule install --yes --json')).stdout)
    expect(backup).toMatch(new RegExp(`^${cwd}/var/crontabs/\\d{4}-\\d\\d-\\d\\dT.*\\.crontab$`))
    expect(readFileSync(backup).equals(before)).toBe(true)
    expect(statSync(backup).mode & 0o777).toBe(0o600)
  })

  it('leaves a table alone that somebody else changed while it was asked', async () => {
    const { cwd, crontab } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    const app = await openApp({ cwd, env: crontab.env })
    try {
      const confirm = async () => crontab.put('0 6 * * * /bin/other\n')
      const editing = editTarget(app, 'crontab', true, { env: crontab.env, force: false, confirm })
      await expect(editing).rejects.toMatchObject({ code: 'IQ5006', message: expect.stringContaining('somebody else') })
    } finally {
      await app.close()
    }
    expect(crontab.table().toString()).toBe('0 6 * * * /bin/other\n')
  })

  it.each([
    ['-n', 'echo "bad minute" >&2; exit 1', 'finds the table wrong: bad minute'],
    ['*', 'echo "disk full" >&2; exit 1', 'refused the table: disk full'],
    ['*', 'echo "# another" > "$0.table"', 'does not read back as it was written'],
  ] as const)('tells when crontab %s does %j', async (verb, does, said) => {
    const { cwd, crontab, run } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    crontab.instead(verb, does)
    expect(await run('schedule install --yes')).toMatchObject({ code: 2, stderr: expect.stringContaining(said) })
    crontab.fail(undefined)
    expect(JSON.parse((await run('schedule status --json')).stdout).items).toMatchObject([{ installed: false }])
    // nothing but the copy of the old table is left
    expect(readdirSync(join(cwd, 'var/crontabs')).filter((name) => !name.endsWith('.crontab'))).toEqual([])
  })

  it('of two projects at once leaves both blocks', async () => {
    const { crontab, run } = scene()
    const other = project(files)
    const outcomes = await Promise.all([
      run('schedule install --yes'),
      runCli('schedule install --yes', { cwd: other, env: crontab.env }),
    ])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
    expect(
      crontab
        .table()
        .toString()
        .match(/schedule fire t\/s/g),
    ).toHaveLength(2)
  })

  it('of one project by three processes at once leaves one block, and the lock of one that died is no lock', async () => {
    const { cwd, crontab } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    const lock = join(crontab.env.HOME ?? '', '.cache/iqtask/crontab.lock')
    mkdirSync(join(lock, '..'), { recursive: true })
    // a process number that is in use, by a process that began at another time
    writeFileSync(lock, `${process.pid} 1`)
    const outcomes = await Promise.all(
      [1, 2, 3].map(
        () => spawnCli(['schedule', 'install', '--yes'], cwd, { ...crontab.env, XDG_CACHE_HOME: undefined }).done,
      ),
    )
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(outcomes.filter(({ stdout }) => stdout.startsWith('nothing to do'))).toHaveLength(2)
    const table = crontab.table().toString()
    expect(table.match(/schedule fire t\/s/g)).toHaveLength(1)
    expect(table.endsWith('0 5 * * * /bin/backup\n')).toBe(true)
    expect(existsSync(lock)).toBe(false)
  })

  it('asks, and changes nothing without an answer', async () => {
    const { crontab, run } = scene()
    crontab.put('0 5 * * * /bin/backup\n')
    expect(await run('schedule install')).toMatchObject({ code: 2 })
    expect(await run('schedule install --print')).toMatchObject({ code: 0, stderr: '' })
    expect(crontab.table().toString()).toBe('0 5 * * * /bin/backup\n')
  })

  it.each([['a%b'], ['a\nb'], [Array.from({ length: 10 }, () => 'x'.repeat(200)).join('/')]])(
    'refuses a project folder that a crontab cannot hold: %j',
    async (name) => {
      const cwd = join(project(), name)
      mkdirSync(cwd, { recursive: true })
      write(cwd, files)
      const crontab = standInCrontab(project())
      const done = await runCli('schedule install --yes', { cwd, env: crontab.env })
      expect(done).toMatchObject({ code: 2, stderr: expect.stringContaining('IQ5008') })
      expect(() => crontab.table()).toThrow()
    },
  )

  it('quotes a folder with blanks and quotes', async () => {
    const cwd = join(project(), "o'brien & co $(x)")
    mkdirSync(cwd)
    write(cwd, files)
    const crontab = standInCrontab(project())
    expect((await runCli('schedule install --yes', { cwd, env: crontab.env })).code).toBe(0)
    expect(crontab.table().toString()).toContain("--project '")
    const test = await runCli('schedule test t/s --json', { cwd, env: { ...crontab.env } })
    expect(JSON.parse(test.stdout)).toMatchObject({ id: 't/s', command: expect.stringContaining("o'\\''brien") })
  })

  it('is said to be gone by status and doctor when the project has moved', async () => {
    const { cwd, crontab, run } = scene()
    await run('schedule install --yes')
    const moved = `${cwd}-moved`
    renameSync(cwd, moved)
    const status = await runCli('schedule status', { cwd: moved, env: crontab.env })
    expect(status.stderr).toContain(`the crontab calls ${cwd}, which is not there any more`)
    expect(status.stdout).toContain('drifted')
    const doctor = await runCli('doctor --json', { cwd: moved, env: crontab.env })
    expect(doctor.stdout).toContain(`calls ${cwd}, which is not there`)
    renameSync(moved, cwd)
  })
})

describe('a definition', () => {
  it.each([
    ['{ name: s, cron: "0 2 31 2 *" }', 'never fires', 'IQ5002'],
    ['{ name: s, cron: "0 2 * * %" }', 'holds a %', 'IQ5001'],
    ['{ name: s, cron: "0 22-2 * * *" }', 'runs backwards', 'IQ5001'],
    ['{ name: s, quartz: "0/5 * * * * ?" }', 'several times a minute', 'IQ5001'],
    ['{ name: s, every: fortnight }', 'not understood', 'IQ5001'],
    ['{ name: s, cron: "0 2 * * *", timeZone: Europe/Belrin }', 'did you mean Europe/Berlin', 'IQ1104'],
    ['{ name: s, cron: "0 2 * * *", timeZone: "+02:00" }', 'IANA time zone', 'IQ1104'],
    ['{ name: s }', 'exactly one of cron, quartz and every', 'IQ1104'],
    ['{ name: s, cron: "0 2 * * *", every: 1h }', 'exactly one', 'IQ1104'],
    ['{ name: s, cron: "0 2 * * *", misfires: skip }', 'unknown key "misfires"', 'IQ1103'],
    ['{ name: s, cron: "0 2 * * *", exclude: ["25.12.2026"] }', 'expected a day', 'IQ1104'],
    ['{ name: s, cron: "0 2 * * *", from: "2026-12-24", until: "2026-12-01" }', 'ends before it begins', 'IQ1104'],
    ['{ name: "a\\nb", cron: "0 2 * * *" }', 'a name is made of', 'IQ1104'],
    [
      '{ name: s, cron: "0 2 * * *", arguments: { aplications: [hr] } }',
      'no argument or parameter "aplications"',
      'IQ1008',
    ],
    ['{ name: s, cron: "0 2 * * *", arguments: { applications: 5 } }', 'expected string or array', 'IQ1002'],
    [
      '{ name: s, cron: "0 2 * * *", arguments: { deltaAggregation: maybe } }',
      'deltaAggregation is not right: "maybe", expected boolean, received string',
      'IQ1002',
    ],
    ['{ name: s, cron: "0 2 * * *", jitter: 5 }', 'jitter: expected a duration such as 90s, 5m', 'IQ1104'],
    ['{ name: s, cron: "0 2 * * *", misfire: twice }', 'expected one of "once"|"skip"', 'IQ1104'],
  ])('with %s is refused at its place', async (schedule, message, code) => {
    const cwd = project({ ...smallOrganisation, 'tasks/t.yaml': task(`  - ${schedule}\n`) })
    const { code: exit, stdout, stderr } = await runCli('config validate', { cwd })
    expect(exit).toBe(2)
    expect(stdout + stderr).toContain(message)
    expect(stdout + stderr).toContain(code)
    // the line of the schedule
    expect(stdout + stderr).toMatch(/t\.yaml:6:\d+$/m)
  })

  it.each([
    ['{ name: s, cron: "61 2 * * *" }', 'IQ5001'],
    ['{ name: s, cron: "30 2 * * 1-5", arguments: { applications: 5 } }', 'IQ1002'],
  ])(
    'that became faulty (%s) takes nothing out of the table, and is said wherever its schedules are not shown',
    async (schedule, code) => {
      const { cwd, crontab, run } = scene()
      await run('schedule install --yes')
      const table = crontab.table().toString()
      write(cwd, { 'tasks/t.yaml': task(`  - ${schedule}\n`) })
      const refused = await run('schedule install --yes')
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(code) })
      expect(refused.stderr).toMatch(/t\.yaml:6:\d+$/m)
      expect(crontab.table().toString()).toBe(table)
      if (code === 'IQ1002') return
      for (const verb of ['list', 'next', 'status'])
        expect((await run(`schedule ${verb}`)).stderr, verb).toMatch(/t\.yaml:6: minute "61" .*its schedules are not/)
      expect(await run('schedule diff')).toMatchObject({ code: 2, stderr: expect.stringContaining('minute "61"') })
      expect(await run('schedule uninstall --yes')).toMatchObject({ code: 0 })
    },
  )

  it('of two schedules of one name is refused', async () => {
    const one = '  - { name: s, every: 1h }\n'
    const cwd = project({ ...smallOrganisation, 'tasks/t.yaml': task(one + one) })
    expect((await runCli('schedule next t/s', { cwd })).stderr).toContain('two schedules of t are named "s"')
  })
})

describe('the other verbs', () => {
  it('next names zones, jumps of the clocks and blackouts', async () => {
    const cwd = project({
      ...smallOrganisation,
      'tasks/t.yaml': `${task('  - { name: s, cron: "30 2 * * *", timeZone: America/New_York }\n')}blackout: [{ from: "02:00", to: "04:00", days: mon, timeZone: America/New_York }]\n`,
    })
    const { stdout } = await runCli('schedule next -n 3 --from 2026-03-07T12:00Z --json', { cwd })
    expect(JSON.parse(stdout).items).toMatchObject([
      {
        id: 't/s',
        at: '2026-03-08T07:00:00.000Z',
        local: '2026-03-08 03:00 America/New_York',
        note: expect.stringContaining('forward 60 minutes'),
      },
      {
        at: '2026-03-09T06:30:00.000Z',
        note: expect.stringContaining('in the blackout 02:00–04:00 mon America/New_York: missed'),
      },
      { at: '2026-03-10T06:30:00.000Z', note: null },
    ])
  })

  it('an unknown schedule suggests the nearest', async () => {
    const { run } = scene()
    const { code, stderr } = await run('schedule next t/x')
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean t/s')
  })

  it('pause and resume tell what they did, and are in the audit trail', async () => {
    const { run } = scene()
    expect((await run('schedule pause t/s')).stdout).toBe('t/s: paused\n')
    expect((await run('schedule')).stdout).toContain('paused')
    expect((await run('schedule postpone t/s --by 2h --json')).stdout).toContain('"pausedUntil": "20')
    expect((await run('schedule resume t/s')).stdout).toContain('fires again')
    const events = (await run('audit list')).stdout
    expect(events).toContain('schedule.paused')
    expect(events).toContain('schedule.resumed')
  })

  it('test runs the line as cron would: with nothing of the environment of a terminal', async () => {
    const { cwd, crontab } = scene()
    write(cwd, {
      'applications/hr.yaml': smallOrganisation['applications/hr.yaml'].replace('../hr.csv', '"${env:HR_FEED}"'),
    })
    // what a child of this process would get
    process.env.HR_FEED = '../hr.csv'
    try {
      const env = { ...crontab.env, HR_FEED: '../hr.csv' }
      expect((await runCli('run t --dry-run', { cwd, env })).code).toBe(0)
      const tested = await runCli('schedule test t/s', { cwd, env })
      expect(tested.code).not.toBe(0)
      expect(tested.stdout).toContain('HR_FEED')
    } finally {
      delete process.env.HR_FEED
    }
  })

  it('a schedule that is switched off is shown as off, stands in no table, and fires nothing', async () => {
    const { cwd, crontab, run } = scene()
    write(cwd, {
      'tasks/t.yaml': task('  - { name: s, every: minute, enabled: false }\n  - { name: u, every: minute }\n'),
    })
    expect(await run('schedule install --yes')).toMatchObject({ code: 0 })
    expect(crontab.table().toString()).not.toContain('fire t/s')
    expect(crontab.table().toString()).toContain('fire t/u')
    expect((await run('schedule list')).stdout).toMatch(/^t\/s +minute +\S+ +off +–$/m)
    const fired = JSON.parse((await run('schedule fire t/s --json')).stdout)
    expect(fired).toMatchObject({ did: 'nothing', reason: expect.stringContaining('switched off') })
  })

  it('export writes systemd units, and lines for /etc/cron.d with their user', async () => {
    const { cwd, run } = scene()
    expect((await run('schedule export --target systemd --dir units')).stdout).toMatch(
      /^units\/iqtask-[0-9a-f]{8}-t:s\.timer\nunits\/iqtask-[0-9a-f]{8}-t:s\.service\n$/,
    )
    const { stdout } = await run('schedule export --target cron.d --json')
    expect(JSON.parse(stdout).files[0].text).toMatch(
      /\n[\d,]+ [\d,]+ \* \* 1-5 \w+ \/\S+ \/\S+ schedule fire t\/s --project /,
    )
    expect(
      readFileSync(
        join(
          cwd,
          'units',
          (await run('schedule export --target systemd --json')).stdout.match(/iqtask-\w+-t:s\.timer/)?.[0] ?? '',
        ),
        'utf8',
      ),
    ).toContain('Persistent=true')
  })
})

describe('a wake-up that comes too early', () => {
  it('is told by one small file, until a definition, the clock or the environment is another', async () => {
    const { comesTooEarly, wakeUpFile } = await import('../../src/wake-up.ts')
    const { cwd, run } = scene()
    await run('schedule install --yes')
    const argv = ['schedule', 'fire', 't/s', '--project', cwd]
    const file = wakeUpFile(cwd)
    const kept = JSON.parse(readFileSync(file, 'utf8'))
    const changed = (next: object, more: object = {}) =>
      writeFileSync(
        file,
        JSON.stringify({ ...kept, ...more, schedules: { 't/s': { ...kept.schedules['t/s'], ...next } } }),
      )
    expect(comesTooEarly(argv, {}, '/')).toBe(true)
    expect(comesTooEarly(argv, { IQTASK_STORE: '/x' }, '/')).toBe(false)
    expect(comesTooEarly([...argv, '--json'], {}, '/')).toBe(false)
    expect(comesTooEarly(['schedule', 'fire', 't/other', '--project', cwd], {}, '/')).toBe(false)
    changed({ next: kept.at - 1_000 })
    expect(comesTooEarly(argv, {}, '/')).toBe(false)
    changed({}, { at: kept.at + 60_000 })
    expect(comesTooEarly(argv, {}, '/')).toBe(false)
    changed({})
    expect(comesTooEarly(argv, {}, '/')).toBe(true)
    writeFileSync(join(cwd, 'tasks/t.yaml'), task('  - { name: s, every: 1m }\n'))
    expect(comesTooEarly(argv, {}, '/')).toBe(false)
    writeFileSync(file, '{"at": 1')
    expect(comesTooEarly(argv, {}, '/')).toBe(false)
  })
})
