import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli } from '../helpers/spawn-cli.ts'

const mounted: string[] = []
afterEach(() => {
  for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder])
})
/** A file system of its own: needs root. */
function tmpfs(folder: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  mounted.push(folder)
}
const canMount = ((): boolean => {
  try {
    const folder = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim()
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    console.warn('SKIPPED: full and read-only disks need root and the right to mount')
    return false
  }
})()

describe('the store', () => {
  it.skipIf(!canMount)('on a full disk ends the run with exit 6 and a sentence, and is whole afterwards', async () => {
    const disk = project()
    tmpfs(disk, 'size=1m')
    const rows = Array.from({ length: 20_000 }, (_, i) => `u${i},u${i}@example.com,yes,g${i % 50}`)
    const cwd = project({ ...smallOrganisation, 'ad.csv': `login,mail,enabled,groups\n${rows.join('\n')}\n` })
    const env = { IQTASK_STORE: join(disk, 'iqtask.db') }
    // a process of its own: the next command must find it dead
    const { code, stderr } = await spawnCli(['run', 'aggregation', '--set', 'applications=ad'], cwd, env).done
    expect(code).toBe(6)
    expect(stderr).toContain('full')
    const db = new Sqlite(env.IQTASK_STORE)
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    db.close()
    // with room again the next command finds the dead run, and the task can be resumed or run anew
    execFileSync('mount', ['-o', 'remount,size=64m', disk])
    const again = await runCli('run aggregation --set applications=ad --json', { cwd, env })
    expect((JSON.parse(again.stdout) as TaskResultDocument).counts.created).toBe(20_000)
  })

  it.skipIf(!canMount)('on a read-only disk is refused with exit 6 and a sentence', async () => {
    const disk = project()
    tmpfs(disk, 'size=8m')
    const env = { IQTASK_STORE: join(disk, 'iqtask.db') }
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd, env })
    execFileSync('mount', ['-o', 'remount,ro', disk])
    const { code, stderr } = await runCli('run aggregation', { cwd, env })
    expect(code).toBe(6)
    expect(stderr).toMatch(/IQ6001|IQ6006/)
  })

  it('that another process holds locked is busy: exit 5 after the waiting time', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const other = new Sqlite(join(cwd, 'var/iqtask.db'))
    other.exec('begin immediate')
    const { code, stderr } = await runCli('run aggregation', { cwd })
    other.exec('rollback')
    other.close()
    expect(code).toBe(5)
    expect(stderr).toContain('IQ6005')
  }, 20_000)

  it('of something else, a newer one, a damaged one and a symbolic link are refused, untouched', async () => {
    const cwd = project(smallOrganisation)
    const store = (name: string): { IQTASK_STORE: string } => ({ IQTASK_STORE: join(cwd, name) })
    writeFileSync(
      join(cwd, 'text.db'),
      'this is long enough to be looked at and no database at all, whatever the name says',
    )
    const foreign = new Sqlite(join(cwd, 'foreign.db'))
    foreign.exec('create table t(x)')
    foreign.close()
    await runCli('run aggregation', { cwd, env: store('newer.db') })
    const newer = new Sqlite(join(cwd, 'newer.db'))
    newer.pragma('user_version = 999')
    newer.close()
    symlinkSync(join(cwd, 'foreign.db'), join(cwd, 'link.db'))
    for (const [name, code] of [
      ['text.db', 'IQ6004'],
      ['foreign.db', 'IQ6002'],
      ['newer.db', 'IQ6003'],
      ['link.db', 'IQ6001'],
    ] as const) {
      const before = readFileSync(join(cwd, name))
      const run = await runCli('run aggregation --json', { cwd, env: store(name) })
      expect(run.code, name).toBe(6)
      expect(JSON.parse(run.stderr), name).toMatchObject({ code })
      expect(readFileSync(join(cwd, name)).equals(before), name).toBe(true)
    }
  })

  it('is looked at by the first command after a run died, and refused with exit 6 when it was damaged', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    const path = join(cwd, 'var/iqtask.db')
    const db = new Sqlite(path)
    const root = Number(db.prepare(`select rootpage from sqlite_schema where name = 'account_native'`).pluck().get())
    const size = Number(db.pragma('page_size', { simple: true }))
    // as a process leaves it that is no more
    db.exec(`update task_result set status = 'running', process_start = '1', ended_at = null`)
    db.pragma('journal_mode = delete')
    db.close()
    const sound = readFileSync(path)
    const broken = Buffer.from(sound)
    broken.fill(0x5a, (root - 1) * size, root * size)
    writeFileSync(path, broken)
    const refused = await runCli('ps --json', { cwd })
    expect(refused.code).toBe(6)
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'IQ6004', message: expect.stringContaining('a run died') })
    writeFileSync(path, sound)
    expect((await runCli('ps', { cwd })).code).toBe(0)
    const [dead] = (JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] })
      .items
    expect(dead).toMatchObject({ status: 'terminated', stoppedBy: 'crash' })
  })

  it('and everything beside it is for its owner only, whatever the umask', async () => {
    const umask = process.umask(0)
    try {
      const cwd = project(smallOrganisation)
      await runCli('run aggregation', { cwd })
      for (const [path, mode] of [
        ['var', 0o700],
        ['var/iqtask.db', 0o600],
        ['var/iqtask.db.stage', 0o700],
      ] as const)
        expect(statSync(join(cwd, path)).mode & 0o777, path).toBe(mode)
    } finally {
      process.umask(umask)
    }
  })
})
