import { z } from 'zod'
import { renderDuration } from '../base/duration.ts'
import { BusyError, UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Project } from '../model/project.ts'
import {
  conditions,
  faultOfSteps,
  fromStep,
  joinOutcomes,
  levelsOf,
  resolveSteps,
  type Step,
  type StepOutcome,
  whyNot,
} from '../model/sequence.ts'
import { defineExecutor, type StepEnd, type TaskContext } from '../task/executor.ts'

const step = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a name such as refresh-hr')
    .optional(),
  task: z.string(),
  when: z.enum(conditions).default('success'),
  needs: z.array(z.string()).optional(),
  arguments: z.record(z.string(), z.json()).default({}),
})
const schema = z.strictObject({
  tasks: z
    .array(step)
    .min(1)
    .superRefine((written, context) => {
      const fault = faultOfSteps(stepsOf(written))
      if (fault !== undefined) context.addIssue({ code: 'custom', path: [fault.index], message: fault.text })
    }),
  onError: z.enum(['stop', 'continue']).default('stop'),
  from: z.string().optional(),
})
type Arguments = z.output<typeof schema>

const stepsOf = (written: Arguments['tasks']): Step[] =>
  resolveSteps(written.map((one) => ({ ...one, arguments: one.arguments as JsonObject })))

/** The steps of a sequence by its bound arguments; undefined where they are not those of one. */
export function sequenceSteps(args: unknown): Step[] | undefined {
  const parsed = schema.safeParse(args)
  return parsed.success ? stepsOf(parsed.data.tasks) : undefined
}

/** Tasks one after the other or side by side, as steps of one run (IdentityIQ: Sequential Task Launcher). */
export const sequence = defineExecutor({
  name: 'sequence',
  summary: 'run tasks as steps: in order or as a graph, on conditions, guarded together',
  arguments: schema,
  counts: {
    succeeded: 'steps that ended success',
    warned: 'steps that ended warning',
    failed: 'steps that ended error or terminated',
    skipped: 'steps that run elsewhere already and were skipped',
    passedOver: 'steps whose condition did not hold',
  },
  async run(context, args) {
    const steps = stepsOf(args.tasks)
    await checkSteps(context, steps, args)
    await runSteps(context, steps, args)
    if (context.signal.aborted) throw context.signal.reason
  },
})

/** Before the first step runs, every one of them can. */
async function checkSteps(context: TaskContext, steps: readonly Step[], { from }: Arguments): Promise<void> {
  if (from !== undefined && !steps.some(({ name }) => name === from))
    throw new UserError(`${context.run.task} has no step "${from}"`, {
      code: 'IQ1008',
      hint: `its steps are ${steps.map(({ name }) => name).join(', ')}`,
    })
  const circle = circleOfTasks(context.project, context.run.task, [])
  if (circle !== undefined)
    throw new UserError(`the sequence runs itself: ${circle.join(' → ')}`, {
      code: 'IQ3103',
      place: { file: context.project.tasks.get(context.run.task).file },
    })
  for (const one of steps) await context.steps.check(one)
}

/** A sequence in a sequence is fine; in itself it would wait for ever. */
function circleOfTasks(project: Project, task: string, path: readonly string[]): string[] | undefined {
  if (path.includes(task)) return [...path.slice(path.indexOf(task)), task]
  const definition = project.tasks.get(task)
  if (definition.executor !== sequence.name) return undefined
  const { tasks } = definition.arguments
  for (const one of Array.isArray(tasks) ? (tasks as { task: string }[]) : []) {
    const circle = circleOfTasks(project, one.task, [...path, task])
    if (circle !== undefined) return circle
  }
  return undefined
}

async function runSteps(context: TaskContext, steps: readonly Step[], args: Arguments): Promise<void> {
  const wanted = args.from === undefined ? undefined : fromStep(steps, args.from)
  const ends = new Map<string, Promise<StepOutcome>>()
  let stopped = false
  const end = async (one: Step): Promise<StepOutcome> => {
    const before = joinOutcomes(await Promise.all(one.needs.flatMap((need) => ends.get(need) ?? [])))
    if (wanted?.has(one.name) === false) return passOver(context, one, `it comes before ${args.from}`, begun)
    if (context.signal.aborted) return { status: 'error', changed: false }
    if (stopped && one.when !== 'always') return passOver(context, one, 'a step failed, and onError is stop', before)
    const why = one.name === args.from ? undefined : whyNot(one, before)
    if (why !== undefined) return passOver(context, one, why, { ...before, changed: false })
    const outcome = await runStep(context, one)
    if (outcome.status === 'error' && args.onError === 'stop') stopped = true
    return outcome
  }
  for (const one of levelsOf(steps).flat()) ends.set(one.name, end(one))
  await Promise.all(ends.values())
}

/** What `--from` leaves out was done before. */
const begun: StepOutcome = { status: 'success', changed: true }

function passOver(context: TaskContext, { name }: Step, why: string, outcome: StepOutcome): StepOutcome {
  context.message({ level: 'info', code: 'IQ3102', item: name, text: `not run: ${why}` })
  context.count({ passedOver: 1 })
  return outcome
}

async function runStep(context: TaskContext, one: Step): Promise<StepOutcome> {
  try {
    const ended = await context.steps.run(one)
    context.message({
      level: levels[ended.result.status] ?? 'error',
      code: 'IQ3101',
      item: one.name,
      text: textOf(ended),
    })
    const { status } = ended.result
    if (status === 'skipped') return { status: 'warning', changed: false }
    return { status: status === 'success' || status === 'warning' ? status : 'error', changed: ended.changed }
  } catch (error) {
    if (!(error instanceof BusyError)) throw error
    context.message({ level: 'error', code: error.code, item: one.name, text: error.message })
    context.count({ failed: 1 })
    return { status: 'error', changed: false }
  }
}

const levels = { success: 'info', warning: 'warning', skipped: 'warning' } as Readonly<
  Record<string, 'info' | 'warning'>
>

function textOf({ result, changed }: StepEnd): string {
  const { status, stoppedBy, durationMs, id, messages } = result
  if (status === 'skipped') return `skipped: ${messages[0]?.text ?? 'it runs already'}`
  const why = stoppedBy === null ? '' : ` (${stoppedBy})`
  const took = durationMs === null ? '' : ` in ${renderDuration(durationMs)}`
  return `${status}${why}${took}, ${changed ? 'with' : 'without'} changes: result ${id}`
}
