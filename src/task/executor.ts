import type { ZodType } from 'zod'
import type { Clock } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import type { Connection } from '../connectors/connector.ts'
import type { Feed } from '../model/application.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import type { GuardName } from '../model/guard-settings.ts'
import type { PlanSelection } from '../model/plan-selection.ts'
import type { Project } from '../model/project.ts'
import type { Counts, Message, Reject } from '../model/result.ts'
import type { AuditEvent } from '../store/audit.ts'
import type { Store } from '../store/store.ts'
import type { Road } from './road.ts'

/** All that an executor sees. */
export interface TaskContext {
  readonly run: RunIdentity
  readonly project: Project
  readonly store: Store
  readonly clock: Clock
  /** Aborts when the run has to stop at the next chunk: signal, timeout, `stop`. */
  readonly signal: AbortSignal
  /** Lets signals and timers in between two pieces of long work. @throws AbortError when the run has to stop */
  pause(): Promise<void>
  readonly options: RunOptions
  /** The guard is neither switched off for the section nor allowed for this run. */
  guardSpeaks(guard: GuardName, section: string): boolean
  /** Tells the audit trail who did what, by this run; inside a chunk's transaction. */
  audit(event: Pick<AuditEvent, 'action' | 'object' | 'key' | 'body'>): void
  /** Adds a message to the TaskResult. A warning makes the run end `warning`, an error `error`. */
  message(message: Message): void
  /** Keeps rejects of a section with the result; for batches. */
  reject(application: string, rejects: readonly Reject[]): void
  /** Adds to the counts of the result, for what is no section's. */
  count(counts: Counts): void
  readonly progress: Progress
  /**
   * Opens the application's connector with its references resolved; `feed`: one of its other feeds, where its `accounts` are the
   * records of that. The framework closes what is left open.
   */
  connect(application: string, feed?: Feed): Promise<Connection>
  /** Takes one plan down the road: stage, diff, guard, apply. A section's failure is kept in its outcome, not thrown. */
  road(road: Road): Promise<RoadOutcome>
  /** Other tasks as steps of this run: their results are its children, its guards judge them together. */
  readonly steps: Steps
}

export interface StepRequest {
  /** Unique in the run: a step that is over is not run again by a resume. */
  readonly name: string
  readonly task: string
  /** Arguments and parameters of the task, over those of its file. */
  readonly arguments: JsonObject
}

export interface StepEnd {
  readonly result: TaskResultDocument
  /** It changed something, or would have in a dry run. */
  readonly changed: boolean
}

export interface Steps {
  /** @throws UserError for what could not be run: an unknown task, a wrong argument */
  check(step: StepRequest): Promise<void>
  /** Runs it to its end, whatever that is; its status becomes part of this run's. @throws BusyError when it runs elsewhere */
  run(step: StepRequest): Promise<StepEnd>
}

export interface RunIdentity {
  /** The TaskResult's id, as people see it. */
  readonly id: string
  /** The same as the store's number: what `since`, `until` and `created_run` hold. */
  readonly number: number
  readonly task: string
  /** Who acts: JSON. */
  readonly actor: string
  readonly startedAt: Date
}

export interface RunOptions {
  readonly dryRun: boolean
  readonly lossLimit: number
  /** Absolute; undefined: the larger of 100 and 1 % of what was read. */
  readonly maxErrors: number | undefined
  readonly only: string | undefined
  readonly limit: number | undefined
  /** Kinds of change that the run may not make. */
  readonly forbid: readonly string[]
  /** The part of the plan that a person accepts; undefined: all of it. */
  readonly select: PlanSelection | undefined
  readonly expectNoChange: boolean
  /** Guards that may not stop this run, and why. */
  readonly allow: { readonly guards: readonly string[]; readonly reason: string } | undefined
}

/** `passed`: applied (or would be, in a dry run). */
export interface RoadOutcome {
  readonly section: string
  readonly status: 'success' | 'warning' | 'error' | 'guard'
  readonly counts: Counts
}

export interface Progress {
  /** `total` undefined: not known. Cheap; the terminal decides how often to draw. */
  update(section: string, phase: string, done: number, total?: number): void
}

export interface Executor<Arguments = unknown> {
  readonly name: string
  readonly summary: string
  readonly arguments: ZodType<Arguments>
  /** Every count the executor reports, with its meaning in one sentence. */
  readonly counts: Readonly<Record<string, string>>
  /** Refuses what somebody mistyped, before there is a TaskResult. @throws UserError */
  check?(project: Project, args: Arguments): void
  run(context: TaskContext, args: Arguments): Promise<void>
}

/** The one shape of an executor; ties the arguments' type to the schema, then forgets it for the registry. */
export function defineExecutor<Arguments>(executor: Executor<Arguments>): Executor {
  return executor as unknown as Executor
}
