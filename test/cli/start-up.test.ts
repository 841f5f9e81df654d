import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let home = ''
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'iqtask-home-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What Node itself loads to run this command. */
function modulesOf(...args: string[]): { modules: string[]; stdout: string } {
  const report = join(home, 'report.cjs')
  writeFileSync(report, `process.on('exit', () => console.error('MODULES ' + process.moduleLoadList.join(' ')))`)
  const { stdout, stderr } = spawnSync(process.execPath, ['--require', report, join(root, 'bin/iqtask.js'), ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, HOME: home, XDG_CACHE_HOME: '' },
  })
  return { stdout, modules: (/MODULES (.*)/.exec(stderr)?.[1] ?? '').split(/(?:NativeModule|Internal Binding) /) }
}

describe('a start', () => {
  it('loads nothing that help does not need', () => {
    const { stdout, modules } = modulesOf('--help')
    expect(stdout).toContain('Usage: iqtask')
    const loaded = modules.map((name) => name.trim())
    expect(loaded).toContain('fs')
    for (const name of ['child_process', 'crypto', 'worker_threads', 'zlib', 'v8']) expect(loaded).not.toContain(name)
  })

  it('reads little code before it knows what is asked: the command line, and nothing of what commands do', () => {
    const seen = new Map<string, string>()
    const read = (file: string): void => {
      if (seen.has(file)) return
      const code = readFileSync(join(root, 'dist', file), 'utf8')
      seen.set(file, code)
      for (const [, next = ''] of code.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) read(next)
    }
    read('main.js')
    const code = [...seen.values()].join('')
    expect(code.length).toBeLessThan(400_000)
    for (const heavy of ['ZodObject', 'kysely', 'YAMLParseError']) expect(code).not.toContain(heavy)
  })

  it('finds in every part of the bundle that it loads later the names that it takes from it', async () => {
    const taken: string[] = []
    const missing: string[] = []
    for (const file of readdirSync(join(root, 'dist')).filter((name) => name.endsWith('.js'))) {
      const code = readFileSync(join(root, 'dist', file), 'utf8')
      for (const [, names = '', part = ''] of code.matchAll(/\{([\w$,:]+)\}=await import\("\.\/([^"]+)"\)/g)) {
        const exported = (await import(join(root, 'dist', part))) as Record<string, unknown>
        for (const name of names.split(',').map((one) => one.split(':')[0] ?? '')) {
          taken.push(name)
          if (!(name in exported)) missing.push(`${name} in ${part}`)
        }
      }
    }
    expect(missing).toEqual([])
    expect(taken).toContain('openApp')
  })

  it("keeps Node's compile cache in the user's own folder, for nobody else", () => {
    expect(statSync(join(home, '.cache/iqtask')).mode & 0o777).toBe(0o700)
  })
})
