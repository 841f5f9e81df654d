import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { write } from '../helpers/files.ts'
import type { FaultFigure, Measured, Size } from './figure.ts'
import { integrityOf, storeOf } from './scenario.ts'
import type { Tool } from './tool.ts'

const rowsEach = 200
const config = 'timeZone: UTC\n'
const application = (name: string): string =>
  `kind: Application\nname: ${name}\nconnector: delimited\nconnection: { file: ../${name}.csv }\naccount: { nativeIdentity: id }\n`
const task = (name: string): string =>
  `kind: TaskDefinition\nname: ${name}\nexecutor: account-aggregation\narguments: { applications: [${name}] }\nlossLimit: 5\n`
const feed = (name: string): string =>
  `id,name\n${Array.from({ length: rowsEach }, (_, i) => `${i},${name} ${i}\n`).join('')}`

async function sixteen(tool: Tool, size: Size): Promise<Measured> {
  const processes = size === 'all' ? 64 : 16
  const cwd = mkdtempSync(join(tmpdir(), 'iqtask-many-'))
  const names = Array.from({ length: processes }, (_, i) => `app${i}`)
  write(cwd, {
    'iqtask.config.yaml': config,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`applications/${name}.yaml`, application(name)],
        [`tasks/${name}.yaml`, task(name)],
        [`${name}.csv`, feed(name)],
      ]),
    ),
  })
  try {
    const start = performance.now()
    const ended = await Promise.all(names.map((name) => tool.run(cwd, ['run', name])))
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    const wrong = ended.flatMap((one, i) =>
      one.status === 0 ? [] : [`${names[i]} ended with ${one.status}: ${one.stderr}`],
    )
    if (integrityOf(storeOf(cwd)) !== 'ok') wrong.push('the store is not whole')
    const db = new Sqlite(storeOf(cwd), { readonly: true })
    const rows = Number(db.prepare('select count(*) from account').pluck().get())
    db.close()
    if (rows !== processes * rowsEach) wrong.push(`${rows} accounts are there instead of ${processes * rowsEach}`)
    const verified = await tool.run(cwd, ['audit', 'verify'])
    if (verified.status !== 0) wrong.push(`the audit trail is broken: ${verified.stdout}${verified.stderr}`)
    return {
      value: `${processes} processes, ${rows} rows in ${(rowsEach * processes) / 5} chunks, ${seconds} s; ${wrong.length} wrong`,
      wrong,
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

export const manyProcesses: FaultFigure = {
  id: 'F9',
  what: '16 processes write to one store at once',
  goal: 'nothing lost, nothing twice, nobody told that the store is busy',
  measure: sixteen,
}

/** Starts the same task at once, `starts` times; its feed comes through a pipe, so that the one that runs stays until it is told. */
async function oneOfMany(tool: Tool, starts: number): Promise<string[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'iqtask-once-'))
  write(cwd, {
    'iqtask.config.yaml': config,
    'applications/app.yaml': application('app'),
    'tasks/app.yaml': task('app'),
  })
  try {
    const children = Array.from({ length: starts }, () => {
      const [command, words] = tool.command(['run', 'app', '--set', 'input=-'])
      const child = spawn(command, words, { cwd, stdio: ['pipe', 'ignore', 'ignore'] })
      child.stdin.on('error', () => undefined)
      return { child, closed: once(child, 'close') as Promise<[number | null]> }
    })
    const codes: (number | null)[] = []
    const all = children.map(async ({ closed }) => {
      codes.push((await closed)[0])
      // only the one that runs is left: now it may read
      if (codes.length === starts - 1) for (const { child } of children) child.stdin.end(feed('app'))
    })
    await Promise.all(all)
    const busy = codes.filter((code) => code === 5).length
    const ran = codes.filter((code) => code === 0).length
    return ran === 1 && busy === starts - 1
      ? []
      : [`${ran} ran, ${busy} were told it runs; exit codes ${codes.join(' ')}`]
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

const rounds: Readonly<Record<Size, number>> = { sample: 1, usual: 20, all: 200 }

export const oneRuns: FaultFigure = {
  id: 'F10',
  what: 'the same task started 20 times at once',
  goal: 'exactly one runs, the others end with 5',
  async measure(tool, size) {
    const wrong: string[] = []
    for (let round = 0; round < rounds[size]; round++) wrong.push(...(await oneOfMany(tool, 20)))
    return { value: `${rounds[size]} rounds, ${wrong.length} wrong`, wrong }
  },
}
