import { isoText } from '../base/clock.ts'
import { IqtaskError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { counted } from '../base/plural.ts'
import type { GuardVerdict, Message } from '../model/result.ts'
import type { Checkpointer } from '../store/sqlite/checkpointer.ts'
import { applyChunk, type Suspect, suspectAfterCrash } from './chunks.ts'
import type { RoadOutcome } from './executor.ts'
import { leaveForbidden, leaveUnaccepted } from './leave-out.ts'
import { sentenceOf } from './outcome.ts'
import type { BoundSection, Phase, Prepared, Road } from './road.ts'
import type { RunState } from './run-state.ts'

type Status = RoadOutcome['status']

/** Where a run stands: what is committed with every chunk. */
export interface Checkpoint {
  /** The results of the run's steps, by the step's name. */
  readonly children?: Readonly<Record<string, string>>
  /** Sections that are over. */
  readonly done: readonly string[]
  readonly current?: {
    readonly section: string
    readonly phase: string
    readonly after: number
    /** What the executor's `bind` said, with the section's `status` and `counts`. */
    readonly facts: JsonObject
    readonly suspect?: Suspect
  }
}

/** Takes one plan down the road. A failure of the section is kept in its outcome; only an abort or a failing store is thrown. */
export async function driveRoad(run: RunState, road: Road): Promise<RoadOutcome> {
  const section: Begun = { seq: run.nextSection(), at: isoText(run.clock.now()) }
  if (!run.wants(road.section)) return { section: road.section, status: 'success', counts: {} }
  if (run.checkpoint.done.includes(road.section)) return run.outcomeOf(road.section)
  let kept = false
  try {
    const bound = resumePoint(run, road)
    if (bound !== undefined) return await applyPhases(run, road, section, bound)
    const whole = await road.prepare()
    await run.pause()
    const planned = await leaveForbidden(run, road.section, whole)
    run.showChanges(road.section, planned)
    const moved = stopBefore(run, road, planned)
    if (moved !== undefined) return settle(run, road, section, moved, planned)
    const prepared = await leaveUnaccepted(run, road.section, planned)
    const stop = judge(run, road, prepared)
    if (stop === 'guard') run.keepPlan(road.section, prepared)
    if (stop !== undefined) return settle(run, road, section, stop, prepared)
    const status = statusOf(run, prepared)
    if (run.options.dryRun) run.link(road.section, prepared)
    if (run.options.dryRun) return settle(run, road, section, status, prepared)
    return await applyPhases(run, road, section, bind(run, road, section, status, prepared))
  } catch (error) {
    // what a killed run would leave is what an aborted one leaves: the bound stage, to go on from
    kept = run.checkpoint.current !== undefined
    if (!(error instanceof IqtaskError) || run.isFatal(error)) throw error
    run.message(messageOf(error, road.section))
    return settle(run, road, section, 'error', undefined)
  } finally {
    road.close(kept)
  }
}

/** The place of a section in its run, and when it began. */
interface Begun {
  readonly seq: number
  readonly at: string
}

interface Bound {
  readonly phases: readonly Phase[]
  readonly from: { readonly phase: string; readonly after: number } | undefined
}

const messageOf = (error: IqtaskError, section: string): Message => ({
  level: 'error',
  code: error.code,
  text: sentenceOf(error),
  item: section,
})

function statusOf(run: RunState, prepared: Prepared): Status {
  return prepared.leftAside || prepared.rejected > 0 || run.sectionWarned() ? 'warning' : 'success'
}

/** Why the plan may not be looked at any further: too many rejects, or it is not the one that was to be applied. */
function stopBefore(run: RunState, road: Road, prepared: Prepared): Status | undefined {
  const limit = run.options.maxErrors ?? Math.max(100, Math.floor(prepared.read / 100))
  if (prepared.rejected > limit) {
    run.message({
      level: 'error',
      code: 'IQ3004',
      text: `${prepared.rejected} of ${counted(prepared.read, 'item')} were rejected, maxErrors allows ${limit}: nothing was written`,
      item: road.section,
    })
    return 'error'
  }
  if (!run.fitsPlan(road.section, prepared.hash)) {
    run.message({
      level: 'error',
      code: 'IQ3010',
      text: 'what the plan stands on has moved: nothing was changed',
      item: road.section,
    })
    return 'error'
  }
  return undefined
}

/** Why the plan may not be applied; undefined when it may. */
function judge(run: RunState, road: Road, prepared: Prepared): Status | undefined {
  const refusal = prepared.refusal?.()
  if (refusal !== undefined) {
    run.message(messageOf(refusal, road.section))
    return 'error'
  }
  const verdicts = run.judge(prepared.figures)
  run.keepVerdicts(verdicts)
  sayVerdicts(run, verdicts, prepared.hash)
  if (verdicts.some((verdict) => verdict.verdict === 'tripped')) return 'guard'
  if (run.options.expectNoChange && prepared.planned > 0) {
    run.message({
      level: 'error',
      code: 'IQ3007',
      text: `${counted(prepared.planned, 'change')} planned although none were expected`,
      item: road.section,
    })
    return 'error'
  }
  return undefined
}

/** An allowed guard is a decision of a person about this one plan: audited, with the reason. A warning makes the section end `warning`. */
function sayVerdicts(run: RunState, verdicts: readonly GuardVerdict[], plan: string): void {
  for (const { guard, application, verdict, text } of verdicts) {
    if (verdict === 'warning')
      run.message({ level: 'warning', code: 'IQ4004', text: `${guard}: ${text}`, item: application })
    if (verdict !== 'allowed') continue
    const reason = run.options.allow?.reason ?? ''
    run.message({ level: 'info', code: 'IQ4003', text: `${guard} was allowed (${reason}): ${text}`, item: application })
    run.store.db.write(() => run.audit('guard.allowed', application, { guard, reason, text, plan }))
  }
}

/** The section is over, without a write to the business tables in this step. */
function settle(
  run: RunState,
  road: Road,
  { seq, at: beganAt }: Begun,
  status: Status,
  prepared: Prepared | undefined,
): RoadOutcome {
  const counts = prepared?.counts ?? {}
  run.planHash(prepared?.hash)
  run.store.db.write(() => {
    run.store.runs.section(run.number, {
      seq,
      name: road.section,
      applicationId: undefined,
      status: status === 'guard' ? 'error' : status,
      beganAt,
      endedAt: isoText(run.clock.now()),
      readAt: isoText(run.clock.now()),
      evidence: prepared?.evidence,
      token: undefined,
      counts:
        status === 'success' || status === 'warning'
          ? counts
          : { read: counts.read ?? 0, rejected: counts.rejected ?? 0 },
      facts: undefined,
    })
    run.keepCheckpoint({ done: [...run.checkpoint.done, road.section] })
  })
  return run.keepOutcome({ section: road.section, status, counts })
}

function bind(run: RunState, road: Road, { seq, at: beganAt }: Begun, status: Status, prepared: Prepared): Bound {
  run.planHash(prepared.hash)
  return run.store.db.write(() => {
    const section: BoundSection = prepared.bind()
    const chain = run.link(road.section, prepared)
    const facts = {
      ...section.facts,
      status,
      counts: prepared.counts,
      planned: prepared.planned,
      ...(chain && { chain }),
    }
    run.store.runs.section(run.number, {
      seq,
      name: road.section,
      applicationId: section.applicationId,
      status: 'running',
      beganAt,
      readAt: section.readAt,
      evidence: prepared.evidence,
      token: section.token,
      counts: prepared.counts,
      facts,
    })
    run.keepCheckpoint({
      done: run.checkpoint.done,
      current: { section: road.section, phase: section.phases[0]?.name ?? '', after: 0, facts },
    })
    run.audit('plan.bound', road.section, { hash: prepared.hash, planned: prepared.planned })
    return { phases: section.phases, from: undefined }
  })
}

/** The plan that a dead run had bound; undefined where this section has none. */
function resumePoint(run: RunState, road: Road): Bound | undefined {
  const current = run.checkpoint.current
  if (current === undefined || current.section !== road.section) return undefined
  const phases = road.resume(current.facts)
  if (phases === undefined) {
    run.forgetCurrent()
    return undefined
  }
  return {
    phases,
    from: run.resumedAfterCrash ? suspected(run, current) : current,
  }
}

function suspected(run: RunState, current: NonNullable<Checkpoint['current']>): Bound['from'] {
  const suspect = suspectAfterCrash(current, run.options.lossLimit)
  run.store.db.write(() => run.keepCheckpoint({ done: run.checkpoint.done, current: { ...current, suspect } }))
  return current
}

async function applyPhases(run: RunState, road: Road, { seq }: Begun, bound: Bound): Promise<RoadOutcome> {
  const start = bound.from === undefined ? 0 : bound.phases.findIndex((phase) => phase.name === bound.from?.phase)
  const checkpointer = run.store.db.checkpointer(factsOf(run).planned)
  try {
    for (const [index, phase] of bound.phases.entries()) {
      if (index < start) continue
      if (index > start) {
        if (phase.isOver?.() === true) continue
        enterPhase(run, phase)
      }
      await applyPhase(run, road, phase, index === start ? (bound.from?.after ?? 0) : 0, checkpointer)
    }
  } finally {
    checkpointer.end()
  }
  const { status, counts } = factsOf(run)
  run.store.db.write(() => {
    run.store.runs.endSection(run.number, seq, status, counts, isoText(run.clock.now()))
    run.keepCheckpoint({ done: [...run.checkpoint.done, road.section] })
    run.audit('section.applied', road.section, { counts })
  })
  return run.keepOutcome({ section: road.section, status, counts })
}

async function applyPhase(
  run: RunState,
  road: Road,
  phase: Phase,
  from: number,
  checkpointer: Checkpointer,
): Promise<void> {
  try {
    for (let after: number | undefined = from; after !== undefined; ) {
      await run.pause()
      run.store.db.checks(phase.proved?.() !== true)
      after = applyChunk(run, road, phase, after)
      checkpointer.committed()
    }
  } finally {
    run.store.db.checks(true)
  }
}

/** What dies in the first chunk of a phase must not look as if it had died in the one before. */
function enterPhase(run: RunState, phase: Phase): void {
  const { done, current } = run.checkpoint
  if (current === undefined) return
  const { section, facts } = current
  run.store.db.write(() => run.keepCheckpoint({ done, current: { section, phase: phase.name, after: 0, facts } }))
}

function factsOf(run: RunState): {
  readonly status: Status
  readonly counts: RoadOutcome['counts']
  readonly planned: number
} {
  const facts = run.checkpoint.current?.facts
  return {
    status: facts?.status as Status,
    counts: facts?.counts as RoadOutcome['counts'],
    planned: Number(facts?.planned ?? 0),
  }
}
