import { ItemError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { counted } from '../base/plural.ts'
import type { Counts, LeftOut } from '../model/result.ts'
import type { Checkpoint } from './drive.ts'
import type { Passed, Phase, Road } from './road.ts'
import type { RunState } from './run-state.ts'

/**
 * A place where a chunk failed or the process died: from there on, items are applied one by one, so that the faulty one is found
 * and its neighbours are not lost.
 */
export interface Suspect {
  /** The position that `crashes` were counted at. */
  readonly after: number
  /** How often the process died while the next item was applied, the crash of its chunk included. */
  readonly crashes: number
  /** Single items still to go. */
  readonly left: number
}

/** An item that was there at so many crashes is what the process dies of. */
const mostCrashes = 3

type Current = NonNullable<Checkpoint['current']>

/** The process died at this checkpoint: what is applied next is looked at one by one. */
export function suspectAfterCrash({ after, suspect }: Current, lossLimit: number): Suspect {
  if (suspect === undefined) return { after, crashes: 1, left: lossLimit }
  return { ...suspect, after, crashes: suspect.after === after ? suspect.crashes + 1 : 2 }
}

/**
 * One transaction: rows, checkpoint, audit event. Gives the position reached; undefined at the phase's end.
 * @throws whatever the phase throws for a chunk that cannot be passed over
 */
export function applyChunk(run: RunState, road: Road, phase: Phase, after: number): number | undefined {
  const suspect = currentOf(run).suspect
  if (suspect !== undefined && suspect.after === after && suspect.crashes >= mostCrashes)
    return passOver(
      run,
      road,
      phase,
      after,
      `the process died ${counted(suspect.crashes, 'time')} while it was applied`,
    )
  try {
    return apply(run, road, phase, after, suspect)
  } catch (error) {
    if (!(error instanceof ItemError) || phase.passOver === undefined) throw error
    if (suspect !== undefined) return passOver(run, road, phase, after, error.message)
    const alone: Suspect = { after, crashes: 0, left: run.options.lossLimit }
    run.store.db.write(() => keep(run, phase, after, alone))
    return after
  }
}

function apply(
  run: RunState,
  road: Road,
  phase: Phase,
  after: number,
  suspect: Suspect | undefined,
): number | undefined {
  const position = run.store.db.write(() => {
    const chunk = phase.chunk(after, suspect === undefined ? run.options.lossLimit : 1)
    if (chunk === undefined) return undefined
    keep(run, phase, chunk.position, next(suspect, chunk.position))
    if (chunk.changed > 0)
      run.audit('chunk.applied', `${road.section}/${phase.name}`, { changed: chunk.changed, digest: chunk.digest })
    return chunk.position
  })
  if (position !== undefined) run.progress.update(road.section, phase.name, position)
  return position
}

/** The crash of the whole chunk counts for every item that was in it. */
const next = (suspect: Suspect | undefined, after: number): Suspect | undefined =>
  suspect === undefined || suspect.left <= 1
    ? undefined
    : { after, crashes: Math.min(1, suspect.crashes), left: suspect.left - 1 }

function passOver(run: RunState, road: Road, phase: Phase, after: number, why: string): number | undefined {
  return run.store.db.write(() => {
    const suspect = currentOf(run).suspect
    const passed = phase.passOver?.(after)
    if (passed === undefined)
      throw new ItemError(`${road.section} cannot go on in "${phase.name}" after ${after}: ${why}`, road.section, {
        code: 'IQ3015',
        hint: 'start anew: iqtask run',
      })
    const { facts } = currentOf(run)
    keep(run, phase, passed.position, next(suspect, passed.position), {
      ...facts,
      ...passed.facts,
      status: 'warning',
      counts: lessened(facts.counts as Counts, passed.counts),
    })
    run.keepLeftOut(leftOutOf(road.section, passed))
    run.message({ level: 'warning', code: 'IQ3015', text: `${passed.item} was put aside: ${why}`, item: road.section })
    run.audit('item.quarantined', `${road.section}/${phase.name}`, { item: passed.item, why })
    return passed.position
  })
}

function leftOutOf(section: string, { item, changes }: Passed): LeftOut[] {
  const kinds = new Map<string, LeftOut>()
  for (const { kind, object } of changes) {
    const count = (kinds.get(`${kind} ${object}`)?.count ?? 0) + 1
    kinds.set(`${kind} ${object}`, { section, reason: 'quarantined', kind, object, count, first: [item] })
  }
  return [...kinds.values()]
}

const lessened = (counts: Counts, by: Counts): JsonObject =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count - (by[name] ?? 0)]))

function currentOf(run: RunState): Current {
  const { current } = run.checkpoint
  if (current === undefined) throw new Error(`run ${run.number} applies without a bound plan`)
  return current
}

function keep(run: RunState, phase: Phase, after: number, suspect: Suspect | undefined, facts?: JsonObject): void {
  const { section, facts: before } = currentOf(run)
  const at = { section, phase: phase.name, after, facts: facts ?? before }
  run.keepCheckpoint({
    done: run.checkpoint.done,
    current: suspect === undefined ? at : { ...at, suspect },
  })
}
