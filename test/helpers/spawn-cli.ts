import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { CliRun } from './run-cli.ts'

const entry = join(import.meta.dirname, '../../src/cli/main.ts')
const code = `import(${JSON.stringify(entry)}).then((m) => m.runProcess())`

export interface SpawnedCli {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly done: Promise<CliRun & { readonly signal: NodeJS.Signals | null }>
}

/** Runs the command line in a process of its own, from the sources; `before`: words that start it, such as `strace …`. */
export function spawnCli(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  before: readonly string[] = [],
): SpawnedCli {
  const [command = '', ...words] = [...before, process.execPath, '--no-warnings', '-e', code, 'iqtask', ...args]
  const child = spawn(command, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece
  })
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece
  })
  const done = once(child, 'close').then(([exit, signal]) => ({
    code: (exit ?? -1) as number,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }))
  return { process: child, done }
}

/** Asks again until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
