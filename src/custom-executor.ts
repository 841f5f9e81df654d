import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { childEnvironment } from './base/child-environment.ts'
import { isoText } from './base/clock.ts'
import { ExecutorError, ItemError, UserError } from './base/errors.ts'
import type { JsonObject } from './base/json.ts'
import { counted } from './base/plural.ts'
import { refuseForeignCode } from './config/code-file.ts'
import { type CustomPlan, countNames, createCustomPlan } from './custom-plan.ts'
import { createViews } from './custom-views.ts'
import type { Declared, FromHost } from './executor-protocol.ts'
import { type HostOptions, talkToHost } from './host-process.ts'
import { identitySection } from './model/store-change.ts'
import type { TaskDefinition } from './model/task-definition.ts'
import type { Store } from './store/store.ts'
import { defineExecutor, type Executor, type TaskContext } from './task/executor.ts'
import { type ItemFacts, itemRoad } from './task/item-road.ts'

export interface CustomExecutorOptions {
  /** The project: where the executor's process works. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly openStore: () => Store
}

const loadTimeoutMs = 15_000
const graceMs = 3_000

/** The executor in the file that a task names. @throws UserError IQ1109 for code that others may write, IQ8001 for what is no executor */
export async function loadCustomExecutor(
  definition: TaskDefinition,
  options: CustomExecutorOptions,
): Promise<Executor> {
  const file = resolve(dirname(definition.file), String(definition.executor))
  if (!existsSync(file))
    throw new UserError(`there is no file ${file}`, {
      code: 'IQ1105',
      place: { file: definition.file },
      hint: 'an executor of your own is a .ts or .js file beside the task',
    })
  refuseForeignCode(file)
  const process = { file, cwd: options.folder, env: childEnvironment(options.env), graceMs: 100 }
  const declared = await describe({ ...process, signal: AbortSignal.timeout(loadTimeoutMs) })
  return defineExecutor<JsonObject>({
    name: declared.name,
    summary: declared.summary,
    arguments: z.fromJSONSchema(declared.schema as never) as unknown as z.ZodType<JsonObject>,
    counts: { ...countNames, ...declared.counts },
    run: (context, args) => run(context, args, { ...process, signal: context.signal, graceMs }, options.openStore),
  })
}

async function describe(options: HostOptions): Promise<Declared> {
  try {
    return await talkToHost<Declared>(options, {
      hear: (message) => (message.type === 'loaded' ? message : undefined),
      answer: async () => null,
      start: (say) => say({ type: 'load', file: options.file }),
    })
  } catch (error) {
    // what cannot be loaded is a fault of the project, not of a run
    if (error instanceof ExecutorError) {
      const { message, code, hint, place } = error
      throw new UserError(message, { code, hint, place, cause: error })
    }
    if (!options.signal.aborted) throw error
    throw new UserError(`the file did not load within ${loadTimeoutMs / 1000} s`, {
      code: 'IQ8001',
      place: { file: options.file },
      hint: 'work belongs into run(), not beside it',
    })
  }
}

async function run(
  context: TaskContext,
  args: JsonObject,
  options: HostOptions,
  openStore: () => Store,
): Promise<void> {
  const plan = createCustomPlan(context)
  try {
    const looked = await look(context, args, plan, options, openStore)
    judgeRejects(context, looked)
    await makeChanges(context, plan)
    context.count({ read: looked.read, rejected: looked.rejected })
  } finally {
    plan.close()
  }
}

async function makeChanges(context: TaskContext, planned: CustomPlan): Promise<void> {
  // a section that a dead run had begun goes on even where nothing is left to plan
  const begun = context.store.results.find(context.run.id).sections.map((section) => section.application)
  for (const section of new Set([...begun, ...planned.sections]))
    await context.road(
      itemRoad(context, {
        section,
        apply: planned.apply,
        async plan(add) {
          for (const item of planned.items(section)) add(item)
          return factsOf(context, section)
        },
      }),
    )
}

function factsOf({ project: { applications }, store }: TaskContext, section: string): ItemFacts {
  if (section === identitySection) return { population: store.identities.count({}) }
  const privileged = applications.names().includes(section) && applications.get(section).privileged
  return { population: store.accounts.count({ application: section }), privileged }
}

interface Looked {
  readonly read: number
  readonly rejected: number
}

/** @throws ItemError IQ3004 */
function judgeRejects({ options, message }: TaskContext, { read, rejected }: Looked): void {
  if (rejected === 0) return
  const limit = options.maxErrors ?? Math.max(100, Math.floor(read / 100))
  if (rejected > limit)
    throw new ItemError(
      `${rejected} of ${counted(read, 'item')} were rejected, maxErrors allows ${limit}: nothing was written`,
      '',
      {
        code: 'IQ3004',
      },
    )
  message({ level: 'warning', code: 'IQ8005', text: `${rejected} of ${counted(read, 'item')} could not be worked on` })
}

/** The executor's own part: it looks and plans, in its process, over a connection that nothing is written through. */
async function look(
  context: TaskContext,
  args: JsonObject,
  plan: CustomPlan,
  options: HostOptions,
  openStore: () => Store,
): Promise<Looked> {
  const store = openStore()
  let rejected = 0
  const views = createViews(context, store, (count) => {
    rejected += count
  })
  try {
    return await talkToHost<Looked>(options, {
      start(say) {
        say({ type: 'load', file: options.file })
        const { id, task, startedAt } = context.run
        const run = { id, task, startedAt: isoText(startedAt) }
        say({ type: 'run', args, run, now: isoText(context.clock.now()), dryRun: context.options.dryRun })
      },
      answer: async (question) => (question.ask === 'plan' ? plan.add(question.change) : views.answer(question)),
      hear(message) {
        if (message.type === 'reject') rejected++
        return note(context, options.file, message, rejected)
      },
    })
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason
    throw error
  } finally {
    await views.close()
    store.close()
  }
}

function note(context: TaskContext, file: string, message: FromHost, rejected: number): Looked | undefined {
  if (message.type === 'log')
    context.message({ level: message.level, code: 'IQ8004', text: message.text, item: message.item })
  else if (message.type === 'progress')
    context.progress.update(context.run.task, 'plan', message.done, message.total ?? undefined)
  else if (message.type === 'count') context.count({ [message.name]: message.by })
  else if (message.type === 'reject')
    context.reject(context.run.task, [{ code: 'IQ8005', reason: message.reason, file, native: message.item }])
  return message.type === 'done' ? { read: message.read, rejected } : undefined
}
