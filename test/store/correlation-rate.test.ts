import { expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

it('a result tells how many accounts have an owner, and how many had one in earlier runs', async () => {
  const cwd = project(smallOrganisation)
  const run = async (more = ''): Promise<TaskResultDocument['sections']> =>
    (JSON.parse((await runCli(`run aggregation --json ${more}`, { cwd })).stdout) as TaskResultDocument).sections
  // ada, cy of ada, bo, cy, svc, svc2, svc3
  expect((await run()).map((section) => section.correlation)).toEqual([
    { rate: 1, earlier: [] },
    { rate: 0.3333, earlier: [] },
  ])
  write(cwd, { 'ad.csv': smallOrganisation['ad.csv'].replace('svc,,', 'svc,ada@example.com,') })
  await run('--dry-run')
  expect((await run())[1]?.correlation).toEqual({ rate: 0.5, earlier: [0.3333] })
  expect((await run())[1]?.correlation).toEqual({ rate: 0.5, earlier: [0.5, 0.3333] })
  const { stdout } = await runCli('results show', { cwd })
  expect(stdout).toContain('50.0 % correlated (median of 2 runs 50.0 %)')
})
