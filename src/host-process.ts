import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ErrorDetails, ExecutorError, UserError } from './base/errors.ts'
import type { Json } from './base/json.ts'
import type { Failure, FromHost, Question, ToHost } from './executor-protocol.ts'

const host = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './executor-host.ts' : './executor-host.js', import.meta.url),
)

/**
 * What the process may do: read files, speak to the network. No file is written, no process started, no native code loaded and no
 * SQLite file opened, so that nobody but the framework changes the store. (Node calls this a seat belt, not a wall: the code is the
 * user's own, and trusted.)
 */
const limits = [
  '--permission',
  '--allow-fs-read=*',
  '--no-experimental-sqlite',
  '--no-addons',
  '--no-warnings',
  '--disable-proto=delete',
]

/** Lets a process die with the one that started it; an endless loop does not hear of it otherwise. Part of util-linux. */
const setpriv = '/usr/bin/setpriv'

/** Node with its limits, and dying with this process where the system can do that. */
const start = (): { readonly execPath: string; readonly execArgv: string[] } =>
  existsSync(setpriv)
    ? { execPath: setpriv, execArgv: ['--pdeathsig', 'KILL', process.execPath, ...limits] }
    : { execPath: process.execPath, execArgv: limits }

export interface HostOptions {
  readonly file: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Aborts: the executor is asked to stop, and ended when it does not. */
  readonly signal: AbortSignal
  readonly graceMs: number
}

export interface HostTalk<Result> {
  /** The result, once a message brings it. */
  hear(message: FromHost): Result | undefined
  /** An Error is for the executor to handle. */
  answer(question: Question): Promise<Json>
  start(say: (message: ToHost) => void): void
}

/** One conversation with the process of an executor, from its start to its end. @throws UserError, ExecutorError IQ8001, IQ8002 */
export async function talkToHost<Result>(options: HostOptions, talk: HostTalk<Result>): Promise<Result> {
  const { file, cwd, env, signal } = options
  const child = fork(host, [], { cwd, env, ...start(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const said = tail(child)
  const say = (message: ToHost): void => void (child.connected && child.send(message))
  let grace: NodeJS.Timeout | undefined
  const stop = (): void => {
    say({ type: 'abort', reason: String((signal.reason as Error | undefined)?.message ?? 'the run was stopped') })
    grace ??= setTimeout(() => child.kill('SIGKILL'), options.graceMs)
  }
  signal.addEventListener('abort', stop)
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.on('message', (message: FromHost) => {
        try {
          if (message.type === 'ready') talk.start(say)
          else if (message.type === 'failed') reject(failureOf(file, message))
          else if (message.type === 'question') reply(say, message.id, talk.answer(message.question)).catch(reject)
          else {
            const result = talk.hear(message)
            if (result !== undefined) resolve(result)
          }
        } catch (error) {
          reject(error)
        }
      })
      child.on('error', reject)
      child.on('exit', (code, killed) => reject(endOf(file, code, killed, said())))
      if (signal.aborted) stop()
    })
  } finally {
    clearTimeout(grace)
    signal.removeEventListener('abort', stop)
    child.kill('SIGKILL')
  }
}

async function reply(say: (message: ToHost) => void, id: number, answer: Promise<Json>): Promise<void> {
  try {
    say({ type: 'answer', id, value: await answer })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const { message, hint } = error
    say({ type: 'refused', id, message: hint === undefined ? message : `${message} (${hint})` })
  }
}

function failureOf(file: string, { kind, message, hint, line, column }: Failure): UserError | ExecutorError {
  const details: ErrorDetails = { code: 'IQ8001', hint, place: { file, line, column } }
  return kind === 'user'
    ? new UserError(message, details)
    : new ExecutorError(`the executor threw: ${message}`, details)
}

const endOf = (file: string, code: number | null, signal: string | null, said: string): ExecutorError =>
  new ExecutorError(
    `the process of the executor ended by itself (${signal ?? `exit ${code}`})${said === '' ? '' : `: ${said}`}`,
    { code: 'IQ8002', place: { file } },
  )

/** The last of what it wrote to its streams. */
function tail(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => {
      text = (text + piece.toString()).slice(-2000)
    })
  return () => text.trim()
}
