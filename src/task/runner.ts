import { type Clock, isoText } from '../base/clock.ts'
import { BusyError, StoreError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Redactor } from '../base/redact.ts'
import type { Connection } from '../connectors/connector.ts'
import type { Feed } from '../model/application.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import { inChain } from '../model/guard-chain.ts'
import type { Project } from '../model/project.ts'
import type { Counts, Message } from '../model/result.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import { storeFault } from '../store/fault.ts'
import type { RunRow } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { blackoutsOf, waitOutBlackout } from './blackout-wait.ts'
import { checkRequest } from './check-request.ts'
import { type Claim, claimRun, keptArguments, newRun } from './claim.ts'
import { createContext } from './context.ts'
import type { Executor, Progress, RunIdentity, RunOptions, Steps } from './executor.ts'
import type { GuardPolicy } from './guard-policy.ts'
import { keptPlanPath, planKeeper } from './kept-plans.ts'
import { failureMessage, judgeRun, sumCounts, type Verdict } from './outcome.ts'
import type { RunRequest } from './run-request.ts'
import { abortReason, createRunState, type RunState, type RunStateOptions } from './run-state.ts'
import { createSteps } from './steps.ts'
import { heartbeat, type Stopper, stopper } from './stopper.ts'

export interface RunnerOptions {
  readonly project: Project
  readonly store: () => Store
  /** One more connection to the same store; the caller closes it. */
  readonly openStore: () => Store
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  readonly redactor: Redactor
  readonly toolVersion: string
  readonly executorOf: (definition: TaskDefinition) => Promise<Executor>
  readonly bind: (
    definition: TaskDefinition,
    executor: Executor,
    request: Pick<RunRequest, 'set' | 'arguments'>,
  ) => { readonly arguments: JsonObject; readonly parsed: unknown }
  readonly connect: (
    application: string,
    feed: Feed | undefined,
    request: RunRequest,
    signal: AbortSignal,
  ) => Promise<Connection>
  readonly guards: (definition: TaskDefinition, request: RunRequest, args: JsonObject) => GuardPolicy
  readonly gitOf: (file: string) => JsonObject | undefined
}

/**
 * Runs one task to its end, whatever that is; what a blackout stopped goes on after it.
 * @throws before a TaskResult exists: UserError, BusyError, StoreError
 */
export async function runTask(runner: RunnerOptions, request: RunRequest): Promise<TaskResultDocument> {
  let result = await runOnce(runner, request)
  while (result.stoppedBy === 'blackout') {
    const blackouts = blackoutsOf(runner.project, runner.project.tasks.get(request.task), request)
    if (!(await waitOutBlackout(blackouts, runner.clock, request.signal))) return result
    result = await runOnce(runner, { ...request, fire: undefined, resume: true, stopped: result.id })
  }
  return result
}

async function runOnce(runner: RunnerOptions, request: RunRequest): Promise<TaskResultDocument> {
  const definition = runner.project.tasks.get(request.task)
  checkRequest(definition, request)
  const executor = await runner.executorOf(definition)
  const bound = keptArguments(runner, request, executor) ?? runner.bind(definition, executor, request)
  // a schedule has nobody to tell but by its result
  if (request.fire === undefined) executor.check?.(runner.project, bound.parsed)
  const guards = runner.guards(definition, request, bound.arguments)
  const store = runner.store()
  const abort = stopper(request, runner.clock, request.timeoutMs ?? definition.timeoutMs)
  try {
    const claim = await claimRun(
      runner,
      request,
      definition,
      newRun(runner, request, definition, bound.arguments),
      abort.signal,
    )
    if (claim.skipped) return finished(store, claim.number, request)
    const kept = planKeeper(keptPlanPath(store.path, resultIdOf(store, claim.number)))
    try {
      await execute(runner, request, definition, executor, bound.parsed, { guards, kept }, claim, abort)
      const result = finished(store, claim.number, request)
      kept.finish(request, result, runner.clock.now())
      return result
    } finally {
      kept.discard()
    }
  } finally {
    abort.end()
  }
}

/** Everything that `runTask` refuses before there is a TaskResult. @throws UserError */
async function checkRun(runner: RunnerOptions, request: RunRequest): Promise<void> {
  const definition = runner.project.tasks.get(request.task)
  checkRequest(definition, request)
  const executor = await runner.executorOf(definition)
  const bound = runner.bind(definition, executor, request)
  executor.check?.(runner.project, bound.parsed)
  runner.guards(definition, request, bound.arguments)
}

const optionsOf = (definition: TaskDefinition, request: RunRequest): RunOptions => ({
  dryRun: request.dryRun ?? definition.dryRun,
  lossLimit: definition.lossLimit,
  maxErrors: definition.maxErrors,
  only: request.only ?? definition.only,
  limit: request.limit ?? definition.limit,
  forbid: [...definition.forbid, ...(request.forbid ?? [])],
  select: request.select,
  expectNoChange: request.expectNoChange ?? definition.expectNoChange,
  allow: request.allow,
})

async function execute(
  runner: RunnerOptions,
  request: RunRequest,
  definition: TaskDefinition,
  executor: Executor,
  args: unknown,
  plans: { readonly guards: GuardPolicy; readonly kept: RunStateOptions['kept'] },
  claim: Claim,
  abort: Stopper,
): Promise<void> {
  const { clock } = runner
  const store = runner.store()
  const row = store.runs.get(claim.number)
  if (row === undefined) throw new Error(`run ${claim.number} has no row`)
  const startedMs = clock.monotonicMs()
  const messages: Message[] = []
  const said = new Set(claim.resumed ? store.results.find(row.result_id).messages.map(sameMessage) : [])
  const keep = (given: Message): void => {
    const message = { ...given, text: runner.redactor.redact(given.text) }
    messages.push(message)
    if (said.has(sameMessage(message))) return
    store.db.write(() => store.runs.message(claim.number, message))
    request.onEvent?.({ type: 'message', ...message })
  }
  const state = createRunState({
    number: claim.number,
    resultId: row.result_id,
    actor: row.actor,
    store,
    clock,
    options: optionsOf(definition, request),
    progress: progressOf(request, abort),
    signal: abort.signal,
    checkpoint: claim.checkpoint,
    resumedAfterCrash: claim.crashed,
    judge: (figures) => plans.guards.judge(inChain(figures, request.child?.chain ?? [])),
    kept: plans.kept,
    asked: request,
    onMessage: keep,
    onVerdict: (verdict) => request.onEvent?.({ type: 'guard', ...verdict }),
  })
  request.onEvent?.({ type: 'started', id: row.result_id, task: definition.name, store: store.path })
  store.db.write(() =>
    state.audit(claim.resumed ? 'run.resumed' : 'run.started', definition.name, { sha256: definition.sha256 }),
  )
  const beat = heartbeat(store, claim.number, clock, abort, blackoutsOf(runner.project, definition, request))
  const { context, close } = createContext({
    run: identityOf(row),
    project: runner.project,
    state,
    signal: abort.signal,
    steps: stepsOf(runner, request, definition, state, abort.signal),
    speaks: plans.guards.speaks,
    connect: (application, feed) => runner.connect(application, feed, request, abort.signal),
    redact: (text) => runner.redactor.redact(text),
  })
  let failure: unknown
  try {
    await executor.run(context, args)
  } catch (error) {
    failure = abort.signal.aborted ? abortReason(abort.signal) : storeFault(error, store.path)
    // a store that takes no more writes cannot keep this either: the next command finds the run dead
    if (failure instanceof StoreError || failure instanceof BusyError) throw failure
    keep(failureMessage(failure))
  } finally {
    clearInterval(beat)
    await close()
  }
  endRun(store, claim.number, state, judgeRun(state.outcomes, messages, failure), {
    counts: sumCounts([...state.outcomes, ...state.counts.map((counts) => ({ counts }))], Object.keys(executor.counts)),
    durationMs: clock.monotonicMs() - startedMs,
    task: definition.name,
  })
}

const stepsOf = (
  runner: RunnerOptions,
  request: RunRequest,
  definition: TaskDefinition,
  state: RunState,
  signal: AbortSignal,
): Steps =>
  createSteps({
    definition,
    state,
    request,
    signal,
    check: (step) => checkRun(runner, step),
    run: (step, own) => runTask({ ...runner, store: () => own }, step),
    openStore: runner.openStore,
  })

const identityOf = (row: RunRow): RunIdentity => ({
  id: row.result_id,
  number: row.id,
  task: row.task,
  actor: row.actor,
  startedAt: new Date(row.started_at ?? row.queued_at),
})

/** A run that goes on says nothing twice. */
const sameMessage = ({ level, code, text, item }: Message): string => [level, code, item ?? '', text].join('\n')

const progressOf = (request: RunRequest, abort: Stopper): Progress => ({
  update(section, phase, done, total) {
    abort.progress = { section, phase, done }
    request.onEvent?.({ type: 'progress', section, phase, done, total: total ?? null })
  },
})

/** Of the applications that the run wrote to, as they stand now. */
function qualityOf(store: Store, number: number, state: RunState, { status }: Verdict): JsonObject | undefined {
  if (state.options.dryRun || (status !== 'success' && status !== 'warning')) return undefined
  try {
    const found = state.outcomes.flatMap(({ section }) => {
      const quality = store.applications.quality(section, number)
      return quality === undefined ? [] : [[section, quality] as const]
    })
    return found.length === 0 ? undefined : (Object.fromEntries(found) as unknown as JsonObject)
  } catch (error) {
    // what a disk or a lock does to this must not keep a run that is done from its end
    if (storeFault(error, store.path) === error) throw error
    return undefined
  }
}

function endRun(
  store: Store,
  number: number,
  state: RunState,
  verdict: Verdict,
  end: { readonly counts: Counts; readonly durationMs: number; readonly task: string },
): void {
  const quality = qualityOf(store, number, state, verdict)
  store.db.write(() => {
    const endedAt = isoText(state.clock.now())
    store.runs.endOpenSections(number, verdict.status, endedAt)
    const { counts, durationMs } = end
    const seq = state.audit('run.ended', end.task, { status: verdict.status, counts })
    store.runs.end(number, { ...verdict, counts, quality, endedAt, durationMs }, seq)
  })
}

const resultIdOf = (store: Store, number: number): string => store.runs.get(number)?.result_id ?? ''

function finished(store: Store, number: number, request: RunRequest): TaskResultDocument {
  const row = store.runs.get(number)
  if (row === undefined) throw new Error(`run ${number} has no row`)
  const result = store.results.find(row.result_id)
  request.onEvent?.({ type: 'result', result })
  return result
}
