import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { begunAgo } from '../helpers/begun.ts'
import { standInCrontab } from '../helpers/crontab.ts'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const root = join(import.meta.dirname, '../..')
const task = (...schedules: readonly string[]): string =>
  `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr] }\nschedule:\n${schedules.map((one) => `  - { ${one} }\n`).join('')}`
const nightly = 'name: s, cron: "30 2 * * 1-5", timeZone: Europe/Berlin'

function scene(...schedules: readonly string[]) {
  const cwd = project({ ...smallOrganisation, 'tasks/t.yaml': task(...schedules) })
  const crontab = standInCrontab(project())
  const folder = project()
  const run = (line: string | readonly string[]) => runCli(line, { cwd, env: crontab.env })
  const define = (...other: readonly string[]) => write(cwd, { 'tasks/t.yaml': task(...other) })
  const status = async () => JSON.parse((await run('schedule status --json')).stdout).items
  const doctor = async () => (await run('doctor')).stdout
  return { cwd, crontab, folder, run, define, status, doctor }
}

describe('schedules in a file of cron.d', () => {
  it('are found there by status, diff and doctor, with what drifted, until they are taken away', async () => {
    const { crontab, folder, run, define, status, doctor } = scene(nightly)
    // who has no crontab command needs none
    crontab.fail('crontab: not for you')
    writeFileSync(join(folder, 'other'), '0 5 * * * root /bin/backup\n')
    expect(await run(`schedule install --target cron.d --dir ${folder} --yes`)).toMatchObject({ code: 0 })
    const [name = ''] = readdirSync(folder)
    expect(name).toMatch(/^iqtask-[0-9a-f]{8}$/)
    expect(await status()).toMatchObject([{ id: 't/s', installed: true, targets: ['cron.d'], drifted: false }])
    expect(await run('schedule diff')).toMatchObject({ code: 0, stdout: 'no difference\n' })
    expect(await doctor()).not.toContain('nothing wakes it up')
    define(nightly.replace('30 2', '45 3'))
    expect(await status()).toMatchObject([{ installed: true, drifted: true }])
    const drifted = await run('schedule diff')
    expect(drifted.code).toBe(10)
    expect(drifted.stdout).toMatch(new RegExp(`^@@ ${join(folder, name)}\n`))
    expect(drifted.stdout).toMatch(/^- 30 0,1 \* \* 1-5 \w+ .*\n(.*\n)*\+ 45 1,2 \* \* 1-5/m)
    expect(await doctor()).toContain('iqtask schedule install --target cron.d')
    expect(await run('schedule install --target cron.d --yes')).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, name), 'utf8')).toContain('45 1,2 * * 1-5')
    expect(readdirSync(folder)).toEqual([name, 'other'])
    expect(await run('schedule uninstall --target cron.d --yes')).toMatchObject({ code: 0 })
    expect(readdirSync(folder)).toEqual(['other'])
    crontab.fail(undefined)
    expect(await status()).toMatchObject([{ installed: false, targets: [] }])
  })

  it('that were edited by hand are shown, and written anew only with --force', async () => {
    const { folder, run } = scene(nightly)
    await run(`schedule install --target cron.d --dir ${folder} --yes`)
    const file = join(folder, readdirSync(folder)[0] ?? '')
    const edited = readFileSync(file, 'utf8').replace('30 0,1', '1 1')
    writeFileSync(file, edited)
    for (const verb of ['install', 'uninstall']) {
      const refused = await run(`schedule ${verb} --target cron.d --yes`)
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('- 1 1 * * 1-5') })
      expect(readFileSync(file, 'utf8')).toBe(edited)
    }
    expect((await run('schedule install --target cron.d --yes --force')).code).toBe(0)
    expect((await run('schedule diff')).code).toBe(0)
    rmSync(file)
    expect((await run('schedule diff')).stdout).toContain('+ 30 0,1 * * 1-5')
  })

  it('are asked about, are in one folder only, and a folder that cannot be written is told', async () => {
    const { cwd, folder, run } = scene(nightly)
    expect(await run(`schedule install --target cron.d --dir ${folder}`)).toMatchObject({ code: 2 })
    expect(readdirSync(folder)).toEqual([])
    expect(await run(`schedule install --target cron.d --dir ${join(cwd, 'iqtask.config.yaml')} --yes`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('IQ5006'),
    })
    await run(`schedule install --target cron.d --dir ${folder} --yes`)
    expect(await run(`schedule install --target cron.d --dir ${cwd} --yes`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`in ${folder} already`),
    })
  })

  it('beside a crontab: one of the two may go, and the schedules go on counting', async () => {
    const { folder, run, status } = scene(nightly)
    await run('schedule install --yes')
    await run(`schedule install --target cron.d --dir ${folder} --yes`)
    expect(await status()).toMatchObject([{ targets: ['crontab', 'cron.d'] }])
    await run('schedule uninstall --yes')
    expect(await status()).toMatchObject([{ installed: true, targets: ['cron.d'] }])
  })
})

describe('schedules as timers of systemd', () => {
  /** What `systemctl enable` does to the files. */
  const enable = (folder: string, timer: string) => {
    mkdirSync(join(folder, 'timers.target.wants'), { recursive: true })
    symlinkSync(join(folder, timer), join(folder, 'timers.target.wants', timer))
  }

  it('count as installed when they are enabled; where systemd does not run, it is said what to type', async () => {
    const { folder, run, define, status, doctor } = scene(nightly, 'name: u, every: 1h')
    const { stderr } = await run(`schedule install --target systemd --dir ${folder} --yes`)
    const timers = readdirSync(folder).filter((name) => name.endsWith('.timer'))
    expect(timers).toHaveLength(2)
    expect(stderr).toContain(`enable --now ${timers.join(' ')}`)
    expect(await status()).toMatchObject([{ installed: false }, { installed: false }])
    expect(await doctor()).toContain(`systemd does not start ${join(folder, timers[0] ?? '')}: it is not enabled`)
    for (const timer of timers) enable(folder, timer)
    expect(await status()).toMatchObject([
      { id: 't/s', installed: true, targets: ['systemd'], drifted: false },
      { id: 't/u', installed: true, drifted: false },
    ])
    expect((await run('schedule diff')).code).toBe(0)
    define(nightly.replace('30 2', '45 3'), 'name: u, every: 1h')
    expect(await status()).toMatchObject([{ drifted: true }, { drifted: false }])
    expect((await run('schedule diff')).stdout).toContain('- OnCalendar')
    define('name: u, every: 1h')
    expect((await run('schedule diff')).stdout).toContain('- Description=iqtask schedule t/s')
    await run('schedule install --target systemd --yes')
    expect(readdirSync(folder).filter((name) => name.includes('t:s'))).toEqual([])
    expect(readdirSync(join(folder, 'timers.target.wants'))).toHaveLength(1)
    await run('schedule uninstall --target systemd --yes')
    expect(readdirSync(folder)).toEqual(['timers.target.wants'])
    expect(readdirSync(join(folder, 'timers.target.wants'))).toEqual([])
  })

  it('of two schedules never share a unit, whatever their names are', async () => {
    const { cwd, run } = scene('name: b-c, every: 1h')
    write(cwd, {
      'tasks/t.yaml': task('name: b-c, every: 1h').replace('name: t', 'name: a'),
      'tasks/a-b.yaml': task('name: c, every: 1h').replace('name: t', 'name: a-b'),
    })
    const { files } = JSON.parse((await run('schedule export --target systemd --json')).stdout)
    expect(new Set(files.map(({ name }: { name: string }) => name)).size).toBe(4)
  })

  const possible =
    machineIsRoot() && machineHas('/lib/systemd/systemd', 'systemd') && machineHas('unshare', 'util-linux')
  it.skipIf(!possible)(
    'are enabled by systemd itself, fire a run, and are stopped by uninstall',
    { timeout: 120_000 },
    async () => {
      const { cwd } = scene('name: s, every: minute')
      await begunAgo(cwd, 't/s', 150_000)
      const home = project()
      const iqtask = `${process.execPath} ${join(root, 'bin/iqtask.js')}`
      // a systemd of its own, in namespaces of its own
      const script = `set -e
mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system /run/user/0
export XDG_RUNTIME_DIR=/run/user/0 HOME=${home} XDG_CONFIG_HOME=${home}/.config
/lib/systemd/systemd --user --log-target=null &
until systemctl --user list-timers >/dev/null 2>&1; do sleep 0.2; done
units=${home}/.config/systemd/user
${iqtask} schedule install --target systemd --dir $units --yes
${iqtask} schedule status --json
systemctl --user list-timers --all
systemctl --user start $(basename $units/*.service)
${iqtask} results --json
${iqtask} schedule uninstall --target systemd --yes
systemctl --user list-timers --all
find $units -name 'iqtask*' | wc -l`
      const done = spawnSync(
        'unshare',
        ['-m', '-p', '-f', '--kill-child', '--mount-proc', '--propagation', 'private', 'sh', '-c', script],
        { cwd, encoding: 'utf8', timeout: 110_000, killSignal: 'SIGKILL' },
      )
      expect(done.stdout, done.stderr).toContain('"installed": true')
      expect(done.stdout).toMatch(/iqtask-[0-9a-f]{8}-t:s\.timer\s+iqtask-[0-9a-f]{8}-t:s\.service/)
      expect(done.stdout).toContain('"trigger": "schedule"')
      expect(done.stdout).toMatch(/0 timers listed\.[\s\S]*\n0\n$/)
    },
  )
})

describe('Node that has moved after the installation', () => {
  it('is named by status and doctor', () => {
    const { cwd, crontab } = scene(nightly)
    const folder = project()
    const node = join(folder, 'v24.21.0', 'bin', 'node')
    mkdirSync(join(node, '..'), { recursive: true })
    copyFileSync(process.execPath, node)
    const entry = join(root, 'bin/iqtask.js')
    const iqtask = (program: string, ...args: string[]) =>
      spawnSync(program, [entry, ...args], { cwd, encoding: 'utf8', env: { ...process.env, ...crontab.env } })
    expect(iqtask(node, 'schedule', 'install', '--yes').status).toBe(0)
    expect(iqtask(node, 'doctor').stdout).toContain(`Node is in a folder of one version: ${node}`)
    renameSync(node, join(folder, 'moved'))
    expect(existsSync(node)).toBe(false)
    const status = iqtask(process.execPath, 'schedule', 'status')
    expect(status.stderr).toContain(`the crontab calls ${node}, which is not there any more: iqtask schedule install`)
    expect(status.stdout).toContain('drifted')
    expect(iqtask(process.execPath, 'doctor').stdout).toContain(
      `the crontab calls ${node}, which is not there any more`,
    )
    expect(iqtask(process.execPath, 'schedule', 'install', '--yes').status).toBe(0)
    expect(iqtask(process.execPath, 'schedule', 'status').stderr).toBe('')
  })
})
