import { describe, expect, it } from 'vitest'
import type { TaskResultDocument } from '../../src/model/documents.ts'
import { badMornings, ordinaryMorning, organisation } from '../faults/mornings.ts'
import { project, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { rowsOf } from '../helpers/state.ts'

describe('a mass change that is none', () => {
  it.each(badMornings)('$what: nothing changes, the exit code is not 0, and the reason is said', async (morning) => {
    const cwd = project(organisation)
    await runCli('run aggregation', { cwd })
    const before = rowsOf(cwd)
    expect(JSON.parse(before)[0].length).toBeGreaterThan(200)
    write(cwd, morning.files)
    const { code, stdout } = await runCli('run aggregation --json', { cwd })
    expect(rowsOf(cwd)).toBe(before)
    expect([1, 4]).toContain(code)
    const result = JSON.parse(stdout) as TaskResultDocument
    const said = [
      ...result.guards.filter((guard) => guard.verdict === 'tripped').map((guard) => guard.guard),
      ...result.messages.filter((message) => message.level === 'error').map((message) => message.code),
    ]
    expect(said.join(' ')).toMatch(morning.says)
  })

  it('does not stand in the way of an ordinary morning', async () => {
    const cwd = project(organisation)
    await runCli('run aggregation', { cwd })
    write(cwd, ordinaryMorning.files)
    const result = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as TaskResultDocument
    expect(result.guards.filter((guard) => guard.verdict === 'tripped')).toEqual([])
    expect(result.sections[0]?.counts).toMatchObject(ordinaryMorning.counts)
  })
})
