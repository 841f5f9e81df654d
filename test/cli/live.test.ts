import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openApp, type RunEvent } from '../../src/app.ts'
import { createProgress } from '../../src/cli/progress.ts'
import { type LiveRun, type LiveSection, renderLive } from '../../src/cli/render/live.ts'
import { plainStyle } from '../../src/cli/render/style.ts'
import { displayWidth } from '../../src/cli/render/table.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { machineHas } from '../helpers/machine.ts'
import { project, smallOrganisation } from '../helpers/project.ts'

const style = plainStyle
const section = (given: Partial<LiveSection>): LiveSection => ({
  phase: 'read',
  done: 0,
  total: undefined,
  estimated: false,
  startedMs: 0,
  heardMs: 0,
  over: false,
  ...given,
})
const run = (sections: Record<string, LiveSection>): LiveRun => ({
  title: 'aggregation  result 01JD8Q',
  sections: new Map(Object.entries(sections)),
})

describe('the live view', () => {
  it('has a line a section: bar, count, rate, and the rest by what earlier runs read', () => {
    const shown = renderLive(
      run({
        hr: section({ done: 48_211, heardMs: 7_900, over: true }),
        ad: section({ done: 24_400, total: 51_000, estimated: true, startedMs: 8_000, heardMs: 12_000 }),
      }),
      100,
      style,
    )
    expect(shown.split('\n')).toEqual([
      'aggregation  result 01JD8Q',
      '  hr  read  ████████████████  48,211            6.1k/s',
      '  ad  read  ███████░░░░░░░░░  24,400 / ~51,000  6.1k/s  eta 4.4 s',
    ])
  })

  it('goes without bars where the terminal is narrow', () => {
    const shown = renderLive(run({ hr: section({ done: 10, total: 20 }) }), 40, style)
    expect(shown).toContain('hr  read  10 / 20')
    expect(shown).not.toContain('█')
  })

  it('is never wider than the terminal, whatever a section is called', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('人事システム', 'e\u0301tude', '👩‍💻 team'))
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1 }),
        fc.integer({ min: 12, max: 120 }),
        fc.nat(),
        (names, columns, done) => {
          const sections = Object.fromEntries(
            names.map((one) => [one.replace(/[\x00-\x1f\x7f]/g, '.'), section({ done, heardMs: 5000, total: 10 })]),
          )
          for (const line of renderLive(run(sections), columns, style).split('\n'))
            expect(displayWidth(line)).toBeLessThan(columns)
        },
      ),
    )
  })
})

const started: RunEvent = { type: 'started', id: '01JD8Q000000XX', task: 'aggregation', store: 'var/iqtask.db' }
const progress = (done: number): RunEvent => ({ type: 'progress', section: 'hr', phase: 'read', done, total: null })

async function plainLines(
  errIsTerminal: boolean,
  env: Record<string, string>,
  mode: 'auto' | 'plain',
  usual: number | undefined,
): Promise<string> {
  let said = ''
  let now = 0
  const terminal = {
    env,
    errIsTerminal,
    columns: 80,
    errColumns: 80,
    errStream: process.stderr,
    err: (text: string) => {
      said += text
    },
  }
  const view = await createProgress(terminal as unknown as Terminal, {
    mode,
    style,
    usual: () => new Map(usual === undefined ? [] : [['hr', usual]]),
    nowMs: () => now,
  })
  view.event(started)
  for (let second = 0; second <= 25; second++) {
    now = second * 1000
    view.event(progress(second * 1000))
  }
  view.end()
  return said
}

describe('progress without a moving terminal', () => {
  // 5,000 is a tenth of what earlier runs read
  const tenths = [5, 10, 15, 20, 25].map((k) => `hr  read  ${k},000 / ~50,000  1.0k/s  eta ${(50 - k).toFixed(1)} s\n`)
  it.each([
    ['a pipe', false, {}, 'auto'],
    ['TERM=dumb', true, { TERM: 'dumb' }, 'auto'],
    ['plain, as a screen reader wants it', true, { TERM: 'xterm' }, 'plain'],
  ] as const)('says one plain line at each tenth of what earlier runs read: %s', async (_name, tty, env, mode) => {
    expect(await plainLines(tty, env, mode, 50_000)).toBe(tenths.join(''))
  })

  it('says one every ten seconds where no earlier run tells, and where a tenth takes longer', async () => {
    expect(await plainLines(false, {}, 'auto', undefined)).toBe('hr  read  10,000  1.0k/s\nhr  read  20,000  1.0k/s\n')
    const slow = await plainLines(false, {}, 'auto', 1_000_000)
    expect(slow.match(/read {2}[\d,]+/g)).toEqual(['read  10,000', 'read  20,000'])
  })

  it('says nothing more than once a second', async () => {
    const said = await plainLines(false, {}, 'auto', 25_000)
    expect(said.split('\n').length - 1).toBe(10)
    expect((await plainLines(false, {}, 'auto', 10)).split('\n').length - 1).toBeLessThanOrEqual(25)
  })
})

const slow =
  'kind: TaskDefinition\nname: slow\nexecutor: account-aggregation\narguments: { applications: hr }\nlossLimit: 1\n'

describe.runIf(machineHas('script', 'bsdutils'))('a run at a real terminal', () => {
  const bin = join(import.meta.dirname, '../../bin/iqtask.js')
  const at = (env: Record<string, string>, redirect = '', args = 'run aggregation'): string => {
    const rejected = `${smallOrganisation['hr.csv']}4,Di,di@example.com,active,never\n`
    const cwd = project({ ...smallOrganisation, 'hr.csv': rejected })
    const clean = { PATH: process.env.PATH, HOME: cwd, TERM: 'xterm' }
    return spawnSync('script', ['-qec', `stty cols 100; ${process.execPath} ${bin} ${args} ${redirect}`, '/dev/null'], {
      cwd,
      encoding: 'utf8',
      env: { ...clean, ...env },
    }).stdout
  }
  const moves = /\x1b\[\d*[GKA]/
  const colours = /\x1b\[[\d;]*m/

  it('moves and has colour; only the sixteen that every theme has', () => {
    const out = at({})
    expect(out).toMatch(moves)
    expect(out).toMatch(colours)
    expect(out).not.toMatch(/\x1b\[[34]8[;:]/)
    expect(stripVTControlCharacters(out)).toContain('⚠ warning')
  })

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['TERM=dumb', { TERM: 'dumb' }],
  ])('has no colour with %s', (_name, env) => {
    expect(at(env)).not.toMatch(/\x1b\[[\d;]*[1-9][\d;]*m/)
  })

  it('does not move with TERM=dumb or --progress plain', () => {
    expect(at({ TERM: 'dumb' })).not.toMatch(moves)
    expect(at({}, '', 'run aggregation --progress plain')).not.toMatch(moves)
    expect(at({ IQTASK_PROGRESS: 'plain' })).not.toMatch(moves)
  })

  it.each([
    ['plan', '', 'plan aggregation'],
    ['apply', 'plan aggregation --out a.plan', 'apply a.plan'],
    ['undo', 'run aggregation', 'undo latest --dry-run'],
    ['retry', 'run aggregation', 'retry'],
    ['a resumed run', '', 'run aggregation --resume'],
  ])('moves for %s', (_name, before, args) => {
    const first = before === '' ? '--version' : before
    expect(at({}, '', `${first} >/dev/null 2>&1; ${process.execPath} ${bin} ${args}`)).toMatch(moves)
  })

  it('moves for recover', async () => {
    // longer than the time between two pictures, on a fast machine too
    const many = Array.from({ length: 4000 }, (_, n) => `x${n},Name ${n},m${n}@example.com,active,2020-01-31\n`)
    const cwd = project({
      ...smallOrganisation,
      'hr.csv': smallOrganisation['hr.csv'] + many.join(''),
      'tasks/slow.yaml': slow,
    })
    const app = await openApp({ cwd, env: {} })
    const stop = new AbortController()
    const stopped = await app.run({
      ...{ task: 'slow', trigger: 'manual', set: {}, signal: stop.signal },
      onEvent: (event) => {
        if (event.type === 'progress' && event.phase === 'create') stop.abort()
      },
    })
    await app.close()
    expect(stopped.status).toBe('terminated')
    const args = ['-qec', `stty cols 100; ${process.execPath} ${bin} recover`, '/dev/null']
    const env = { PATH: process.env.PATH, HOME: cwd, TERM: 'xterm' }
    const { stdout } = spawnSync('script', args, { cwd, encoding: 'utf8', env })
    expect(stdout).toMatch(moves)
    expect(stripVTControlCharacters(stdout)).toMatch(/slow {2}result \w{12} {2}store /)
  })

  it('judges stdout and stderr apart: the result in a file is plain while the terminal moves', () => {
    const out = at({}, '> out.txt; cat -v out.txt')
    expect(out).toMatch(moves)
    expect(out).toContain('M-b') // the bytes of the sign, as cat -v shows them
    expect(out).not.toContain('^[')
  })

  it('has colour in a file where FORCE_COLOR asks for it', () => {
    expect(at({ FORCE_COLOR: '1' }, '> out.txt; cat -v out.txt')).toContain('^[[33m')
  })
})
