import type { JsonObject } from '../base/json.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import type { ChainLink } from '../model/guard-chain.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { PlanSelection } from '../model/plan-selection.ts'
import type { GuardVerdict, Message, Trigger } from '../model/result.ts'
import type { TaskDefinition } from '../model/task-definition.ts'

/** What a run is asked for beyond its definition; the options of `iqtask run`. */
export interface RunRequest {
  readonly task: string
  readonly trigger: Trigger
  /** `--set key=value` as typed; the parameters' or the executor's schema gives the types. */
  readonly set: Readonly<Record<string, string>>
  /** The same as values, for programs schedules and the steps of a sequence. */
  readonly arguments?: JsonObject | undefined
  /** It is a step of another run. */
  readonly child?: ChildRun | undefined
  /** The sequences that it is a step of, innermost first: their guards go before its own. */
  readonly callers?: readonly TaskDefinition[] | undefined
  /** The nominal time that this run is for. */
  readonly fire?: Fire | undefined
  readonly dryRun?: boolean | undefined
  readonly only?: string | undefined
  readonly limit?: number | undefined
  readonly forbid?: readonly string[] | undefined
  /** Of the plan, only this part. */
  readonly select?: PlanSelection | undefined
  readonly expectNoChange?: boolean | undefined
  readonly timeoutMs?: number | undefined
  readonly allow?: { readonly guards: readonly string[]; readonly reason: string } | undefined
  /** What happens when the task runs already; without it the definition's `concurrency` decides. */
  readonly ifRunning?: 'fail' | 'skip' | 'wait' | undefined
  /** Continue the task's last dead run at its checkpoint. */
  readonly resume?: boolean | undefined
  /** The result of the run that a blackout stopped and that goes on now, wherever it was. */
  readonly stopped?: string | undefined
  /** Gets the plan of each section, before the guards judge. */
  readonly plan?: PlanSink | undefined
  /** Only these sections; the others are not even looked at. */
  readonly sections?: readonly string[] | undefined
  /** Sections must plan exactly this (hash by name), or nothing of them is applied. */
  readonly expectPlan?: Readonly<Record<string, string>> | undefined
  /** What happens while it runs; never awaited. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Aborts at the next chunk; the reason (an Error) says why. */
  readonly signal?: AbortSignal | undefined
  readonly stdin?: NodeJS.ReadableStream | undefined
}

export interface ChildRun {
  /** The number of the run that it is a step of. */
  readonly parent: number
  /** The id that was kept for it before it began, so that a step is never run twice. */
  readonly resultId: string
  /** What the steps before it planned; its own plans are added. */
  readonly chain: ChainLink[]
}

export interface Fire {
  /** A start may be put off until then, not longer. */
  readonly startBy: Date
  /** Why it starts when it does; told with the result. */
  readonly messages: readonly Message[]
  /** Takes the nominal time for the run, in the transaction that makes its row. @throws BusyError when somebody has it */
  take(run: number, outcome: 'run' | 'missed'): void
}

export interface PlanSink {
  section(name: string, hash: string): void
  change(change: PlanChange): void
}

/** The stream of `--progress jsonl`; the last one is `result`. */
export type RunEvent =
  | { readonly type: 'started'; readonly id: string; readonly task: string; readonly store: string }
  | {
      readonly type: 'progress'
      readonly section: string
      readonly phase: string
      readonly done: number
      readonly total: number | null
    }
  | ({ readonly type: 'message' } & Message)
  | ({ readonly type: 'guard' } & GuardVerdict)
  | { readonly type: 'result'; readonly result: TaskResultDocument }
