import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { systemClock } from './base/clock.ts'
import { IqtaskError } from './base/errors.ts'
import type { Json, JsonObject } from './base/json.ts'
import { refuseForeignCode } from './config/code-file.ts'
import {
  type ApplicationReader,
  type ApplicationRecord,
  type CustomExecutor,
  type ExecutorContext,
  ItemError,
} from './executor-api.ts'
import type { Failure, FromHost, Question, ToHost } from './executor-protocol.ts'
import type { Evidence } from './model/result.ts'

/**
 * The process that an executor of a project runs in. It may read files and speak to the network; it may write no file, start no
 * process, load no native code and open no SQLite file: `custom-executor.ts` starts it so.
 */
const own = new URL('.', import.meta.url).href
const api = new URL(import.meta.url.endsWith('.ts') ? './executor-api.ts' : './executor-api.js', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'iqtask') return { url: api, shortCircuit: true }
    if (specifier === 'zod' || specifier.startsWith('zod/'))
      return next(specifier, { ...context, parentURL: import.meta.url })
    const found = next(specifier, context)
    const foreign = found.url.startsWith('file:') && !found.url.startsWith(own) && !found.url.includes('/node_modules/')
    if (!foreign) return found
    refuseForeignCode(fileURLToPath(found.url))
    // an executor is an ES module, whatever a package.json above it says
    const format = /\.ts$/.test(found.url) ? 'module-typescript' : /\.js$/.test(found.url) ? 'module' : found.format
    return { ...found, format }
  },
})

const say = (message: FromHost): void => void process.send?.(message)
const abort = new AbortController()
const open = new Map<number, { resolve: (value: Json) => void; reject: (error: Error) => void }>()
let file = ''
let executor: CustomExecutor | undefined
let loading: Promise<void> | undefined
let asked = 0

// a terminal sends Ctrl-C to the whole foreground: the run decides what it means
process.on('SIGINT', () => undefined)
process.on('message', (message: ToHost) => void hear(message))
process.on('unhandledRejection', fail)
process.on('uncaughtException', fail)
say({ type: 'ready' })

async function hear(message: ToHost): Promise<void> {
  try {
    if (message.type === 'load') {
      loading = load(message.file)
      await loading
    } else if (message.type === 'run') await run(message)
    else if (message.type === 'abort') abort.abort(new Error(message.reason))
    else {
      const waiting = open.get(message.id)
      open.delete(message.id)
      if (message.type === 'answer') waiting?.resolve(message.value)
      else waiting?.reject(new Refused(message.message))
    }
  } catch (error) {
    fail(error)
  }
}

/** The framework does not take it: what it says is for the executor's author. */
class Refused extends Error {}

const ask = (question: Question): Promise<Json> =>
  new Promise((resolve, reject) => {
    const id = ++asked
    open.set(id, { resolve, reject })
    say({ type: 'question', id, question })
  })

async function load(path: string): Promise<void> {
  file = path
  const { default: found } = (await import(pathToFileURL(path).href)) as { default?: Partial<CustomExecutor> }
  if (typeof found?.name !== 'string' || typeof found.run !== 'function' || found.arguments === undefined)
    return failed({ kind: 'user', message: 'it exports no executor', hint: 'export default defineExecutor({ … })' })
  const { z } = await import('zod')
  const { name, summary = '', counts = {} } = found
  executor = found as CustomExecutor
  const schema = z.toJSONSchema(executor.arguments, { io: 'input', unrepresentable: 'any' }) as JsonObject
  say({ type: 'loaded', name, summary, counts, schema })
}

async function run(start: Extract<ToHost, { type: 'run' }>): Promise<void> {
  await loading
  const args = await executor?.arguments.safeParseAsync(start.args)
  if (executor === undefined || args === undefined) return
  if (!args.success) {
    const [issue] = args.error.issues
    return failed({ kind: 'user', message: `the argument ${issue?.path.join('.')} is not right: ${issue?.message}` })
  }
  let read = 0
  await executor.run(
    contextOf(start, () => read++),
    args.data,
  )
  say({ type: 'done', read })
}

function contextOf(start: Extract<ToHost, { type: 'run' }>, counted: () => void): ExecutorContext {
  const began = systemClock.monotonicMs()
  const log = (level: 'info' | 'warning' | 'error') => (text: string, item?: string) =>
    say({ type: 'log', level, text: String(text), item })
  return {
    run: { ...start.run, startedAt: new Date(start.run.startedAt) },
    dryRun: start.dryRun,
    signal: abort.signal,
    clock: { now: () => new Date(Date.parse(start.now) + systemClock.monotonicMs() - began) },
    accounts: (filter) => view('accounts', filter),
    identities: (filter) => view('identities', filter),
    entitlements: (filter) => view('entitlements', filter),
    connect: readerOf,
    plan: async (change) => (await ask({ ask: 'plan', change: change as JsonObject })) === true,
    async items(source, work) {
      for await (const item of source) {
        abort.signal.throwIfAborted()
        counted()
        try {
          await work(item)
        } catch (error) {
          if (!(error instanceof ItemError)) throw error
          say({ type: 'reject', item: error.item, reason: error.message })
        }
      }
    },
    log: { info: log('info'), warning: log('warning'), error: log('error') },
    count: (name, by = 1) => say({ type: 'count', name, by }),
    progress: (done, total) => say({ type: 'progress', done, total: total ?? null }),
  }
}

/** Each turn through the records is a read of its own. */
async function readerOf(application: string): Promise<ApplicationReader> {
  let evidence: Evidence | undefined
  return {
    records: () =>
      view<ApplicationRecord>('records', { application }, async (cursor) => {
        evidence = (await ask({ ask: 'evidence', cursor })) as unknown as Evidence
      }),
    evidence() {
      if (evidence === undefined) throw new Refused(`the records of ${application} were not read to their end`)
      return evidence
    },
  }
}

async function* view<Item>(
  name: Extract<Question, { ask: 'open' }>['view'],
  filter: object | undefined,
  atEnd?: (cursor: number) => Promise<void>,
): AsyncGenerator<Item> {
  const cursor = Number(await ask({ ask: 'open', view: name, filter: { ...filter } as JsonObject }))
  try {
    for (;;) {
      abort.signal.throwIfAborted()
      const page = (await ask({ ask: 'next', cursor })) as unknown as Item[]
      if (page.length === 0) return await atEnd?.(cursor)
      yield* page
    }
  } finally {
    await ask({ ask: 'close', cursor })
  }
}

function failed(failure: Failure): void {
  say({ type: 'failed', ...failure })
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const kind = error instanceof IqtaskError || error instanceof Refused ? 'user' : 'bug'
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const place = new RegExp(`${file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:(\\d+)(?::(\\d+))?`).exec(stack)
  const hint = error instanceof IqtaskError ? error.hint : undefined
  failed({
    kind,
    message,
    hint,
    line: place === null ? undefined : Number(place[1]),
    column: place?.[2] === undefined ? undefined : Number(place[2]),
  })
}
