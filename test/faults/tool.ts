import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')

/** One place of the sources that is made wrong on purpose. */
export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface ToolRun {
  /** Null when a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Words before the command: `strace …`. */
  readonly before?: readonly string[]
  readonly input?: string
  /** Killed after this time. */
  readonly killAfterMs?: number
  readonly env?: Readonly<Record<string, string>>
}

/** The command line, bundled from the sources as they are or with a seeded bug, in a folder of its own. */
export interface Tool {
  readonly folder: string
  run(cwd: string, args: readonly string[], options?: RunOptions): Promise<ToolRun>
  /** The words that start it, for whoever spawns by himself. */
  command(args: readonly string[]): readonly [command: string, args: string[]]
  close(): void
}

/** @throws Error when an edit does not fit the sources exactly once: a seeded bug that is not there proves nothing */
export async function buildTool(edits: readonly Edit[] = []): Promise<Tool> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-faults-'))
  for (const part of ['src', 'tasks', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const edit of edits) seed(folder, edit)
  await build({
    entryPoints: {
      main: join(folder, 'src/cli/main.ts'),
      'reader-thread': join(folder, 'src/connectors/delimited/reader-thread.ts'),
      'checkpoint-thread': join(folder, 'src/store/sqlite/checkpoint-thread.ts'),
    },
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  })
  mkdirSync(join(folder, 'cache'))
  const start = join(folder, 'start.mjs')
  writeFileSync(
    start,
    `import { enableCompileCache } from 'node:module'\nenableCompileCache(${JSON.stringify(join(folder, 'cache'))})\nawait (await import('./dist/main.js')).runProcess()\n`,
  )
  const command = (args: readonly string[]): readonly [string, string[]] => [
    process.execPath,
    ['--no-warnings', start, ...args],
  ]
  return {
    folder,
    command,
    run: (cwd, args, options) => start_(command(args), cwd, options),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function seed(folder: string, { file, from, to }: Edit): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`the seeded bug does not fit ${file}: ${JSON.stringify(from)}`)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
}

async function start_(
  [command, args]: readonly [string, string[]],
  cwd: string,
  { before = [], input, killAfterMs, env }: RunOptions = {},
): Promise<ToolRun> {
  const [first = '', ...rest] = [...before, command, ...args]
  const child = spawn(first, rest, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece
  })
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const killer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(killer)
  return { status, stdout, stderr }
}

/** A command of the machine that has to work. */
export function must(command: string, ...args: string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.error?.message}`)
  return done.stdout
}
