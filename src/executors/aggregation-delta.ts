import { UserError } from '../base/errors.ts'
import type { Application } from '../model/application.ts'
import { isBefore } from '../model/cursor.ts'
import type { TaskContext } from '../task/executor.ts'
import type { Phase } from '../task/road.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import type { ReadOutcome } from './aggregation-read.ts'

/**
 * A delta reads what changed since the last read, by the cursor column of the source. It takes the records that say the very moment of
 * the token too: others of that moment may have come after it was taken.
 */
export interface Delta {
  /** Records from before are known; undefined: a full read. */
  readonly since: string | undefined
  /** The application's token before this read. */
  readonly before: string | null
}

/** @throws UserError IQ1111 for a source of which a part cannot be told from the whole */
export function planDelta(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  id: number,
): Delta {
  const { token: before, fullReadNeeded } = context.store.applications.readState(id)
  if (!args.deltaAggregation) return { since: undefined, before }
  const refuse = (why: string, hint: string): never => {
    throw new UserError(why, { code: 'IQ1111', hint, place: { file: application.file } })
  }
  if (application.cursor === undefined)
    refuse(
      'deltaAggregation needs the column that says when a record changed',
      'add it: connection: { cursor: COLUMN }',
    )
  if (application.merge || application.grants.length > 0)
    refuse(
      'deltaAggregation does not go with merge or grants: a part of what an account holds would look like all of it',
      'leave deltaAggregation out: what did not change costs little',
    )
  const token = before === null ? undefined : (JSON.parse(before) as { value: string; definition: string })
  const why =
    token === undefined
      ? 'nothing was read before'
      : fullReadNeeded
        ? 'a run was taken back'
        : token.definition !== application.digest
          ? 'its definition changed'
          : undefined
  if (why === undefined) return { since: token?.value, before }
  context.message({
    level: 'info',
    code: 'IQ2009',
    text: `${application.name} is read in full instead of by delta: ${why}`,
    item: application.name,
  })
  return { since: undefined, before }
}

/** What the section keeps of its read, and the application when all of it is applied. */
export interface ReadState {
  readonly [key: string]: string | boolean | null
  /** Null: it stays as it is. */
  readonly token: string | null
  readonly before: string | null
  /** The source was read in full. */
  readonly full: boolean
}

/** The token moves on only when nothing that came before it can have been left out. */
export function readState(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  outcome: ReadOutcome,
  delta: Delta,
): ReadState {
  const { only, limit } = context.options
  const whole = args.input === undefined && only === undefined && limit === undefined
  const seen = whole && outcome.evidence.level !== 'partial'
  const { since } = delta
  // a delta never moves it back; a full read knows better
  const latest =
    since !== undefined && (outcome.cursor === undefined || isBefore(outcome.cursor, since)) ? since : outcome.cursor
  const token = seen && latest !== undefined ? { value: latest, definition: application.digest } : null
  return {
    token: token === null ? null : JSON.stringify(token),
    before: delta.before,
    full: seen && since === undefined,
  }
}

/** As the result shows it. */
export const tokenShown = ({ token, before }: ReadState): string | undefined => {
  const kept = token ?? before
  return kept === null ? undefined : (JSON.parse(kept) as { value: string }).value
}

/** The last step: only when everything is applied may the next delta start after it. */
export const tokenPhase = (context: TaskContext, applicationId: number, state: ReadState): Phase => ({
  name: 'token',
  chunk(after) {
    if (after > 0 || !context.store.applications.keepReadState(applicationId, state)) return undefined
    return { position: 1, changed: 0, digest: '' }
  },
})
