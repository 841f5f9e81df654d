import { UserError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import type { ChainLink } from '../model/guard-chain.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import type { Store } from '../store/store.ts'
import type { RoadOutcome, StepRequest, Steps } from './executor.ts'
import type { RunEvent, RunRequest } from './run-request.ts'
import type { RunState } from './run-state.ts'

export interface StepsOptions {
  readonly state: RunState
  readonly request: RunRequest
  /** The task whose steps they are. */
  readonly definition: TaskDefinition
  readonly signal: AbortSignal
  check(request: RunRequest): Promise<void>
  /** Runs a task in a store of its own, so that steps side by side do not meet in one connection. */
  run(request: RunRequest, store: Store): Promise<TaskResultDocument>
  openStore(): Store
}

/** Tasks run as steps of a run: each begins at most once, whatever is killed when. */
export function createSteps(options: StepsOptions): Steps {
  const { state } = options
  let chain: ChainLink[] | undefined
  /** Steps of one task wait for each other; what runs outside of this run is another matter. */
  const lanes = new Map<string, Promise<unknown>>()
  const inTurn = async <T>(task: string, work: () => Promise<T>): Promise<T> => {
    const turn = (lanes.get(task) ?? Promise.resolve()).then(work)
    lanes.set(
      task,
      turn.catch(() => undefined),
    )
    return turn
  }
  const requestOf = (step: StepRequest): RunRequest => ({
    ...inherited(options),
    task: step.task,
    arguments: step.arguments,
    onEvent: (event) => forward(options, step.name, event),
  })
  return {
    async check(step) {
      refuseParts(options.request, step.task)
      await options.check(requestOf(step))
    },
    async run(step) {
      // a sequence in a sequence adds to the sums of the outer one
      chain ??= options.request.child?.chain ?? state.store.runs.chain(state.number)
      const links = chain
      const known = state.childOf(step.name)
      const over = known === undefined ? undefined : overAlready(state.store, known)
      const work = () => runStep(options, requestOf(step), step.name, known, links)
      const result = over ?? (await inTurn(step.task, work))
      state.keepOutcome(outcomeOf(step.name, result))
      const own = new Set(state.store.runs.family(result.id))
      const planned = links.filter((link) => own.has(link.result)).reduce((sum, link) => sum + link.planned, 0)
      // what a dry run would have changed is not kept
      return { result, changed: planned > 0 || (over !== undefined && state.options.dryRun) }
    },
  }
}

async function runStep(
  { state, run, openStore }: StepsOptions,
  request: RunRequest,
  step: string,
  known: string | undefined,
  chain: ChainLink[],
): Promise<TaskResultDocument> {
  const resume = known !== undefined && state.store.runs.resumable(known) !== undefined
  const resultId = resume ? known : newId(state.clock.now())
  if (!resume) state.keepChild(step, resultId)
  const store = openStore()
  try {
    return await run({ ...request, resume, child: { parent: state.number, resultId, chain } }, store)
  } finally {
    store.close()
  }
}

/** What was asked of the whole goes for every step. */
function inherited({ state, request, definition, signal }: StepsOptions): Omit<RunRequest, 'task'> {
  const { dryRun, expectNoChange, only, limit, forbid, allow } = state.options
  return {
    trigger: 'sequence',
    callers: [definition, ...(request.callers ?? [])],
    set: {},
    dryRun: dryRun ? true : undefined,
    expectNoChange: expectNoChange ? true : undefined,
    only,
    limit,
    forbid,
    allow,
    ifRunning: request.ifRunning,
    signal,
  }
}

function refuseParts({ task, plan, select, sections, expectPlan }: RunRequest, step: string): void {
  if (plan === undefined && select === undefined && sections === undefined && expectPlan === undefined) return
  throw new UserError('a sequence has no plan of its own: what a step plans depends on the steps before it', {
    code: 'IQ3016',
    hint: `iqtask run ${task} --dry-run looks at every step; iqtask plan ${step} plans one`,
  })
}

function overAlready(store: Store, resultId: string): TaskResultDocument | undefined {
  const row = store.runs.byResult(resultId)
  const open = row === undefined || ['queued', 'running', 'terminated'].includes(row.status)
  return open ? undefined : store.results.find(resultId)
}

function outcomeOf(section: string, { status, stoppedBy }: TaskResultDocument): RoadOutcome {
  const ended = status === 'success' ? 'succeeded' : status === 'warning' ? 'warned' : 'failed'
  if (status === 'skipped') return { section, status: 'warning', counts: { skipped: 1 } }
  const kind = stoppedBy === 'guard' ? 'guard' : status === 'success' || status === 'warning' ? status : 'error'
  return { section, status: kind, counts: { [ended]: 1 } }
}

/** The reader of the events sees one run: where its steps are, and what they say. */
function forward({ state, request }: StepsOptions, step: string, event: RunEvent): void {
  if (event.type === 'progress')
    state.progress.update(`${step} ${event.section}`, event.phase, event.done, event.total ?? undefined)
  else if (event.type === 'message') request.onEvent?.({ ...event, text: `${step}: ${event.text}` })
  else if (event.type === 'guard') request.onEvent?.(event)
}
