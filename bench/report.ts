import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Figure } from './figure.ts'

export interface Judged extends Figure {
  readonly suite: string
  readonly verdict: 'met' | 'missed' | 'told'
}

/** A small run only looks for orders of magnitude: its sizes are too small for the goals. */
export function judged(suite: string, figure: Figure, small: boolean): Judged {
  const { value, goal, slack = 10 } = figure
  const most = goal === undefined ? undefined : goal * (small ? slack : 1)
  return { suite, ...figure, goal: most, verdict: most === undefined ? 'told' : value <= most ? 'met' : 'missed' }
}

const marks = { met: '✔', missed: '✖', told: ' ' } as const

export function sentence({ verdict, what, value, unit, goal, note }: Judged): string {
  return `${marks[verdict]} ${what}: ${value} ${unit}${goal === undefined ? '' : ` (at most ${goal})`}  ${note}`
}

export type Machine = Readonly<Record<string, string | number>>

/** A figure without its machine says nothing. */
export function machine(): Machine {
  const folder = join(import.meta.dirname, '..')
  const packages = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string
    dependencies: Record<string, string>
  }
  const said = (command: string, ...args: string[]): string =>
    (spawnSync(command, args, { cwd: folder, encoding: 'utf8' }).stdout ?? '').trim()
  return {
    cpu: cpus()[0]?.model ?? '?',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    'better-sqlite3': packages.dependencies['better-sqlite3'] ?? '?',
    'sqlite3 shell': said('sqlite3', '--version').split(' ')[0] ?? '?',
    iqtask: packages.version,
    commit: said('git', 'rev-parse', '--short', 'HEAD'),
    at: new Date().toISOString(),
  }
}

export function markdown({ machine: on, figures }: { machine: Machine; figures: readonly Judged[] }): string {
  const lines = figures.map(
    ({ verdict, what, value, unit, goal, note }) =>
      `| ${what} | ${value} ${unit} | ${goal === undefined ? '' : `${goal} ${unit}`} | ${verdict === 'told' ? '' : verdict} | ${note} |`,
  )
  return `# Results

Written by \`npm run bench -- --write\`. ${Object.entries(on)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ')}

| what | figure | goal, at most | verdict | how |
|---|---|---|---|---|
${lines.join('\n')}
`
}
