import { expect, it } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { isoText } from '../../src/base/clock.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { handClock } from '../helpers/clock.ts'
import { digestOf } from '../helpers/digest.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const task = (name: string): string =>
  `kind: TaskDefinition\nname: ${name}\nexecutor: account-aggregation\narguments: { applications: ${name} }\nlossLimit: 1\n`
const files = { ...smallOrganisation, 'tasks/hr.yaml': task('hr'), 'tasks/ad.yaml': task('ad') }
const items = async (line: string, cwd: string): Promise<TaskResultDocument[]> => {
  const { stdout } = await runCli(`${line} --json`, { cwd })
  return [...(JSON.parse(stdout) as ListDocument<TaskResultDocument>).items]
}

it('recover lists the runs that did not come to their end, and resumes every one of them', async () => {
  const cwd = project(files)
  const app = await openApp({ cwd, env: {} })
  // the directory is joined to people who are all there
  for (const [name, after] of [
    ['hr', 3],
    ['ad', 2],
  ] as const) {
    const stop = new AbortController()
    const stopped = await app.run({
      task: name,
      trigger: 'manual',
      set: {},
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.phase === 'create' && event.done === after) stop.abort()
      },
    })
    expect(stopped.status).toBe('terminated')
  }
  await app.close()
  const half = digestOf(cwd)
  expect((await items('recover --dry-run', cwd)).map((result) => [result.task, result.status])).toEqual([
    ['hr', 'terminated'],
    ['ad', 'terminated'],
  ])
  expect(digestOf(cwd)).toBe(half)
  // three of six: the plan is not told as what was done
  expect((await runCli('results show ad@latest', { cwd })).stdout).toContain(
    'these were planned, not all of them are done',
  )
  const resumed = await items('recover', cwd)
  expect(resumed.map((result) => [result.task, result.counts.created])).toEqual([
    ['hr', 3],
    ['ad', 6],
  ])
  const undisturbed = project(files)
  for (const name of ['hr', 'ad']) await runCli(`run ${name}`, { cwd: undisturbed })
  expect(digestOf(cwd)).toBe(digestOf(undisturbed))
  expect(await items('recover', cwd)).toEqual([])
  expect(await items('results', cwd)).toHaveLength(2)
})

it('recover ends an undo, although nobody says again which run it takes back', async () => {
  const cwd = project(files)
  await runCli('run hr', { cwd })
  const [hr] = await items('results --task hr', cwd)
  const app = await openApp({ cwd, env: {} })
  const stop = new AbortController()
  const stopped = await app.run({
    task: 'undo',
    trigger: 'manual',
    set: { result: hr?.id ?? '' },
    allow: { guards: ['deletes'], reason: 'a test' },
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress') stop.abort()
    },
  })
  expect(stopped.status).toBe('terminated')
  await app.close()
  // nothing yet, but for what is kept of what will go
  expect((await runCli('results show undo@latest', { cwd })).stdout).toContain(
    'these were planned, not all of them are done',
  )
  expect(await items('account find --application hr', cwd)).not.toEqual([])
  expect((await items('recover', cwd)).map((result) => [result.task, result.status])).toEqual([['undo', 'success']])
  expect(await items('account find --application hr', cwd)).toEqual([])
})

it('a run that was resumed took the time of all that worked at it, and not the time between', async () => {
  const cwd = project(files)
  const clock = handClock()
  const app = await openApp({ cwd, env: {}, clock })
  /** Works for so long, and is stopped after an account more. */
  const leg = (ms: number, resume: boolean) => {
    const stop = new AbortController()
    return app.run({
      task: 'hr',
      trigger: 'manual',
      set: {},
      resume,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type !== 'progress' || event.phase !== 'create') return
        clock.forward(ms)
        stop.abort()
      },
    })
  }
  expect(await leg(60_000, false)).toMatchObject({ status: 'terminated', durationMs: 60_000 })
  clock.forward(86_400_000)
  const second = await leg(30_000, true)
  expect(second).toMatchObject({ status: 'terminated', durationMs: 90_000 })
  clock.forward(86_400_000)
  die(app, second.id, clock, 5_000)
  expect(app.store().results.find(second.id)).toMatchObject({ stoppedBy: 'crash', durationMs: 95_000 })
  await app.close()
})

/** What a process leaves that resumed the run and was killed. */
function die(app: App, id: string, clock: ReturnType<typeof handClock>, ms: number): void {
  const store = app.store()
  const row = store.runs.byResult(id)
  if (row === undefined) throw new Error('it has no row')
  store.db.write(() => {
    const gone = { host: row.host, pid: 1, processStart: 'another', bootId: row.boot_id ?? undefined }
    store.runs.claim(row.id, { ...(row as object), ...gone } as never, isoText(clock.now()))
    const event = { action: 'run.resumed', object: 'result', key: row.task, run: id, body: {} }
    store.audit.append({ at: isoText(clock.now()), actor: row.actor, ...event })
    clock.forward(ms)
    store.runs.heartbeat(row.id, isoText(clock.now()))
  })
  app.findDead()
}
