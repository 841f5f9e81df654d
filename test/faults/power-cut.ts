import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { digestOf } from '../helpers/digest.ts'
import { machineHas, machineIsRoot } from '../helpers/machine.ts'
import { bigFeed } from './big-feed.ts'
import { type FaultFigure, type Measured, random, type Size } from './figure.ts'
import { integrityOf, openScenario, remove, type Scenario, storeOf, unfinished, type Work, works } from './scenario.ts'
import { must, type Tool } from './tool.ts'

/**
 * A disk of its own whose power can be cut: ext4 on a loop file; the shutdown ioctl without a flush of its journal
 * (EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH) forgets what was not synced.
 */
interface Disk {
  readonly folder: string
  cut(): void
  /** Power is back: the journal is replayed. */
  restart(): void
  close(): void
}

function openDisk(): Disk {
  const home = mkdtempSync(join(tmpdir(), 'iqtask-disk-'))
  const image = join(home, 'image')
  const folder = join(home, 'disk')
  mkdirSync(folder)
  must('truncate', '-s', '96M', image)
  must('mkfs.ext4', '-q', '-F', image)
  const mount = (): string => must('mount', '-o', 'loop', image, folder)
  mount()
  return {
    folder,
    cut: () =>
      must(
        'python3',
        '-c',
        `import fcntl, os, struct\nfd = os.open(${JSON.stringify(folder)}, os.O_RDONLY)\nfcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))`,
      ),
    restart() {
      must('umount', folder)
      mount()
    },
    close() {
      must('umount', folder)
      remove(home)
    },
  }
}

/** A chunk as the run tells of it once it is committed. */
interface Told {
  readonly section: string
  readonly phase: string
  readonly done: number
}

const toldIn = (text: string): Told[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{"type":"progress"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Told)
    .filter((event) => event.phase !== 'read')

/** Runs until it has told of `chunks` committed chunks, then the power goes. */
async function cutWhileRunning(
  tool: Tool,
  disk: Disk,
  cwd: string,
  args: readonly string[],
  chunks: number,
): Promise<Told[]> {
  const [command, words] = tool.command([...args, '--progress', 'jsonl'])
  const child = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const closed = once(child, 'close')
  let text = ''
  let told: Told[] | undefined
  child.stdout.on('data', (piece: Buffer) => {
    text += piece
    if (told !== undefined || toldIn(text).length < chunks) return
    // it must not go on and sync while the power goes
    child.kill('SIGSTOP')
    told = toldIn(text)
    disk.cut()
    child.kill('SIGKILL')
  })
  await closed
  if (told === undefined) disk.cut()
  return told ?? toldIn(text)
}

/** How far the store says the run is, as a place in the order of an undisturbed run's chunks. */
function placeOf(cwd: string, order: readonly Told[]): number {
  const db = new Sqlite(storeOf(cwd), { readonly: true })
  const text = db.prepare('select checkpoint from task_result order by id desc limit 1').pluck().get()
  db.close()
  const checkpoint = JSON.parse(String(text ?? '{"done":[]}')) as {
    done: string[]
    current?: { section: string; phase: string; after: number }
  }
  const { done, current } = checkpoint
  const inPhase = (one: Told): boolean => one.section === current?.section && one.phase === current.phase
  const at = order.findIndex((one) => inPhase(one) && one.done === current?.after)
  // it may have entered the next phase before it was stopped
  const entered = current?.after === 0 ? order.findIndex(inPhase) - 1 : -1
  return Math.max(
    at,
    entered,
    order.findLastIndex((one) => done.includes(one.section)),
  )
}

async function cutStore(
  tool: Tool,
  disk: Disk,
  scenario: Scenario,
  order: readonly Told[],
  chunks: number,
): Promise<string | undefined> {
  const cwd = join(disk.folder, 'project')
  const copy = scenario.copy()
  cpSync(copy, cwd, { recursive: true })
  remove(copy)
  must('sync', '-f', disk.folder)
  const told = await cutWhileRunning(tool, disk, cwd, scenario.work.args, chunks)
  disk.restart()
  try {
    const integrity = integrityOf(storeOf(cwd))
    if (integrity !== 'ok') return `after ${told.length} chunks: the store is not whole: ${String(integrity)}`
    const place = placeOf(cwd, order)
    if (place < told.length - 1) return `${told.length} chunks were told, the store knows of ${place + 1}`
    return await unfinished(scenario, cwd)
  } finally {
    remove(cwd)
  }
}

async function cutOutput(tool: Tool, disk: Disk, scenario: Scenario, delayMs: number): Promise<string | undefined> {
  const cwd = join(disk.folder, 'outputs')
  const copy = scenario.copy()
  cpSync(copy, cwd, { recursive: true })
  remove(copy)
  must('sync', '-f', disk.folder)
  const done = await tool.run(cwd, scenario.work.args)
  await sleep(delayMs)
  disk.cut()
  disk.restart()
  try {
    if (done.status !== 0) return `the backup ended with ${done.status}: ${done.stderr}`
    if (!existsSync(join(cwd, 'safe.db'))) return 'a finished backup is not there'
    if (integrityOf(join(cwd, 'safe.db')) !== 'ok' || digestOf(cwd, 'safe.db') !== digestOf(cwd))
      return 'a finished backup is not whole'
    return readFileSync(join(cwd, 'safe.db')).length === 0 ? 'a finished backup is empty' : undefined
  } finally {
    remove(cwd)
  }
}

const cuts: Readonly<Record<Size, number>> = { sample: 3, usual: 20, all: 150 }

/** Chunks that take long enough for the power to go between them, and so many changes that a thread checkpoints beside them. */
const work: Work = {
  name: 'a big feed',
  args: ['run', 't'],
  prepare: async (_tool, cwd) => bigFeed(cwd, 26_000),
  goOn: (tool, cwd) => tool.run(cwd, ['run', 't', '--resume']),
}

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const [backup = work] = works.filter((one) => one.name === 'backup')
  const scenario = await openScenario(tool, work)
  const outputs = await openScenario(tool, backup)
  const probe = scenario.copy()
  const order = toldIn((await tool.run(probe, [...work.args, '--progress', 'jsonl'])).stdout)
  remove(probe)
  const disk = openDisk()
  const next = random(20_260_404)
  const wrong: string[] = []
  try {
    for (let trial = 0; trial < cuts[size]; trial++) {
      const chunks = 1 + Math.floor(next() * order.length)
      wrong.push(...[await cutStore(tool, disk, scenario, order, chunks)].flatMap((one) => one ?? []))
      wrong.push(...[await cutOutput(tool, disk, outputs, next() * 5)].flatMap((one) => one ?? []))
    }
  } finally {
    disk.close()
    scenario.close()
    outputs.close()
  }
  return { value: `${cuts[size]} cuts while a run applies, ${cuts[size]} after a backup; ${wrong.length} wrong`, wrong }
}

export const powerCuts: FaultFigure = {
  id: 'F4',
  what: 'the power is cut (ext4 forgets what was not synced) while a run applies, and after a backup',
  goal: 'no told chunk lost, no short file, going on reaches the state of an undisturbed run',
  possible: () =>
    machineIsRoot() && machineHas('mkfs.ext4', 'e2fsprogs') && machineHas('mount') && machineHas('python3'),
  measure,
}
