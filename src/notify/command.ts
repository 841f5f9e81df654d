import { spawn } from 'node:child_process'
import { z } from 'zod'
import { childEnvironment } from '../base/child-environment.ts'
import { DeliveryError, defineNotifier, documentOf } from './notifier.ts'

/** Runs a program, without a shell: nothing of a message and no secret is ever an argument. It gets the document on its standard input. */
export const command = defineNotifier({
  name: 'command',
  summary: 'run a program with the document on its standard input',
  settings: z.strictObject({ run: z.array(z.string()).min(1) }),
  send: ({ run: [program = '', ...args] }, message, { folder, env, signal }) =>
    new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void =>
        reject(new DeliveryError(`${program} ${why}`, { temporary: true, cause }))
      // a group of its own: what it starts ends with it
      const child = spawn(program, args, {
        cwd: folder,
        env: childEnvironment(env),
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const kill = (): void => {
        fail('took too long')
        if (child.pid !== undefined) killGroup(child.pid)
      }
      if (signal.aborted) kill()
      signal.addEventListener('abort', kill, { once: true })
      child.on('error', (error) => fail(`cannot be run: ${error.message}`, error))
      child.on('exit', (code, killed) => {
        signal.removeEventListener('abort', kill)
        if (code === 0) resolve()
        else fail(code === null ? `was ended by ${killed}` : `ended with exit code ${code}`)
      })
      // it may end without reading
      child.stdin.on('error', () => undefined)
      child.stdin.end(`${JSON.stringify(documentOf(message))}\n`)
    }),
})

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}
