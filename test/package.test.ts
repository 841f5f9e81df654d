import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from './helpers/project.ts'

const root = join(import.meta.dirname, '..')
const run = (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] })
/** An installed package has no pinned runtime: it runs on the Node of the PATH, here the one that runs the tests. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
/** The Node that npm was started with, not the pinned one of the development dependencies. */
const systemNode = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => existsSync(path))

describe('the package', () => {
  it('holds what it needs and nothing else, and runs where it is installed', () => {
    const folder = project()
    run('npm', ['pack', '--pack-destination', folder, '--silent'], root)
    const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? ''
    const files = run('tar', ['tzf', join(folder, tarball)], folder)
      .trim()
      .split('\n')
    const allowed = /^package\/(bin\/|dist\/|tasks\/|examples\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/
    expect(files.filter((file) => !allowed.test(file))).toEqual([])
    expect(files).toContain('package/examples/organisation/data/hr.csv')
    expect(files).toContain('package/tasks/examples/tag-unused.ts')
    const target = join(folder, 'installed')
    mkdirSync(target)
    run('npm', ['init', '-y'], target)
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts', join(folder, tarball)], target)
    expect(run('npx', ['iqtask', '--version'], target, env).trim()).toMatch(/^\d+\.\d+\.\d+$/)
    run('npx', ['iqtask', 'init', 'demo', '--example'], target, env)
    const done = spawnSync('npx', ['iqtask', 'run', 'aggregation', '--project', 'demo', '--json'], {
      cwd: target,
      env,
      encoding: 'utf8',
    })
    expect(done.status).toBe(3)
    // an executor of the project finds `iqtask` and `zod` in the tool, wherever that is installed
    run('cp', ['-r', 'node_modules/iqtask/tasks/examples/.', 'demo/tasks'], target)
    const custom = run(
      'npx',
      ['iqtask', 'run', 'tag-unused', '--set', 'holders=20', '--project', 'demo', '--json'],
      target,
      env,
    )
    expect((JSON.parse(custom) as { counts: { tagged: number } }).counts.tagged).toBeGreaterThan(0)
    expect((JSON.parse(done.stdout) as { counts: { created: number } }).counts.created).toBe(3856)
  }, 120_000)

  it.skipIf(systemNode === undefined)(
    'is started by an old Node on the pinned runtime, and says what is wrong where there is none',
    () => {
      const node = systemNode ?? ''
      expect(run(node, [join(root, 'bin/iqtask.js'), '--version'], root).trim()).toMatch(/^\d/)
      const [major = 0, minor = 0] = run(node, ['-p', 'process.versions.node'], root).split('.').map(Number)
      if (major > 22 || (major === 22 && minor >= 18)) return
      const folder = project()
      mkdirSync(join(folder, 'bin'))
      run('cp', [join(root, 'bin/iqtask.js'), join(root, 'package.json'), join(folder, 'bin')], root)
      const alone = spawnSync(node, [join(folder, 'bin/iqtask.js')], { encoding: 'utf8' })
      expect(alone.status).toBe(2)
      expect(alone.stderr).toMatch(/^iqtask needs Node 22\.18 or newer, this is .*\n$/)
    },
  )
})
