import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { digestOf } from '../helpers/digest.ts'
import { smallOrganisation, write } from '../helpers/files.ts'

/** Calls by which the store and its stage change on disk. */
export const calls = ['pwrite64', 'fsync', 'fdatasync', 'ftruncate', 'unlink', 'unlinkat'] as const
export type Call = (typeof calls)[number]
export const faults = ['SIGKILL', 'ENOSPC', 'EIO'] as const
export type Fault = (typeof faults)[number]

const entry = join(import.meta.dirname, '../../src/cli/main.ts')
const code = `import(${JSON.stringify(entry)}).then((m) => m.runProcess())`

/** A project that was aggregated once, and whose sources then changed: what every disturbed run starts from. */
export interface FaultBench {
  readonly folder: string
  readonly before: string
  readonly after: string
  /** How often the undisturbed run makes each call. */
  readonly counts: Readonly<Record<Call, number>>
  close(): void
}

const people = Array.from({ length: 40 }, (_, i) => `u${i},u${i}@example.com,yes,g${i % 5}|h${i % 3}`)
const task =
  'kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr, ad] }\nlossLimit: 5\n'

export function openFaultBench(): FaultBench {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-faults-'))
  const start = join(folder, 'start')
  write(start, { ...smallOrganisation, 'tasks/t.yaml': task })
  run(start, ['run', 't'])
  write(start, {
    'hr.csv': smallOrganisation['hr.csv'].replace('Cy,', 'Cyd,').concat('4,Di,di@example.com,active,2024-01-01\n'),
    'ad.csv': `login,mail,enabled,groups\nada,ADA@example.com,yes,g2|g3\nbo,bo@example.com,no,g1\ncy,cy@example.com,no,\nsvc,,yes,g2\nsvc2,,yes,\n${people.join('\n')}\n`,
  })
  const undisturbed = copy(folder, start, 'undisturbed')
  const log = join(folder, 'trace')
  run(undisturbed, ['run', 't'], ['strace', '-f', '-o', log, '-e', `trace=${calls.join(',')}`])
  const text = readFileSync(log, 'utf8')
  const counts = Object.fromEntries(calls.map((call) => [call, text.split(` ${call}(`).length - 1])) as Record<
    Call,
    number
  >
  return {
    folder,
    before: digestOf(start),
    after: digestOf(undisturbed),
    counts,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function copy(folder: string, start: string, name: string): string {
  const target = join(folder, name)
  cpSync(start, target, { recursive: true })
  return target
}

function run(
  cwd: string,
  args: readonly string[],
  before: readonly string[] = [],
): { status: number | null; stderr: string } {
  const [command = '', ...rest] = [...before, process.execPath, '--no-warnings', '-e', code, 'iqtask', ...args]
  const done = spawnSync(command, rest, { cwd, encoding: 'utf8' })
  return { status: done.status, stderr: done.stderr }
}

export interface FaultOutcome {
  /** The injected fault really happened. */
  readonly fired: boolean
  /** What was wrong; undefined when nothing was. */
  readonly wrong: string | undefined
}

/**
 * Runs the task with one fault at the n-th of the calls (`forever`: at it and all after it), then lets it resume, and compares:
 * the store is whole at once, a failure never exits 0, and in the end everything is as if nothing had happened.
 */
export function disturb(bench: FaultBench, call: Call, n: number, fault: Fault, forever = false): FaultOutcome {
  const name = `${call}-${n}-${fault}${forever ? '-on' : ''}`
  const cwd = copy(bench.folder, join(bench.folder, 'start'), name)
  const log = join(bench.folder, `${name}.trace`)
  const what = fault === 'SIGKILL' ? 'signal=SIGKILL' : `error=${fault}`
  const injected = `inject=${call}:${what}:when=${n}${forever ? '+' : ''}`
  try {
    const done = run(cwd, ['run', 't'], ['strace', '-f', '-o', log, '-e', `trace=${call}`, '-e', injected])
    const trace = readFileSync(log, 'utf8')
    const fired = fault === 'SIGKILL' ? trace.includes('killed by SIGKILL') : trace.includes('(INJECTED)')
    return { fired, wrong: judge(bench, cwd, done.status, fault) }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

function judge(bench: FaultBench, cwd: string, status: number | null, fault: Fault): string | undefined {
  const integrity = integrityOf(cwd)
  if (integrity !== 'ok') return `the store is not whole: ${integrity}`
  const now = digestOf(cwd)
  // a clean-up that fails after the work is done changes nothing of it
  if (status === 0 || status === 3) {
    if (now !== bench.after) return `it ended with ${status} although the work is not done`
  } else if (fault !== 'SIGKILL' && status === null) return 'it was killed by a fault it should have told'
  const resumed = run(cwd, ['run', 't', '--resume'])
  if (resumed.status !== 0 && resumed.status !== 3) return `the resume ended with ${resumed.status}: ${resumed.stderr}`
  if (digestOf(cwd) !== bench.after) return 'the resume did not reach the state of an undisturbed run'
  const verified = run(cwd, ['audit', 'verify'])
  return verified.status === 0 ? undefined : 'the audit trail is broken'
}

function integrityOf(cwd: string): unknown {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'))
  try {
    return db.pragma('integrity_check', { simple: true })
  } finally {
    db.close()
  }
}
