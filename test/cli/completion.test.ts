import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { until } from '../helpers/spawn-cli.ts'
import { openTerminal } from '../helpers/terminal.ts'

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
    expect(await complete(cwd, 'results', 'show', '')).toEqual([id.slice(0, 12), 'aggregation@latest', 'latest'])
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

  it('knows accounts, identities, entitlements, the settings of a task and what they may be set to', async () => {
    const cwd = project(smallOrganisation)
    await runCli('run aggregation', { cwd })
    expect(await complete(cwd, 'account', 'show', 'a')).toEqual(['ad:'])
    expect(await complete(cwd, 'account', 'show', 'ad:s')).toEqual(['ad:svc', 'ad:svc2', 'ad:svc3'])
    expect(await complete(cwd, 'account', 'link', 'ad:svc', '')).toEqual(['1', '2', '3'])
    expect(await complete(cwd, 'why', 'a')).toEqual(['account'])
    expect(await complete(cwd, 'why', 'identity', '2')).toEqual(['2'])
    expect(await complete(cwd, 'entitlement', 'show', 'ad:gr')).toContain('ad:groups:g1')
    expect(await complete(cwd, 'account', 'find', '--holds', 'ad:groups:g1')).toContain('ad:groups:g1')
    expect(await complete(cwd, 'results', 'show', 'aggregation@')).toEqual(['aggregation@latest'])
    expect(await complete(cwd, 'run', 'aggregation', '--set', 'appl')).toEqual(['applications='])
    expect(await complete(cwd, 'run', 'aggregation', '--set', 'applications=hr,')).toEqual(['applications=hr,ad'])
    expect(await complete(cwd, 'task', 'new', 'x', '--executor', 'acc')).toEqual(['account-aggregation'])
    expect(await complete(cwd, 'run', 'aggregation', '--allow', 'deletes,emptyS')).toEqual(['deletes,emptySource'])
    expect(await complete(cwd, 'run', 'aggregation', '--forbid', 'dis')).toEqual(['disable'])
    expect(await complete(cwd, 'results', '--status=wa')).toEqual(['--status=warning'])
    expect(await complete(cwd, 'plan', 'sh')).toEqual(['show'])
    expect(await complete(cwd, 'plan', 'show', 'la')).toEqual(['latest'])
  })

  /** A line editor of its own: what is typed there, and what the command then gets. */
  const shells = {
    bash: { start: 'bash --norc -i', load: 'PS1="> "; source ./completion' },
    zsh: { start: 'zsh -f -i', load: 'autoload -U compinit; compinit -u -d ./dump; source ./completion' },
    fish: { start: 'fish --no-config -i', load: 'source ./completion' },
  } as const
  const typed = {
    'run agg': ['run', 'aggregation'],
    'results show aggregation@la': ['results', 'show', 'aggregation@latest'],
    'account show ad:svc2': ['account', 'show', 'ad:svc2'],
    'account show ad:a': ['account', 'show', 'ad:ada'],
    'run aggregation --set applications=h': ['run', 'aggregation', '--set', 'applications=hr'],
    'entitlement show ad:groups:two': ['entitlement', 'show', 'ad:groups:two words'],
    'application profile ad.c': ['application', 'profile', 'ad.csv'],
  }
  for (const [shell, { start, load }] of Object.entries(shells))
    it.runIf(machineHas(shell) && machineHas('script', 'bsdutils'))(
      `completes what is typed in ${shell}, names with @, : and = and a file included`,
      async () => {
        const cwd = project({ ...smallOrganisation, 'ad.csv': `${smallOrganisation['ad.csv']}x,,yes,two words\n` })
        await runCli('run aggregation', { cwd })
        writeFileSync(join(cwd, 'completion'), (await runCli(`completion ${shell}`, { cwd })).stdout)
        // to be asked what fits is answered by the tool; what is run is only told
        const command = join(cwd, 'iqtask')
        writeFileSync(
          command,
          `#!/bin/sh\nif [ "$1" = __complete ]; then exec "${process.execPath}" "${join(root, 'bin/iqtask.js')}" "$@"; fi\nprintf '<%s>' "$@" >> ran; echo >> ran\n`,
        )
        chmodSync(command, 0o755)
        const terminal = openTerminal(`stty cols 150; ${start}`, cwd, {
          PATH: `${cwd}:${process.env.PATH}`,
          LANG: 'C.UTF-8',
        })
        const ran = (): string[] =>
          (existsSync(join(cwd, 'ran')) ? readFileSync(join(cwd, 'ran'), 'utf8') : '').split('\n')
        try {
          terminal.type(`${load}; iqtask ready\n`)
          await until(() => ran().includes('<ready>'))
          let done = 1
          for (const line of Object.keys(typed)) {
            terminal.type(`iqtask ${line}\t`)
            // what the shell draws after a Tab comes with the answer
            await until(() => stripVTControlCharacters(terminal.said()).includes(lastOf(line)))
            terminal.type('\n')
            done++
            await until(() => ran().length > done).catch(() => expect([line, terminal.said()]).toBe('run'))
          }
          terminal.type('exit\n')
          await terminal.closed()
        } finally {
          terminal.kill()
        }
        expect(ran().slice(1, -1)).toEqual(
          Object.values(typed).map((words) => words.map((word) => `<${word}>`).join('')),
        )
      },
    )
  const lastOf = (line: string): string => (typed[line as keyof typeof typed].at(-1) ?? '').split(' ')[0] ?? ''
})
