import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let home = ''
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'iqtask-home-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What Node itself loads to run this command, and which files of packages. */
function modulesOf(args: readonly string[]) {
  const report = join(home, 'report.cjs')
  writeFileSync(
    report,
    `process.on('exit', () => console.error('MODULES ' + process.moduleLoadList.join(' ') + ' FILES ' + Object.keys(require.cache).join(' ')))`,
  )
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--require', report, join(root, 'bin/iqtask.js'), ...args],
    { cwd: home, encoding: 'utf8', env: { ...process.env, HOME: home, XDG_CACHE_HOME: '', XDG_CONFIG_HOME: '' } },
  )
  const [, modules = '', files = ''] = /MODULES (.*) FILES (.*)/.exec(stderr) ?? []
  return {
    stdout,
    stderr,
    code: status,
    modules: modules.split(/(?:NativeModule|Internal Binding) /).map((name) => name.trim()),
    files: files.split(' ').map((file) => basename(file)),
  }
}

describe('a start (rule 10; `npm run bench -- start-up` has the times)', () => {
  it('loads nothing that help does not need', () => {
    const { stdout, modules, files } = modulesOf(['--help'])
    expect(stdout).toContain('Usage: iqtask')
    expect(modules).toContain('fs')
    for (const name of ['child_process', 'crypto', 'worker_threads', 'zlib', 'v8']) expect(modules).not.toContain(name)
    expect(files).toContain('base.cjs')
    for (const name of ['app.cjs', 'zod.cjs', 'chalk.cjs']) expect(files).not.toContain(name)
  })

  it('reads little code before it knows what is asked: the command line, and nothing of what commands do', () => {
    const code = readFileSync(join(root, 'dist/main.js'), 'utf8')
    expect(code.length).toBeLessThan(450_000)
    for (const heavy of ['ZodObject', 'kysely/', 'YAMLParseError', 'createAccountPlans'])
      expect(code).not.toContain(heavy)
  })

  it('loads no checker of configurations where the texts were checked before, and one where they were not', () => {
    const cwd = join(home, 'project')
    mkdirSync(cwd)
    const config = join(cwd, 'iqtask.config.yaml')
    const results = (...args: string[]) => modulesOf(['results', ...args, '--project', cwd])
    const checkers = (files: readonly string[]) => files.filter((file) => /zod|yaml/.test(file))
    writeFileSync(config, 'timeZone: UTC\n')
    expect(checkers(results().files)).toEqual(['yaml.cjs', 'zod.cjs'])
    expect(checkers(results().files)).toEqual([])
    // other bytes, also where the file is as old and as large
    writeFileSync(config, 'timeZone: UTX\n')
    expect(results()).toMatchObject({ code: 2, stderr: expect.stringMatching(/time zone.*iqtask\.config\.yaml:1:11/s) })
    expect(results()).toMatchObject({ code: 2 })
    writeFileSync(config, 'timeZone: UTC\nstore: elsewhere.db\n')
    expect(results().stdout).toContain('no run')
    const person = join(home, '.config/iqtask')
    mkdirSync(person, { recursive: true })
    writeFileSync(join(person, 'config.yaml'), 'stroe: x\n')
    expect(results()).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean store') })
    rmSync(person, { recursive: true })
    const [kept = ''] = readdirSync(join(home, '.cache/iqtask/settings'))
    expect(statSync(join(home, '.cache/iqtask/settings', kept)).mode & 0o777).toBe(0o600)
    // whatever stands there, it is only believed when it fits
    writeFileSync(join(home, '.cache/iqtask/settings', kept), '{"build":')
    expect(results().code).toBe(0)
  })

  it("keeps Node's compile cache in the user's own folder, for nobody else", () => {
    expect(statSync(join(home, '.cache/iqtask')).mode & 0o777).toBe(0o700)
  })
})
