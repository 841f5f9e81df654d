import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

interface Row {
  readonly key: string
  readonly value: unknown
  readonly origin: string
}

/** The settings in force, by key. */
async function shown(cwd: string, env: Record<string, string>, line = ''): Promise<Record<string, Row>> {
  const { stdout, stderr } = await runCli(`config show --origin --json ${line}`, { cwd, env })
  expect(stderr).toBe('')
  return Object.fromEntries((JSON.parse(stdout) as { items: Row[] }).items.map((row) => [row.key, row]))
}

describe('a setting comes from', () => {
  const cwd = (): string => project({ 'iqtask.config.yaml': 'name: demo\ntimeZone: UTC\n', 'a/x': '' })

  it('the environment, the project, the person, or is the default: in this order', async () => {
    const folder = cwd()
    const home = project({ '.config/iqtask/config.yaml': 'timeZone: Asia/Tokyo\nstore: mine.db\n' })
    const user = join(home, '.config/iqtask/config.yaml')
    const file = join(folder, 'iqtask.config.yaml')
    const found = await shown(folder, { HOME: home })
    expect(found.timeZone).toMatchObject({ value: 'UTC', origin: file })
    expect(found.store).toMatchObject({ value: join(folder, 'mine.db'), origin: user })
    expect(found.guards).toMatchObject({ origin: 'default' })
    const set = await shown(folder, { HOME: home, IQTASK_STORE: '/tmp/env.db' })
    expect(set.store).toMatchObject({ value: '/tmp/env.db', origin: 'environment IQTASK_STORE' })
  })

  it('a file that was searched, named by an option, or by the environment', async () => {
    const folder = cwd()
    expect((await shown(join(folder, 'a'), {})).config?.origin).toBe(`searched upward from ${join(folder, 'a')}`)
    expect((await shown('/', {}, `--project ${folder}`)).config?.origin).toBe('--project')
    expect((await shown('/', { IQTASK_PROJECT: folder })).config?.origin).toBe('environment IQTASK_PROJECT')
  })

  it("the person's file where XDG_CONFIG_HOME says it is; a fault in it names the file", async () => {
    const folder = cwd()
    const home = project({ 'iqtask/config.yaml': 'store: mine.db\n' })
    expect((await shown(folder, { XDG_CONFIG_HOME: home })).store?.value).toBe(join(folder, 'mine.db'))
    write(home, { 'iqtask/config.yaml': 'stoer: mine.db\n' })
    const { code, stderr } = await runCli('config show', { cwd: folder, env: { XDG_CONFIG_HOME: home } })
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(home, 'iqtask/config.yaml')}:1:1`)
    expect(stderr).toContain('did you mean store')
  })

  it("a project, never from the person's own settings alone", async () => {
    const home = project({ '.config/iqtask/config.yaml': 'timeZone: UTC\n', 'work/x': '' })
    const { code, stderr } = await runCli('config show', { cwd: join(home, 'work'), env: { HOME: home } })
    expect(code).toBe(2)
    expect(stderr).toContain('IQ1003')
  })
})
