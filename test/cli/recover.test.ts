import { expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
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
  expect((await items('recover', cwd)).map((result) => [result.task, result.status])).toEqual([['undo', 'success']])
  expect(await items('account find --application hr', cwd)).toEqual([])
})
