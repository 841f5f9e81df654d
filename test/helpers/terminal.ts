import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface TestTerminal {
  /** What is on it so far, with all that moves the cursor. */
  said(): string
  type(text: string): void
  /** No more is typed: resolves when everything in it has ended. */
  closed(): Promise<void>
  kill(): void
}

/** A terminal of its own (`script`, Debian package bsdutils): what is typed goes through its line discipline, and Ctrl-C to the whole foreground. */
export function openTerminal(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>> = {},
): TestTerminal {
  const child: ChildProcess = spawn('script', ['-qec', command, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, TERM: 'xterm', ...env },
    // whoever outlived the test would keep its stderr open
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout?.on('data', (piece: Buffer) => {
    said += piece
  })
  const ended = once(child, 'close')
  return {
    said: () => said,
    type: (text) => void child.stdin?.write(text),
    async closed() {
      child.stdin?.end()
      await ended
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
