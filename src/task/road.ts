import type { IqtaskError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { PlanFigures } from '../model/plan-figures.ts'
import type { Counts, Evidence } from '../model/result.ts'

/**
 * The road that everything travels which changes many things: stage, diff, guard, apply. An executor fills it in, the
 * framework drives it: it calls `prepare`, lets the guards judge `figures`, binds the plan to the run (first write), and
 * applies phase after phase in chunks, each in one transaction with its checkpoint and its audit event. In a dry run it
 * stops before the bind.
 */
export interface Road {
  /** The section of the result: an application's name, or the task's own. */
  readonly section: string
  /** Its guard stop ends the whole run, not only this section. */
  readonly stopsRun: boolean
  /** Reads, stages and compares; writes nothing that readers of the business tables can see. */
  prepare(): Promise<Prepared>
  /** After a crash: the plan that `prepare` of the dead run had bound, from its stage. Undefined: it is lost, start anew. */
  resume(facts: JsonObject): readonly Phase[] | undefined
  /** The end of the stage, however the section ended. `kept`: the plan stays for people to look at. */
  close(kept: boolean): void
}

export interface Prepared {
  readonly evidence: Evidence | undefined
  readonly figures: PlanFigures
  /** Counts when everything is applied. */
  readonly counts: Counts
  /** Rows of the source, and how many of them were rejected: judged against `maxErrors`. */
  readonly read: number
  readonly rejected: number
  /** Objects that the plan changes. */
  readonly planned: number
  /** The section's work is done, but something was left aside: it ends `warning`. */
  readonly leftAside: boolean
  /** SHA-256 (hex) over the planned changes; equal plans, equal hash, whatever the ids. */
  readonly hash: string
  /** Every planned change, with what is there before it. */
  changes(): Iterable<PlanChange>
  /**
   * The same plan without these changes, and without what cannot be made without them: for kinds that a run may not make
   * (`forbid`), and for a plan that a person accepts in part. Absent: it is made as a whole or not at all.
   */
  without?(unwanted: (change: PlanChange) => boolean): Prepared | Promise<Prepared>
  /** Why none of it may be made, once it is known what was left out. */
  refusal?(): IqtaskError | undefined
  /** The first write, inside a transaction of the framework: reserves ids and says what the section's row keeps. */
  bind(): BoundSection
}

export interface BoundSection {
  readonly applicationId: number | undefined
  /** UTC ISO text. */
  readonly readAt: string | undefined
  readonly token?: string | undefined
  /** Kept in the checkpoint: all that `resume` needs to go on. */
  readonly facts: JsonObject
  readonly phases: readonly Phase[]
}

export interface Phase {
  readonly name: string
  /** Nothing is left of it to do, so that it is not entered. */
  isOver?(): boolean
  /** Now true: what the next chunk writes the plan has proved, so that the store need not look up references and conditions row by row. */
  proved?(): boolean
  /**
   * Applies the next chunk after position `after` (0 at the beginning), inside a transaction of the framework.
   * Undefined: nothing is left.
   */
  chunk(after: number, size: number): Chunk | undefined
  /**
   * Puts the next item after position `after` aside, inside a transaction of the framework: it cannot be applied. Absent: the
   * phase's chunks are made whole, and what cannot be applied ends the section.
   */
  passOver?(after: number): Passed | undefined
}

export interface Passed {
  readonly position: number
  /** As people know it. */
  readonly item: string
  readonly changes: readonly PlanChange[]
  /** What the section's counts lose. */
  readonly counts: Counts
  /** For `resume`: kept beside what `bind` said. */
  readonly facts?: JsonObject
}

export interface Chunk {
  /** Where the next one begins. */
  readonly position: number
  /** Objects changed. */
  readonly changed: number
  /** SHA-256 (hex) over the change rows, for the chunk's audit event. */
  readonly digest: string
}
