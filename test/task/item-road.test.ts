import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import type { RunRequest } from '../../src/task/run-request.ts'
import { locker } from '../helpers/locker.ts'
import { project } from '../helpers/project.ts'
import { runExecutor } from '../helpers/run-executor.ts'

const names = (count: number, odd: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, i) => odd[i] ?? `n${i}`).join('\n')
const projectOf = (plan: string, more = ''): string =>
  project({
    'iqtask.config.yaml': 'timeZone: UTC\n',
    'tasks/t.yaml': `kind: TaskDefinition\nname: t\nexecutor: locker\nlossLimit: 10\n${more}`,
    'plan.txt': plan,
  })
const run = (cwd: string, request: Partial<RunRequest> = {}): Promise<TaskResultDocument> =>
  runExecutor(cwd, locker(cwd), request)
function locked(cwd: string): string[] {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const keys = db.prepare(`select substr(key, 8) from meta where key like 'locked %'`).pluck().all() as string[]
  db.close()
  return keys
}

describe('an executor that plans items', () => {
  it('is applied in chunks, each audited, and counted', async () => {
    const cwd = projectOf(names(25))
    const result = await run(cwd)
    expect(result).toMatchObject({ status: 'success', counts: { locked: 25 }, leftOut: [] })
    expect(locked(cwd)).toHaveLength(25)
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    expect(db.prepare(`select count(*) from audit where action = 'chunk.applied'`).pluck().get()).toBe(3)
    db.close()
    expect(readdirSync(join(cwd, 'var/iqtask.db.stage'))).toEqual([])
  })

  it('is stopped by the guards before its first write, unless that is allowed', async () => {
    const cwd = projectOf(names(600))
    const stopped = await run(cwd)
    expect(stopped).toMatchObject({ status: 'error', stoppedBy: 'guard', exitCode: 4 })
    expect(stopped.guards.find((guard) => guard.guard === 'disables')).toMatchObject({ verdict: 'tripped', value: 600 })
    expect(locked(cwd)).toEqual([])
    const allowed = await run(cwd, { allow: { guards: ['disables'], reason: 'site closed' } })
    expect(allowed).toMatchObject({ status: 'success', counts: { locked: 600 } })
  })

  it('does nothing in a dry run, and plans there the very same', async () => {
    const cwd = projectOf(names(30))
    const dry = await run(cwd, { dryRun: true })
    expect(locked(cwd)).toEqual([])
    expect((await run(cwd)).planHash).toBe(dry.planHash)
  })

  it('leaves out kinds that are forbidden, in its file and for one run, and says so', async () => {
    const cwd = projectOf(names(600), 'forbid: [disable]\n')
    const result = await run(cwd)
    expect(result).toMatchObject({
      status: 'warning',
      counts: {},
      leftOut: [
        {
          section: 'locker',
          reason: 'forbidden',
          kind: 'disable',
          object: 'account',
          count: 600,
          first: names(10).split('\n'),
        },
      ],
      messages: [
        { level: 'warning', code: 'IQ3009', text: expect.stringContaining('600 disable account (n0, n1, n2, …)') },
      ],
    })
    expect(locked(cwd)).toEqual([])
  })

  it('makes only the part that a person accepts', async () => {
    const cwd = projectOf(names(30))
    const select = { only: `change.key.startsWith('n1')`, except: `change.key == 'n12'` }
    const result = await run(cwd, { select })
    expect(result).toMatchObject({
      status: 'success',
      counts: { locked: 10 },
      leftOut: [{ reason: 'notAccepted', count: 20 }],
    })
    expect(locked(cwd)).toHaveLength(10)
    expect(locked(cwd)).not.toContain('n12')
  })

  it('puts a bad item in the middle of a chunk aside, and makes its neighbours', async () => {
    const cwd = projectOf(names(25, { 14: 'bad' }))
    const result = await run(cwd)
    expect(result).toMatchObject({
      status: 'warning',
      exitCode: 3,
      counts: { locked: 24 },
      leftOut: [{ reason: 'quarantined', kind: 'disable', count: 1, first: ['bad'] }],
      messages: [{ code: 'IQ3015', text: 'bad was put aside: it does not want to' }],
    })
    expect(locked(cwd).sort()).toEqual(
      names(25)
        .split('\n')
        .filter((name) => name !== 'n14')
        .sort(),
    )
  })
})

describe('an item that kills the process', () => {
  it('is put aside and named after three crashes; the rest is done', async () => {
    const cwd = projectOf(names(50, { 37: 'poison' }))
    const script = join(import.meta.dirname, '../helpers/locker.ts')
    const start = () => spawnSync(process.execPath, ['--no-warnings', script, cwd], { encoding: 'utf8' })
    for (let crash = 0; crash < 3; crash++) {
      expect(start().signal).toBe('SIGABRT')
      // a prefix of whole items, never one of the poisoned chunk's later ones
      expect(locked(cwd)).toHaveLength(crash === 0 ? 30 : 37)
    }
    const last = start()
    expect(last.status, last.stderr).toBe(0)
    expect(readFileSync(join(cwd, 'tried.txt'), 'utf8').match(/poison/g)).toHaveLength(3)
    expect(locked(cwd)).toHaveLength(49)
    const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    expect(db.prepare('select count(*) from task_result').pluck().get()).toBe(1)
    expect(db.prepare('select status, counts from task_result').raw().get()).toEqual(['warning', '{"locked":49}'])
    expect(db.prepare(`select text from task_message where code = 'IQ3015'`).pluck().get()).toBe(
      'poison was put aside: the process died 3 times while it was applied',
    )
    db.close()
  })

  it('is not taken for one where the process only died three times at different places', async () => {
    const cwd = projectOf(names(50, { 37: 'poison' }))
    const script = join(import.meta.dirname, '../helpers/locker.ts')
    spawnSync(process.execPath, ['--no-warnings', script, cwd])
    // the second crash is elsewhere: a kill before anything was applied again
    const db = new Sqlite(join(cwd, 'var/iqtask.db'))
    const checkpoint = JSON.parse(String(db.prepare('select checkpoint from task_result').pluck().get())) as {
      current: { after: number; suspect?: unknown }
    }
    expect(checkpoint.current.suspect).toBeUndefined()
    checkpoint.current.suspect = { after: checkpoint.current.after - 1, crashes: 2, left: 10 }
    db.prepare('update task_result set checkpoint = ?').run(JSON.stringify(checkpoint))
    db.close()
    spawnSync(process.execPath, ['--no-warnings', script, cwd])
    const after = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
    expect(after.prepare(`select count(*) from task_message where code = 'IQ3015'`).pluck().get()).toBe(0)
    expect(after.prepare('select status from task_result').pluck().get()).toBe('running')
    after.close()
    expect(locked(cwd)).toHaveLength(37)
  })
})
