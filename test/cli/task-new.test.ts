import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'
import { openTerminal } from '../helpers/terminal.ts'

const file = (cwd: string): string => join(cwd, 'tasks/mine.yaml')

describe('task new', () => {
  it('writes a definition that runs, with the arguments as the executor types them', async () => {
    const cwd = project(smallOrganisation)
    const line = 'task new mine --executor account-aggregation --set applications=hr --set checkDeleted=false'
    const { code, stdout } = await runCli(line, { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('iqtask run mine --dry-run')
    expect(readFileSync(file(cwd), 'utf8')).toMatch(/^# yaml-language-server: .*\nkind: TaskDefinition\nname: mine\n/)
    expect(readFileSync(file(cwd), 'utf8')).toContain('checkDeleted: false')
    expect(readFileSync(file(cwd), 'utf8')).not.toContain('recorrelate')
    const { sections } = JSON.parse((await runCli('run mine --json', { cwd })).stdout) as {
      sections: { application: string }[]
    }
    expect(sections.map((section) => section.application)).toEqual(['hr'])
  })

  it('writes an executor with its test, and both run', async () => {
    const cwd = project(smallOrganisation)
    const { code, stdout } = await runCli('task new mine --executor ./mine.ts', { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('mine.test.js')
    await runCli('run aggregation', { cwd })
    const command = [process.execPath, '--no-warnings', join(import.meta.dirname, '../../bin/iqtask.js')].join(' ')
    const tested = spawnSync(process.execPath, ['--test', join(cwd, 'tasks/mine.test.js')], {
      encoding: 'utf8',
      env: { ...process.env, IQTASK: command, NODE_TEST_CONTEXT: undefined },
    })
    expect([tested.status, tested.stdout]).toEqual([0, expect.stringContaining('pass 1')])
    write(cwd, { 'tasks/mine.ts': 'export default 1\n' })
    expect((await runCli('task new other --executor ./mine.ts', { cwd })).code).toBe(0)
    expect(readFileSync(join(cwd, 'tasks/mine.ts'), 'utf8')).toBe('export default 1\n')
    const failing = spawnSync(process.execPath, ['--test', join(cwd, 'tasks/mine.test.js')], {
      env: { ...process.env, IQTASK: command, NODE_TEST_CONTEXT: undefined },
    })
    expect(failing.status).toBe(1)
  })

  it('asks at a terminal for what is missing', async () => {
    const cwd = project(smallOrganisation)
    const asked = await runCli('task new', { cwd, tty: true, answer: ['mine', 'account-aggregation', 'hr,ad'] })
    expect(asked.code).toBe(0)
    expect(asked.stderr).toContain('name of the task')
    expect(readFileSync(file(cwd), 'utf8')).toMatch(/applications:\n {4}- hr\n {4}- ad/)
  })

  it.runIf(machineHas('script', 'bsdutils'))('asks at a real terminal, one question after the other', async () => {
    const cwd = project(smallOrganisation)
    const bin = join(import.meta.dirname, '../../bin/iqtask.js')
    const terminal = openTerminal(`${process.execPath} ${bin} task new`, cwd)
    try {
      for (const [question, typed] of [
        ['name of the task: ', 'mine'],
        ['executor (account-aggregation', 'account-aggregation'],
        ['applications (several', 'hr,ad'],
      ] as const) {
        await until(() => terminal.said().includes(question))
        terminal.type(`${typed}\n`)
      }
      await until(() => terminal.said().includes('iqtask run mine --dry-run'))
      await terminal.closed()
    } finally {
      terminal.kill()
    }
    expect(readFileSync(file(cwd), 'utf8')).toMatch(/applications:\n {4}- hr\n {4}- ad/)
  })

  it.each([
    ['task new', 'IQ1010', 'iqtask task new NAME'],
    ['task new mine --no-input', 'IQ1010', '--executor NAME'],
    ['task new Mine --executor account-aggregation', 'IQ1002', 'a-z'],
    ['task new mine --executor acount-aggregation', 'IQ1105', 'did you mean account-aggregation'],
    ['task new mine --executor account-aggregation', 'IQ1010', '--set applications=VALUE'],
    ['task new mine --executor ./mine.py', 'IQ1002', './mine.ts'],
    ['task new mine --executor ../../mine.ts', 'IQ1002', './mine.ts'],
    ['task new mine --executor ./mine.ts --set a=1', 'IQ1002', 'leave out --set'],
    [
      'task new mine --executor account-aggregation --set applications=hr --set recorelate=true',
      'IQ1008',
      'recorrelate',
    ],
  ])('refuses, and writes nothing: %s', async (line, code, hint) => {
    const cwd = project(smallOrganisation)
    const refused = await runCli(line, { cwd })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(code)
    expect(refused.stderr).toContain(hint)
    expect(existsSync(file(cwd))).toBe(false)
  })

  it('never writes over a task that is there', async () => {
    const cwd = project({
      ...smallOrganisation,
      'tasks/mine.yaml': 'kind: TaskDefinition\nname: mine\nexecutor: undo\n',
    })
    const { code, stderr } = await runCli('task new mine --executor undo --set result=x', { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain('IQ1110')
    expect(readFileSync(file(cwd), 'utf8')).toContain('executor: undo')
  })
})

describe('task types', () => {
  it('tells what each executor needs and takes', async () => {
    const { stdout } = await runCli('task types --json', { cwd: project(smallOrganisation) })
    const { items } = JSON.parse(stdout) as { items: { name: string; required: string[]; optional: string[] }[] }
    const aggregation = items.find((item) => item.name === 'account-aggregation')
    expect(aggregation?.required).toEqual(['applications'])
    expect(aggregation?.optional).toContain('checkDeleted')
  })
})
