import { Readable } from 'node:stream'
import { main } from '../../src/cli/main.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface CliRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  /** stdout and stderr are terminals. */
  readonly tty?: boolean
  /** What is typed when the terminal asks. */
  readonly answer?: string | readonly string[]
}

/** Runs one command line in this process, with a terminal that only collects. Words are split at spaces; quote as `"a b"`. */
export async function runCli(line: string | readonly string[], options: CliOptions): Promise<CliRun> {
  let stdout = ''
  let stderr = ''
  const answers = [...(options.answer ?? [])]
  const terminal: Terminal = {
    env: { HOME: '/nonexistent', ...options.env },
    cwd: options.cwd,
    stdin: Readable.from([Buffer.from(options.stdin ?? '')]) as NodeJS.ReadableStream,
    outIsTerminal: options.tty ?? false,
    errIsTerminal: options.tty ?? false,
    columns: 120,
    errColumns: 120,
    errStream: undefined,
    ask: async (question) => {
      if (options.answer === undefined) return undefined
      stderr += question
      return typeof options.answer === 'string' ? options.answer : answers.shift()
    },
    onSignal: () => () => undefined,
    out: async (text) => {
      stdout += text
      return true
    },
    err: (text) => {
      stderr += text
    },
  }
  const argv = typeof line === 'string' ? (line.match(/"[^"]*"|\S+/g) ?? []).map((w) => w.replaceAll('"', '')) : line
  const code = await main(argv, terminal)
  return { code, stdout, stderr }
}
