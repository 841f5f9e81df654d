import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { digestOf } from '../helpers/digest.ts'
import { smallOrganisation, write } from '../helpers/files.ts'
import type { Tool, ToolRun } from './tool.ts'

/** Calls by which the store, its stage and its outputs change on disk. */
export const calls = ['pwrite64', 'fsync', 'fdatasync', 'ftruncate', 'rename', 'unlink'] as const
export type Call = (typeof calls)[number]

/** Something the tool does that may be disturbed anywhere. */
export interface Work {
  readonly name: string
  readonly args: readonly string[]
  /** Puts the project into the state in which the work begins. */
  prepare(tool: Tool, cwd: string): Promise<void>
  /** After a disturbance: brings it to its end. */
  goOn(tool: Tool, cwd: string): Promise<ToolRun>
  /** What the work makes outside the store, as a text; undefined: nothing. */
  output?(cwd: string): string | undefined
}

/** A work with the state it must reach, and how often the undisturbed one makes each call. */
export interface Scenario {
  readonly work: Work
  readonly tool: Tool
  readonly after: string
  readonly counts: Readonly<Record<Call, number>>
  /** A fresh copy of the project; the caller removes it. */
  copy(): string
  close(): void
}

const people = Array.from({ length: 12 }, (_, i) => `u${i},u${i}@example.com,yes,g${i % 5}|h${i % 3}`)
const lossLimit = 5
const task = `kind: TaskDefinition\nname: t\nexecutor: account-aggregation\narguments: { applications: [hr, ad] }\nlossLimit: ${lossLimit}\n`

async function aggregateOnce(tool: Tool, cwd: string): Promise<void> {
  write(cwd, { ...smallOrganisation, 'tasks/t.yaml': task })
  await worked(tool, cwd, ['run', 't'])
}

/** The next morning: somebody joined, somebody's name changed, the directory grew. */
async function nextMorning(tool: Tool, cwd: string): Promise<void> {
  await aggregateOnce(tool, cwd)
  write(cwd, {
    'hr.csv': smallOrganisation['hr.csv'].replace('Cy,', 'Cyd,').concat('4,Di,di@example.com,active,2024-01-01\n'),
    'ad.csv': `login,mail,enabled,groups\nada,ADA@example.com,yes,g2|g3\nbo,bo@example.com,no,g1\ncy,cy@example.com,no,\nsvc,,yes,g2\nsvc2,,yes,\n${people.join('\n')}\n`,
  })
}

async function worked(tool: Tool, cwd: string, args: readonly string[]): Promise<ToolRun> {
  const done = await tool.run(cwd, args)
  if (done.status !== 0 && done.status !== 3) throw new Error(`iqtask ${args.join(' ')}: ${done.stderr}${done.stdout}`)
  return done
}

/** Enough people, in no order, for indexes that are dropped and built afterwards. */
async function firstMorning(tool: Tool, cwd: string): Promise<void> {
  const rows = Array.from(
    { length: 1500 },
    (_, n) => `${(n * 7919) % 1500},P${n},p${n}@example.com,active,2024-01-01\n`,
  )
  write(cwd, {
    ...smallOrganisation,
    'hr.csv': `id,name,mail,state,start\n${rows.join('')}`,
    'tasks/t.yaml': task.replace('[hr, ad]', '[hr]').replace(`lossLimit: ${lossLimit}`, 'lossLimit: 400'),
  })
  await worked(tool, cwd, ['run', 't', '--dry-run'])
}

/** That morning's work is done. */
const after =
  (morning: Work['prepare']): Work['prepare'] =>
  async (tool, cwd) => {
    await morning(tool, cwd)
    await worked(tool, cwd, ['run', 't'])
  }

function indexesOf(cwd: string): string {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const names = db.prepare(`select name from sqlite_schema where type = 'index' order by name`).pluck().all()
  db.close()
  return `ok ${names.join(' ')}`
}

/** Of how many objects there are images: of each one. */
function packsOf(cwd: string): string {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const packs = db.prepare('select object, sum(objects) from removed group by object').raw().all()
  db.close()
  return JSON.stringify(packs)
}

const backup = 'safe.db'
const wide = [
  '--allow',
  'deletes,grantsRemoved,disables,identitiesInactivated,ownersChanged',
  '--reason',
  'a test',
] as const

export const works: readonly Work[] = [
  {
    name: 'aggregation',
    args: ['run', 't'],
    prepare: nextMorning,
    goOn: (tool, cwd) => tool.run(cwd, ['run', 't', '--resume']),
  },
  {
    name: 'first load',
    args: ['run', 't'],
    prepare: firstMorning,
    goOn: (tool, cwd) => tool.run(cwd, ['run', 't', '--resume']),
    output: indexesOf,
  },
  {
    name: 'undo',
    args: ['undo', 't@latest', ...wide],
    prepare: after(nextMorning),
    goOn: undoAgain,
  },
  {
    // of all that there is: packed first, then emptied
    name: 'undo of a first load',
    args: ['undo', 't@latest', ...wide],
    prepare: after(firstMorning),
    goOn: undoAgain,
    output: (cwd) => `${indexesOf(cwd)} ${packsOf(cwd)}`,
  },
  {
    name: 'backup',
    args: ['store', 'backup', backup],
    prepare: nextMorning,
    async goOn(tool, cwd) {
      // whole or absent: what is there is never half
      if (existsSync(join(cwd, backup))) return { status: 0, stdout: '', stderr: '' }
      return tool.run(cwd, ['store', 'backup', backup])
    },
    output: (cwd) =>
      existsSync(join(cwd, backup)) ? `${integrityOf(join(cwd, backup))} ${digestOf(cwd, backup)}` : undefined,
  },
]

/** Killed after its end it is done, and an undo of what is undone already is refused; killed before its first chunk it is asked for again. */
async function undoAgain(tool: Tool, cwd: string): Promise<ToolRun> {
  const recovered = await tool.run(cwd, ['recover'])
  if (hasEnded(cwd, 'undo')) return recovered
  return tool.run(cwd, ['run', 'undo', '--set', `result=${runOf(cwd, 't')}`, ...wide])
}

function hasEnded(cwd: string, task: string): boolean {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const sql = `select count(*) from task_result where task = ? and status in ('success', 'warning')`
  const ended = Number(db.prepare(sql).pluck().get(task)) > 0
  db.close()
  return ended
}

function runOf(cwd: string, name: string): string {
  const db = new Sqlite(join(cwd, 'var/iqtask.db'), { readonly: true })
  const id = db.prepare('select result_id from task_result where task = ? order by id desc limit 1').pluck().get(name)
  db.close()
  return String(id)
}

export const storeOf = (cwd: string): string => join(cwd, 'var/iqtask.db')

export function integrityOf(path: string): unknown {
  const db = new Sqlite(path)
  try {
    return db.pragma('integrity_check', { simple: true })
  } catch (error) {
    return error
  } finally {
    db.close()
  }
}

const stateOf = (work: Work, cwd: string): string => `${digestOf(cwd)} ${work.output?.(cwd) ?? ''}`

export async function openScenario(tool: Tool, work: Work): Promise<Scenario> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-scenario-'))
  const start = join(folder, 'start')
  await work.prepare(tool, start)
  let copies = 0
  const copy = (): string => {
    const target = join(folder, `copy-${++copies}`)
    cpSync(start, target, { recursive: true })
    return target
  }
  const undisturbed = copy()
  const traced = async (cwd: string): Promise<Scenario['counts']> => {
    const log = join(folder, 'trace')
    const done = await tool.run(cwd, work.args, {
      before: ['strace', '-f', '-o', log, '-e', `trace=${calls.join(',')}`],
    })
    if (done.status !== 0 && done.status !== 3) throw new Error(`${work.name}: ${done.stderr}`)
    const text = readFileSync(log, 'utf8')
    return Object.fromEntries(calls.map((call) => [call, callsOf(text, call)])) as Record<Call, number>
  }
  // a heartbeat falls into one run and not into the next: what all of them make is counted
  const counted = [await traced(undisturbed), await traced(copy()), await traced(copy())]
  const counts = Object.fromEntries(calls.map((call) => [call, Math.min(...counted.map((one) => one[call]))]))
  return {
    work,
    tool,
    after: stateOf(work, undisturbed),
    counts: counts as Record<Call, number>,
    copy,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** strace counts a thread's calls for itself: the most that one thread makes. */
function callsOf(trace: string, call: Call): number {
  const threads = new Map<string, number>()
  for (const [, thread = ''] of trace.matchAll(new RegExp(`^(\\d+) +${call}\\(`, 'gm')))
    threads.set(thread, (threads.get(thread) ?? 0) + 1)
  return Math.max(0, ...threads.values())
}

/** After a disturbance, and again after it was brought to its end; undefined when all is as promised. */
export async function faultOf(
  scenario: Scenario,
  cwd: string,
  status: number | null,
  told: boolean,
): Promise<string | undefined> {
  const { work, tool, after } = scenario
  const integrity = integrityOf(storeOf(cwd))
  if (integrity !== 'ok') return `the store is not whole: ${String(integrity)}`
  if (status === 0 || status === 3) {
    // a clean-up that fails after the work is done changes nothing of it
    if (stateOf(work, cwd) !== after) return `it ended with ${status} although the work is not done`
  } else if (told && status === null) return 'it died of a fault it should have told'
  const output = work.output?.(cwd)
  if (output?.startsWith('ok ') === false) return `its output is not whole: ${output}`
  return (await unfinished(scenario, cwd)) ?? reworked(cwd) ?? broken(await tool.run(cwd, ['audit', 'verify']))
}

export async function unfinished({ work, tool, after }: Scenario, cwd: string): Promise<string | undefined> {
  const done = await work.goOn(tool, cwd)
  if (done.status !== 0 && done.status !== 3) return `going on ended with ${done.status}: ${done.stderr}${done.stdout}`
  return stateOf(work, cwd) === after ? undefined : 'going on did not reach the state of an undisturbed run'
}

const broken = (verified: ToolRun): string | undefined =>
  verified.status === 0 ? undefined : `the audit trail is broken: ${verified.stdout}${verified.stderr}`

/** What was committed is not done again: the chunks of the last run touch as many objects as there were to touch (F6). */
function reworked(cwd: string): string | undefined {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const twice = db
    .prepare(
      `select key, count(*) n from (select run, key, json_extract(body, '$.digest') digest from audit where action = 'chunk.applied')
       group by run, key, digest having n > 1`,
    )
    .all() as { key: string; n: number }[]
  db.close()
  return twice.length === 0 ? undefined : `chunks were applied twice: ${twice.map((row) => row.key).join(', ')}`
}

/** Removes a copy, whatever mode its files have. */
export const remove = (cwd: string): void => rmSync(cwd, { recursive: true, force: true })
