import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'

const root = join(import.meta.dirname, '../..')
const complete = async (cwd: string, ...words: string[]): Promise<string[]> =>
  (await runCli(['__complete', ...words], { cwd })).stdout.split('\n').filter((one) => one !== '')

describe('completion', () => {
  it('knows commands, verbs, options and their choices', async () => {
    expect(await complete('/', 're')).toEqual(['recover', 'results', 'retry'])
    expect(await complete('/', 'results', 'f')).toEqual(['failures'])
    expect(await complete('/', 'results', '--si')).toEqual(['--since'])
    expect(await complete('/', 'run', '--dry')).toEqual(['--dry-run'])
    expect(await complete('/', 'run', '--if-running', '')).toEqual(['fail', 'skip', 'wait'])
    expect(await complete('/', 'results', '--output', 'js')).toEqual(['json', 'jsonl'])
    expect(await complete('/', 'explain', 'gu')).toEqual(['guards'])
    expect(await complete('/', 'schema', 'Appl')).toEqual(['Application'])
    expect(await complete('/', 'completion', '')).toEqual(['bash', 'fish', 'zsh'])
    expect(await complete('/', 'nonsense', '')).toEqual([])
  })

  it('knows the tasks, applications and results that there are', async () => {
    const cwd = project(smallOrganisation)
    expect(await complete(cwd, 'run', 'agg')).toEqual(['aggregation'])
    expect(await complete(cwd, 'run', 'aggregation', '--dry-run', 'ent')).toEqual(['entitlement-aggregation'])
    expect(await complete(cwd, 'application', 'show', '')).toEqual(['ad', 'hr'])
    expect(await complete(cwd, 'account', 'find', '--application', 'h')).toEqual(['hr'])
    expect(await complete(cwd, 'task', 'show', 'und')).toEqual(['undo'])
    expect(await complete(cwd, 'results', 'show', '')).toEqual([])
    const { id } = JSON.parse((await runCli('run aggregation --json', { cwd })).stdout) as { id: string }
    expect(await complete(cwd, 'results', 'show', '')).toEqual([id.slice(0, 12), 'latest'])
    expect(await complete(cwd, 'undo', 'la')).toEqual(['latest'])
  })

  it('says nothing where there is no project, and never an error', async () => {
    const { stdout, stderr } = await runCli(['__complete', 'run', 'a'], { cwd: '/' })
    expect(stdout + stderr).toBe('')
  })

  it('suggests the nearest shell', async () => {
    const { code, stderr } = await runCli('completion bsh', { cwd: '/' })
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean bash')
  })

  const shells = {
    bash: 'COMP_WORDS=(iqtask run agg); COMP_CWORD=2; _iqtask; printf "%s\\n" "${COMPREPLY[@]}"',
    zsh: 'words=(iqtask run agg); CURRENT=3; _iqtask',
    fish: "complete -C 'iqtask run agg'",
  } as const
  for (const [shell, ask] of Object.entries(shells))
    it.runIf(machineHas(shell))(`completes the name of a task in ${shell}`, async () => {
      const cwd = project(smallOrganisation)
      const script = join(cwd, 'completion')
      writeFileSync(script, (await runCli(`completion ${shell}`, { cwd })).stdout)
      const command = join(cwd, 'iqtask')
      writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/iqtask.js')}" "$@"\n`)
      chmodSync(command, 0o755)
      // outside of its line editor zsh has no completion system: what it would be handed is printed
      const stubs = shell === 'zsh' ? 'compdef() { }; compadd() { print -l ${(P)2} }; ' : ''
      const { stdout, stderr } = spawnSync(shell, ['-c', `${stubs}source ${script}; ${ask}`], {
        cwd,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${cwd}:${process.env.PATH}`, HOME: cwd },
      })
      expect(stdout.trim(), stderr).toBe('aggregation')
    })
})
