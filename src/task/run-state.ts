import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, isoText } from '../base/clock.ts'
import { AbortError, type IqtaskError, StoreError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { chainFigures } from '../model/guard-chain.ts'
import type { PlanFigures } from '../model/plan-figures.ts'
import type { Counts, GuardVerdict, LeftOut, Message } from '../model/result.ts'
import type { Store } from '../store/store.ts'
import type { Checkpoint } from './drive.ts'
import type { Progress, RoadOutcome, RunOptions } from './executor.ts'
import { planHash } from './plan-file.ts'
import type { Prepared } from './road.ts'
import type { PlanSink, RunRequest } from './run-request.ts'

/** What the framework knows about the run in hand: the executor sees only its context. */
export interface RunState {
  readonly number: number
  readonly store: Store
  readonly clock: Clock
  readonly options: RunOptions
  readonly progress: Progress
  readonly checkpoint: Checkpoint
  readonly outcomes: readonly RoadOutcome[]
  /** It goes on where a process died, not where one was stopped. */
  readonly resumedAfterCrash: boolean
  nextSection(): number
  /** Lets signals and timers in. @throws AbortError when the run has to stop */
  pause(): Promise<void>
  /** The whole run ends with it, not only a section. */
  isFatal(error: IqtaskError): boolean
  message(message: Message): void
  count(counts: Counts): void
  readonly counts: readonly Counts[]
  /** The section in hand gave a warning. */
  sectionWarned(): boolean
  judge(figures: PlanFigures): readonly GuardVerdict[]
  keepVerdicts(verdicts: readonly GuardVerdict[]): void
  keepCheckpoint(checkpoint: Checkpoint): void
  keepLeftOut(left: readonly LeftOut[]): void
  forgetCurrent(): void
  /** The section's plan is made (or would be): told to the sequence whose step this is. */
  link(section: string, prepared: Prepared): JsonObject | undefined
  /** The result that was kept for a step before it began. */
  childOf(step: string): string | undefined
  keepChild(step: string, resultId: string): void
  /** The section belongs to what was asked for. */
  wants(section: string): boolean
  /** Hands the section's changes to whoever asked for them. */
  showChanges(section: string, prepared: Prepared): void
  /** Keeps the plan that a guard stopped, for people. */
  keepPlan(section: string, prepared: Prepared): void
  /** False: the section plans something else than it has to. */
  fitsPlan(section: string, hash: string): boolean
  keepOutcome(outcome: RoadOutcome): RoadOutcome
  outcomeOf(section: string): RoadOutcome
  planHash(hash: string | undefined): void
  audit(action: string, key: string, body: JsonObject): number
}

export interface RunStateOptions {
  readonly number: number
  readonly resultId: string
  readonly actor: string
  readonly store: Store
  readonly clock: Clock
  readonly options: RunOptions
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly checkpoint: Checkpoint
  readonly resumedAfterCrash: boolean
  readonly judge: (figures: PlanFigures) => readonly GuardVerdict[]
  readonly asked: Pick<RunRequest, 'plan' | 'sections' | 'expectPlan' | 'child'>
  /** Gets the plans of sections that a guard stopped. */
  readonly kept: PlanSink
  readonly onMessage: (message: Message) => void
  readonly onVerdict: (verdict: GuardVerdict) => void
}

export function createRunState(given: RunStateOptions): RunState {
  const { number, store, clock } = given
  const outcomes: RoadOutcome[] = []
  const counts: Counts[] = []
  let checkpoint = given.checkpoint
  let sections = 0
  let warned = false
  const keepCheckpoint = (given: Checkpoint): void => {
    const { children } = checkpoint
    const next = children === undefined ? given : { children, ...given }
    store.runs.checkpoint(number, next as unknown as JsonObject, isoText(clock.now()))
    checkpoint = next
  }
  return {
    number,
    store,
    clock,
    options: given.options,
    progress: given.progress,
    get checkpoint() {
      return checkpoint
    },
    outcomes,
    resumedAfterCrash: given.resumedAfterCrash,
    nextSection() {
      warned = false
      return ++sections
    },
    isFatal: (error) => error instanceof AbortError || error instanceof StoreError,
    async pause() {
      await nextTurn()
      if (given.signal.aborted) throw abortReason(given.signal)
    },
    message(message) {
      if (message.level === 'warning') warned = true
      given.onMessage(message)
    },
    count: (given) => void counts.push(given),
    counts,
    sectionWarned: () => warned,
    judge: given.judge,
    keepVerdicts(verdicts) {
      store.db.write(() => store.runs.verdicts(number, verdicts))
      for (const verdict of verdicts) given.onVerdict(verdict)
    },
    keepCheckpoint,
    keepLeftOut: (left) => store.db.write(() => store.runs.leftOut(number, left)),
    forgetCurrent: () => store.db.write(() => keepCheckpoint({ done: checkpoint.done })),
    childOf: (step) => checkpoint.children?.[step],
    keepChild: (step, resultId) =>
      store.db.write(() => keepCheckpoint({ ...checkpoint, children: { ...checkpoint.children, [step]: resultId } })),
    ...planChecks(given),
    keepOutcome(outcome) {
      outcomes.push(outcome)
      return outcome
    },
    outcomeOf(section) {
      const kept = store.runs.sectionOutcome(number, section)
      if (kept === undefined) throw new Error(`the section ${section} of run ${number} has no row`)
      const outcome = { section, status: kept.status as RoadOutcome['status'], counts: kept.counts }
      outcomes.push(outcome)
      return outcome
    },
    audit: auditOf(given),
  }
}

const auditOf =
  ({ store, clock, actor, resultId }: RunStateOptions): RunState['audit'] =>
  (action, key, body) =>
    store.audit.append({ at: isoText(clock.now()), actor, action, object: 'result', key, run: resultId, body })

type PlanChecks = Pick<RunState, 'link' | 'planHash' | 'wants' | 'showChanges' | 'keepPlan' | 'fitsPlan'>

function planChecks(given: RunStateOptions): PlanChecks {
  const { options, kept, store } = given
  const { plan, sections, expectPlan, child } = given.asked
  const hashes: string[] = []
  const show = (sink: PlanSink, section: string, prepared: Prepared): void => {
    sink.section(section, prepared.hash)
    for (const change of prepared.changes()) sink.change(change)
  }
  return {
    wants: (section) => sections === undefined || sections.includes(section),
    showChanges(section, prepared) {
      if (plan !== undefined) show(plan, section, prepared)
    },
    link(section, prepared) {
      const figures = chainFigures(prepared.figures, prepared.planned)
      child?.chain.push({ result: given.resultId, section, ...figures })
      return child === undefined ? undefined : { ...figures, changes: { ...figures.changes } }
    },
    planHash(hash) {
      if (hash === undefined) return
      hashes.push(hash)
      store.db.write(() => store.runs.planHash(given.number, planHash(hashes)))
    },
    // of a plan that is at hand already nothing more is kept, and a dry run leaves nothing but its result
    keepPlan(section, prepared) {
      if (options.dryRun || expectPlan !== undefined || options.select !== undefined) return
      // a guard of the source stops also a read that would change nothing
      if (isEmpty(prepared.changes()))
        return given.onMessage({
          level: 'info',
          code: 'IQ4001',
          text: 'no change is planned, so there is no plan to look at',
          item: section,
        })
      show(kept, section, prepared)
      given.onMessage({ level: 'info', code: 'IQ4001', text: `The plan is kept: iqtask plan show ${given.resultId}` })
    },
    fitsPlan: (section, hash) => expectPlan === undefined || expectPlan[section] === hash,
  }
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false
  return true
}

export const abortReason = (signal: AbortSignal): Error =>
  signal.reason instanceof AbortError
    ? signal.reason
    : new AbortError('the run was stopped', { code: 'IQ3002', cause: signal.reason })
