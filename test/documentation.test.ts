import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseInvocation } from '../src/cli/program.ts'
import type { Terminal } from '../src/cli/terminal.ts'
import { commands, groups } from './helpers/commands.ts'
import { machineHas } from './helpers/machine.ts'
import { project } from './helpers/project.ts'
import { runCli } from './helpers/run-cli.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('the documentation', () => {
  it('opens with the two commands that do everything', () => {
    expect(readme.split('\n').slice(2, 5).join('\n')).toMatch(/^```\nnpm run demo .*\nnpm test /)
  })

  it('names every command and every task that comes with the tool', () => {
    for (const group of groups)
      for (const verb of group.commands)
        expect(readme, group.name).toMatch(new RegExp(`${group.name}[^\n]*${verb.name}`))
    for (const command of commands) expect(readme).toContain(`\`${command.name}\``)
    for (const file of readdirSync(join(root, 'tasks')))
      if (file.endsWith('.yaml')) expect(readme).toContain(`\`${file.replace('.yaml', '')}\``)
  })

  it('shows only commands that run: every line that begins with $ iqtask', async () => {
    let cwd = project()
    const lines = [...readme.matchAll(/^\$ (iqtask [^|\n]+?|cd \w+)(?: \| (.*))?$/gm)]
    expect(lines.length).toBeGreaterThan(8)
    for (const [, line = '', pipe] of lines) {
      if (line.startsWith('cd ')) {
        cwd = join(cwd, line.slice(3))
        continue
      }
      const { code, stdout } = await runCli(line.replace('iqtask ', ''), { cwd })
      expect([0, 3], line).toContain(code)
      if (pipe === undefined || !machineHas('jq')) continue
      const piped = spawnSync('sh', ['-c', pipe], { input: stdout, encoding: 'utf8' })
      expect([piped.status, piped.stdout.length > 10], `${line} | ${pipe}`).toEqual([0, true])
    }
  })

  it('answers --help for every command, examples first', async () => {
    const lines = [
      ...commands.map((c) => c.name),
      ...groups.flatMap((g) => g.commands.map((c) => `${g.name} ${c.name}`)),
    ]
    for (const line of lines) {
      const { code, stdout } = await runCli(`${line} --help`, { cwd: '/' })
      expect(code).toBe(0)
      expect(stdout.startsWith('Examples:\n  $ iqtask '), line).toBe(true)
    }
  })

  it('gives examples in --help that the command line takes, each of the command that it stands at', async () => {
    const all = [
      ...commands.map((command) => ({ name: command.name, command })),
      ...groups.flatMap((group) =>
        group.commands.map((command) => ({ name: `${group.name} ${command.name}`, command })),
      ),
    ].flatMap(({ name, command }) => command.examples.map((example) => ({ name, command, example })))
    // split as a shell does, which they are for
    const script = all.map(({ example }) => `printf '%s\\0' ${example.split(/ (?:\||>>?) /)[0]}; echo`).join('\n')
    const lines = spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trimEnd().split('\n')
    expect(lines.length).toBe(all.length)
    const terminal = { columns: 100, out: async () => true } as unknown as Terminal
    for (const [index, { name, command, example }] of all.entries()) {
      const [program, ...argv] = (lines[index] ?? '').split('\0').slice(0, -1)
      expect(program, example).toBe('iqtask')
      // another command may stand there too: what comes before, or after it
      const found = await parseInvocation(argv, terminal)
      expect(found, example).toBeDefined()
      if (argv.join(' ').startsWith(name)) expect(found?.command, example).toBe(command)
    }
  })
})
