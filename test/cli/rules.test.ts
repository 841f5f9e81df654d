import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { codes } from '../../src/base/codes.ts'
import { styleOf } from '../../src/cli/render/style.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { topics } from '../../src/cli/topics.ts'
import type { ListDocument, TaskResultDocument } from '../../src/model/documents.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation, write } from '../helpers/project.ts'
import { runCli } from '../helpers/run-cli.ts'
import { spawnCli, until } from '../helpers/spawn-cli.ts'

/** A file for a shell: the command line from the sources. */
const entry = join(import.meta.dirname, '../../src/cli/main.ts')
const shell = (cwd: string, line: string) =>
  spawnSync('bash', ['-o', 'pipefail', '-c', line], {
    cwd,
    encoding: 'utf8',
    env: {
      ...process.env,
      IQ: `${process.execPath} --no-warnings -e import("${entry}").then(m=>m.runProcess()) iqtask`,
    },
  })

async function aggregated(): Promise<string> {
  const cwd = project(smallOrganisation)
  await runCli('run aggregation', { cwd })
  return cwd
}
const running = async (cwd: string): Promise<void> =>
  until(async () => (await runCli('ps --json', { cwd })).stdout.includes('"running"'))

describe('the command line, rule by rule', () => {
  it('2: prints everything before it ends, also more than a pipe holds', async () => {
    const people = Array.from({ length: 3_000 }, (_, i) => `${i},N ${i},m${i}@example.com,active,2024-01-01`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${people.join('\n')}\n` })
    await runCli('run aggregation --set applications=hr', { cwd })
    const { stdout, code } = await spawnCli(['account', 'find', '--json'], cwd).done
    expect(stdout.length).toBeGreaterThan(500_000)
    expect([code, (JSON.parse(stdout) as { items: object[] }).items.length]).toEqual([0, 3_000])
  })

  it('1: keeps what it found on stdout, and everything else on stderr', async () => {
    const cwd = await aggregated()
    const wrong = await runCli('account show ad:nobody', { cwd })
    expect([wrong.stdout, wrong.stderr]).toEqual(['', expect.stringContaining('iqtask account find nobody')])
    const fine = await runCli('account show ad:ada', { cwd })
    expect([fine.stdout, fine.stderr]).toEqual([expect.stringContaining('ad:ada'), ''])
  })

  it('1: prints one result in whatever form is asked for, all of the same content', async () => {
    const cwd = await aggregated()
    const as = async (more: string): Promise<string> => (await runCli(`results ${more}`, { cwd })).stdout
    const { items, total, schema } = JSON.parse(await as('--json')) as ListDocument<TaskResultDocument>
    expect([schema, total, items.length]).toEqual(['iqtask/List/1', 1, 1])
    const id = items[0]?.id ?? ''
    expect(await as('--output json')).toBe(await as('--json'))
    expect(JSON.parse(await as('--output jsonl'))).toEqual(items[0])
    expect(parseYaml(await as('--output yaml'))).toEqual({ schema, items, total, cursor: null })
    const [head = '', row = ''] = (await as('--output csv')).split('\r\n')
    expect(row.split(',')[head.split(',').indexOf('id')]).toBe(id)
    expect(await as('--output csv --fields id,counts.read')).toBe(`id,counts.read\r\n${id},9\r\n`)
    expect(await as('--output table')).toMatch(new RegExp(`^RESULT .*\n${id.slice(0, 12)} `))
    expect(await as('--output wide')).toContain(' BY\n')
  })

  it('1: streams the events of a run as JSON lines; the last is its result', async () => {
    const cwd = project(smallOrganisation)
    const { stdout } = await runCli('run aggregation --progress jsonl', { cwd })
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; result?: TaskResultDocument })
    expect(events[0]?.type).toBe('started')
    expect(events.filter((event) => event.type === 'result')).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({
      type: 'result',
      result: { task: 'aggregation', schema: 'iqtask/TaskResult/1' },
    })
  })

  it('2: survives a reader that goes away, and reads no more of the store for it than was wanted', async () => {
    const people = Array.from({ length: 3_000 }, (_, i) => `${i},N ${i},m${i}@example.com,active,2024-01-01`)
    const cwd = project({ ...smallOrganisation, 'hr.csv': `id,name,mail,state,start\n${people.join('\n')}\n` })
    await runCli('run aggregation --set applications=hr', { cwd })
    for (const line of ['account find --output jsonl', 'account find --json', 'results --output jsonl']) {
      const { status, stderr, stdout } = shell(cwd, `$IQ ${line} | head -1`)
      expect([line, status, stderr, stdout.split('\n').length]).toEqual([line, 0, '', 2])
    }
  })

  it('2: ends its process only for a second Ctrl-C', () => {
    const sources = readdirSync(join(import.meta.dirname, '../../src'), { recursive: true, encoding: 'utf8' })
    const ending = sources
      .filter((file) => file.endsWith('.ts') && !file.startsWith('executor-host'))
      .filter((file) => readFileSync(join(import.meta.dirname, '../../src', file), 'utf8').includes('process.exit('))
    expect(ending).toEqual(['cli/commands/run.ts'])
  })

  it.each([
    // terminal, environment, option, colour
    [false, {}, true, 0],
    [true, {}, true, 1],
    [true, { NO_COLOR: '1' }, true, 0],
    [true, { NO_COLOR: '' }, true, 1],
    [true, { TERM: 'dumb' }, true, 0],
    [true, {}, false, 0],
    [false, { FORCE_COLOR: '1' }, true, 1],
    [false, { FORCE_COLOR: '0' }, true, 0],
    [true, { TERM: 'dumb', FORCE_COLOR: '1' }, true, 1],
    [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, 0],
    [false, { FORCE_COLOR: '1' }, false, 0],
  ] as const)('3: colour: terminal %s, %o, --no-color absent %s: %i', (isTerminal, env, color, level) => {
    expect(styleOf({ env } as unknown as Terminal, isTerminal, color).level).toBe(level)
    expect(styleOf({ env } as unknown as Terminal, isTerminal, color).red('x') === 'x').toBe(level === 0)
  })

  it('3: says the same without colour: each status has a word and a sign of its own', async () => {
    const cwd = await aggregated()
    const plain = await runCli('results', { cwd, tty: true, env: { NO_COLOR: '1' } })
    const painted = await runCli('results', { cwd, tty: true })
    expect(stripVTControlCharacters(painted.stdout)).toBe(plain.stdout)
    expect(painted.stdout).not.toBe(plain.stdout)
  })

  it('4: asks only at a terminal; --yes answers, --no-input never asks', async () => {
    const cwd = await aggregated()
    await runCli('store backup b.db', { cwd })
    const restore = (more: string, options: { tty?: boolean; answer?: string } = {}) =>
      runCli(`store restore b.db ${more}`, { cwd, ...options })
    const piped = await restore('')
    expect([piped.code, piped.stderr]).toEqual([2, expect.stringContaining('add --yes')])
    const told = await restore('--no-input', { tty: true, answer: 'y' })
    expect([told.code, told.stderr]).toEqual([2, expect.not.stringContaining('[y/N]')])
    expect((await restore('', { tty: true, answer: 'n' })).code).toBe(2)
    expect((await restore('', { tty: true, answer: 'y' })).code).toBe(0)
    expect((await restore('--yes')).code).toBe(0)
  })

  it('5: says in an error what, where, what was expected and what to type next; its code can be explained', async () => {
    const cwd = project({
      ...smallOrganisation,
      'applications/ad.yaml': smallOrganisation['applications/ad.yaml'].replace('connection:', 'conection:'),
    })
    const { stderr } = await runCli('application test ad', { cwd })
    expect(stderr).toMatch(/conection.*\(IQ1103\)\n.*ad\.yaml:4:\d+\n.*did you mean connection/s)
    expect((await runCli('explain IQ1103', { cwd })).code).toBe(0)
  })

  it('6: stops at the next chunk after the first Ctrl-C and says so, and at once after the second', async () => {
    const cwd = project(smallOrganisation)
    const live = spawnCli(['run', 'aggregation', '--set', 'applications=ad', '--set', 'input=-'], cwd)
    let said = ''
    live.process.stderr.on('data', (piece: Buffer) => {
      said += piece
    })
    await running(cwd)
    // it waits for its input: nothing reaches it but signals
    live.process.kill('SIGSTOP')
    live.process.kill('SIGINT')
    live.process.kill('SIGCONT')
    await until(() => said.includes('stopping at the next chunk'))
    live.process.kill('SIGINT')
    const { code, signal } = await live.done
    // the second may find the run over and its listener gone: a shell calls that 130 too
    expect(signal === 'SIGINT' ? 130 : code).toBe(130)
    const [latest] = (JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] })
      .items
    expect(latest?.status).toBe('terminated')
  })

  it('5: explains every code, with a mend, and every topic', async () => {
    for (const what of [...Object.keys(codes), ...Object.keys(topics)]) {
      const { code, stdout } = await runCli(`explain ${what}`, { cwd: project() })
      expect([what, code, stdout.length > 40]).toEqual([what, 0, true])
    }
  })

  it('7: takes a setting from the flag, the environment, the project, the person or the default, and says from where', async () => {
    const cwd = project({ ...smallOrganisation, 'home/iqtask/config.yaml': 'store: person.db\nname: mine\n' })
    const env = { XDG_CONFIG_HOME: join(cwd, 'home') }
    const shown = async (more: Record<string, string> = {}): Promise<string> =>
      (await runCli('config show --origin', { cwd, env: { ...env, ...more } })).stdout
    expect(await shown()).toMatch(/store .*home\/iqtask\/config\.yaml .*person\.db/)
    write(cwd, { 'iqtask.config.yaml': `${smallOrganisation['iqtask.config.yaml']}store: own.db\n` })
    expect(await shown()).toMatch(/store .*iqtask\.config\.yaml .*own\.db/)
    expect(await shown({ IQTASK_STORE: 'env.db' })).toMatch(/store .*IQTASK_STORE .*env\.db/)
    expect((await runCli('config show --origin --config nowhere.yaml', { cwd, env })).code).toBe(2)
    expect((await runCli('config show --origin', { cwd })).stdout).toMatch(
      /retention +default +results 400 d, rejects 90 d, images 90 d, gone 730 d\n/,
    )
  })

  it('7: shows no header of the collector that is written out, and refuses one that is a secret', async () => {
    const telemetry = (headers: string): string =>
      `${smallOrganisation['iqtask.config.yaml']}telemetry: { endpoint: "http://127.0.0.1:9", headers: { ${headers} } }\n`
    const cwd = project({ ...smallOrganisation, 'iqtask.config.yaml': telemetry('x-key: hunter2, y: "${env:Y}"') })
    for (const line of ['config show', 'config show --json']) {
      const { stdout } = await runCli(line, { cwd })
      expect(stdout).toContain('${env:Y}')
      expect(stdout).not.toContain('hunter2')
    }
    write(cwd, { 'iqtask.config.yaml': telemetry('Authorization: Bearer hunter2') })
    const { code, stderr } = await runCli('results', { cwd })
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('telemetry.headers.Authorization is a secret written out'),
    ])
    expect(stderr).not.toContain('hunter2')
  })

  it('8: refuses a configuration and an executor that others may write', async () => {
    const cwd = project({
      'iqtask.config.ts': `export default { timeZone: 'UTC' }\n`,
      'tasks/mine.yaml': 'kind: TaskDefinition\nname: mine\nexecutor: ./mine.ts\n',
      'tasks/mine.ts': 'export default {}\n',
    })
    chmodSync(join(cwd, 'tasks/mine.ts'), 0o666)
    expect((await runCli('run mine', { cwd })).stderr).toMatch(/mine\.ts.*others|others.*mine\.ts/s)
    chmodSync(join(cwd, 'iqtask.config.ts'), 0o666)
    const { code, stderr } = await runCli('results', { cwd })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/iqtask\.config\.ts/)])
  })

  it('8: runs no code of the folder that it is called in', async () => {
    const spy = (name: string): string => `require('node:fs').writeFileSync(${JSON.stringify(name)}, '')\n`
    const cwd = project({
      '.config/config.js': spy('ran-js'),
      '.config/config.cjs': spy('ran-cjs'),
      'iqtaskrc.js': spy('ran-rc'),
      'package.json': '{ "cosmiconfig": { "searchPlaces": ["iqtaskrc.js"] } }',
    })
    const { code, stderr } = await spawnCli(['results'], cwd).done
    expect([code, stderr]).toEqual([2, expect.stringContaining('no project here')])
    expect(readdirSync(cwd).filter((name) => name.startsWith('ran'))).toEqual([])
  })

  it('9: shows times in the zone of the user and names it, or in UTC', async () => {
    const cwd = await aggregated()
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    expect((await runCli('results', { cwd })).stdout).toContain(`Times in ${zone}`)
    expect((await runCli('results --utc', { cwd })).stdout).toContain('Times in UTC')
    const { items } = JSON.parse((await runCli('results --json', { cwd })).stdout) as { items: TaskResultDocument[] }
    expect(items[0]?.queuedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })
})

describe.skipIf(!machineHas('strace'))('telemetry', () => {
  it('11: is not there: no command opens a connection', async () => {
    const cwd = project(smallOrganisation)
    const folder = mkdtempSync(join(tmpdir(), 'iqtask-net-'))
    try {
      const log = join(folder, 'trace')
      const strace = ['strace', '-f', '-e', 'trace=connect,sendto', '-o', log]
      for (const args of [['run', 'aggregation'], ['results'], ['doctor']]) await spawnCli(args, cwd, {}, strace).done
      const lines = readFileSync(log, 'utf8').split('\n')
      expect(lines.filter((line) => /connect\(|sendto\(/.test(line) && /AF_INET/.test(line))).toEqual([])
      expect(lines.join('\n')).toContain('exited with')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
