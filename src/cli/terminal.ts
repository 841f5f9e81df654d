/** The only file that touches streams: everything the command line prints goes through here. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: NodeJS.ReadableStream
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  readonly columns: number
  /** Of stderr; 0 where it has no size to draw in. */
  readonly errColumns: number
  /** For what draws by itself; undefined where nothing may. */
  readonly errStream: NodeJS.WritableStream | undefined
  /** Calls back on SIGINT and SIGTERM until the returned function is called. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
  /** The result: one text, or piece by piece. Resolves when the stream has taken it; false when nobody reads any more. */
  out(text: string): Promise<boolean>
  /** Asks on the terminal; undefined where there is none to ask at. */
  ask(question: string): Promise<string | undefined>
  /** Messages and progress. */
  err(text: string): void
}

interface Streams {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: () => string
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** The terminal of a process. A reader that goes away (`| head`) ends the output, not the program. */
export function processTerminal(streams: Streams): Terminal {
  let closed = false
  const ignorePipe = (error: NodeJS.ErrnoException): void => {
    closed = true
    if (error.code !== 'EPIPE') throw error
  }
  streams.stdout.on('error', ignorePipe)
  streams.stderr.on('error', ignorePipe)
  return {
    env: streams.env,
    cwd: streams.cwd(),
    get stdin() {
      return streams.stdin
    },
    outIsTerminal: streams.stdout.isTTY === true,
    errIsTerminal: streams.stderr.isTTY === true,
    // a terminal that does not know its size says 0
    columns: streams.stdout.columns || streams.stderr.columns || 100,
    get errColumns() {
      return streams.stderr.columns ?? 0
    },
    errStream: streams.stderr,
    onSignal(listener) {
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    out: (text) =>
      new Promise((resolve) => {
        if (closed) resolve(false)
        else streams.stdout.write(text, (error) => resolve(error === null || error === undefined))
      }),
    async ask(question) {
      if (streams.stdin.isTTY !== true || streams.stderr.isTTY !== true) return undefined
      const { createInterface } = await import('node:readline/promises')
      const lines = createInterface({ input: streams.stdin, output: streams.stderr })
      try {
        return await lines.question(question)
      } finally {
        lines.close()
      }
    },
    err: (text) => {
      if (!closed || streams.stderr.writable) streams.stderr.write(text)
    },
  }
}

export { visible as safe } from '../base/visible.ts'
