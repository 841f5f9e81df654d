import { setImmediate } from 'node:timers/promises'
import { BusyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Application } from '../model/application.ts'
import { glob } from '../model/normalize.ts'
import { placeOf, renderPlaces } from '../model/place.ts'
import { authoritativeNames } from '../model/project.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import type { Bound } from '../store/bulk/bind.ts'
import type { MissingDetection } from '../store/bulk/diff.ts'
import type { PassedOver } from '../store/bulk/pass-over.ts'
import type { TaskContext } from '../task/executor.ts'
import type { BoundSection, Prepared, Road } from '../task/road.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import { type Delta, planDelta, type ReadState, readState, tokenPhase, tokenShown } from './aggregation-delta.ts'
import { fetched } from './aggregation-fetched.ts'
import { reportLeftAside } from './aggregation-left-aside.ts'
import { evidenceOf, type ReadOutcome, readAccounts } from './aggregation-read.ts'
import { refuseDeadRules } from './aggregation-refusals.ts'
import { seenBefore } from './aggregation-seen.ts'
import { scopeOf } from './applications.ts'

const hourMs = 3_600_000
/** An account gone for longer comes back as a new one (domain §4.3). */
const returnsWithinMs = 30 * 24 * hourMs
/** A missing account ends when missing again after this time (domain §4.6). */
export const missingGraceMs = 20 * hourMs

interface Journey {
  readonly context: TaskContext
  readonly application: Application
  readonly args: AggregationArguments
}

/** One application's way down the road. */
export function createAggregationRoad(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
): Road {
  const journey = { context, application, args }
  const { store, run } = context
  let plan: AccountPlan | undefined
  return {
    section: application.name,
    stopsRun: application.authoritative !== undefined,
    async prepare() {
      refuseDeadRules(application, context)
      const id = store.applications.idOf(application.name) ?? 0
      const delta = planDelta(context, application, args, id)
      if (args.fetchOnly)
        return fetched(application, await readAccounts(context, application, args, undefined, delta.since))
      const before = store.applications.lastChange(id)
      const isFirst = id === 0 && application.correlation.length > 0
      const fresh = (): AccountPlan => store.accountPlans.create(run.id, run.number, application.name, isFirst)
      const seen = seenBefore(context, application, args, id)
      plan = fresh()
      const same = await seen?.unchanged()
      let table = same?.table
      const slots =
        seen &&
        (() => {
          table = seen.table()
          return table?.slots ?? seen.nothing()
        })
      const outcome =
        same?.outcome ??
        (await beside(readAccounts(context, application, args, plan, delta.since, slots), () =>
          store.accountPlans.countAlive(id),
        ))
      const known = { id, before, delta, definition: seen?.definition }
      if (plan.seal(id, table)) return await compare(journey, plan, outcome, { ...known, unseen: table !== undefined })
      plan.close(false)
      store.db.write(() => store.runs.forgetRejects(run.number, application.name))
      plan = fresh()
      const whole = await readAccounts(context, application, args, plan, delta.since, seen?.nothing)
      plan.seal(id, undefined)
      return await compare(journey, plan, whole, { ...known, unseen: false })
    },
    resume(facts) {
      plan = store.accountPlans.reopen(run.id, run.number, application.name)
      const bound = facts.bound as unknown as Bound
      if (plan === undefined) return undefined
      plan.rebind(bound)
      const passed = (facts.passed ?? []) as unknown as readonly PassedOver[]
      const phases = plan.phases(application.name, bound, passed)
      return [...phases, tokenPhase(context, bound.applicationId, facts.read as unknown as ReadState)]
    },
    close(kept) {
      plan?.close(kept)
      plan = undefined
    },
  }
}

/** Does something else while a source is waited for. */
async function beside<Result>(reading: Promise<Result>, work: () => void): Promise<Result> {
  const [result] = await Promise.all([reading, setImmediate().then(work)])
  return result
}

async function compare(
  { context, application, args }: Journey,
  plan: AccountPlan,
  outcome: ReadOutcome,
  known: {
    readonly id: number
    readonly before: number
    readonly delta: Delta
    readonly unseen: boolean
    readonly definition: string | undefined
  },
): Promise<Prepared> {
  const now = context.clock.now()
  const evidence = evidenceOf(outcome)
  const pause = (): Promise<void> => context.pause()
  await plan.compare(
    {
      applicationId: known.id,
      returnsUntil: new Date(now.getTime() - returnsWithinMs).toISOString(),
      promote: args.promoteManagedAttributes,
      compareAll: !args.optimizeReaggregation,
      missing: missingDetection(context, application, args, outcome, { now, id: known.id }),
      unseen: known.unseen,
    },
    {
      applicationId: known.id,
      rules: application.correlation,
      sameAs: application.authoritative?.sameAs ?? [],
      creates: application.authoritative !== undefined && !args.correlateOnly,
      privileged: application.privileged,
      authoritative: authoritativeNames(context.project),
      recorrelate: args.recorrelate,
    },
    pause,
  )
  const rejected = outcome.rejected + rejectRepeated(context, application, plan, outcome)
  const leftAside = reportLeftAside(context, application, plan)
  return summarize()

  /** Of the plan as it stands, which can still lose a part. */
  async function summarize(): Promise<Prepared> {
    const planned = plan.counts(known.id)
    const counts = { ...planned, grantsRejected: (planned.grantsRejected ?? 0) + outcome.grantsRejected }
    if (context.options.dryRun) plan.keepIdentities(application.name)
    return {
      evidence,
      figures: await plan.figures(
        {
          section: application.name,
          applicationId: known.id,
          privileged: application.privileged,
          rows: isWhole(context, args) && known.delta.since === undefined ? outcome.read - outcome.filtered : undefined,
          columns: outcome.columns,
          ...columnsOf(application),
          scope: scopeOf(application),
          digest: outcome.evidence.digest,
          now,
        },
        pause,
      ),
      counts: { read: outcome.read, filtered: outcome.filtered, rejected, ...counts },
      read: outcome.read + outcome.grantsRead,
      rejected: rejected + outcome.grantsRejected,
      planned: plannedChanges(counts),
      leftAside,
      hash: await plan.hash(pause),
      changes: () => plan.changes(application.name),
      without(unwanted) {
        plan.leaveOut(application.name, unwanted)
        return summarize()
      },
      bind: () =>
        bind(context, application, plan, {
          ...known,
          readAt: now.toISOString(),
          columns: outcome.columns,
          files: outcome.files,
          read: readState(context, application, args, outcome, known.delta),
        }),
    }
  }
}

function bind(
  context: TaskContext,
  application: Application,
  plan: AccountPlan,
  known: {
    readonly id: number
    readonly before: number
    readonly readAt: string
    readonly columns: readonly string[]
    readonly files: readonly string[]
    readonly definition: string | undefined
    readonly read: ReadState
  },
): BoundSection {
  const { applications } = context.store
  applications.refuseOther(application.name, context.run.number)
  if (applications.lastChange(known.id) !== known.before)
    throw new BusyError(`another run changed ${application.name} while this one was reading`, {
      code: 'IQ3001',
      hint: 'run again',
    })
  const applicationId = applications.ensure(application.name)
  const bound = plan.bind(applicationId, application.correlation.length > 0 || application.authoritative !== undefined)
  // the guards of the next read compare with these, and so does the next read itself
  const { columns, files, definition } = known
  const source = { columns, files, scope: scopeOf(application), ...(definition === undefined ? {} : { definition }) }
  return {
    applicationId,
    readAt: known.readAt,
    token: tokenShown(known.read),
    facts: { bound: bound as JsonObject, source, read: known.read },
    phases: [...plan.phases(application.name, bound, []), tokenPhase(context, applicationId, known.read)],
  }
}

function rejectRepeated(
  context: TaskContext,
  application: Application,
  plan: AccountPlan,
  outcome: ReadOutcome,
): number {
  const key = application.account.nativeIdentity.join(':')
  const rejects = plan.ambiguous().map((row) => ({
    code: 'IQ2101' as const,
    reason:
      row.lines === null
        ? `${key} ${JSON.stringify(row.native)} and its ${application.account.uuid ?? 'uuid'} belong to two different accounts`
        : `${key} ${JSON.stringify(row.native)} occurs also in ${renderPlaces(outcome.files, row.lines.split(', ').map(Number))}`,
    ...placeOf(outcome.files, row.line),
    native: row.native,
  }))
  context.reject(application.name, rejects)
  return rejects.length
}

/** The read was to see everything the source has. */
const isWhole = (context: TaskContext, args: AggregationArguments): boolean =>
  args.input === undefined && context.options.only === undefined && context.options.limit === undefined

function columnsOf(application: Application): { columnsUsed: string[]; ignored: string[] } {
  const { nativeIdentity, uuid, attributes } = application.account
  const declared = attributes.filter((attribute) => attribute.expr === undefined).map((attribute) => attribute.name)
  return {
    columnsUsed: [...nativeIdentity, ...(uuid === undefined ? [] : [uuid]), ...declared],
    ignored: attributes.flatMap(({ name, ignore }) => (ignore ? [name] : [])),
  }
}

/** Domain §4.6: only after a full, unfiltered read, and never more surely than the read itself. */
function missingDetection(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  outcome: ReadOutcome,
  { now, id }: { readonly now: Date; readonly id: number },
): MissingDetection | undefined {
  const evidence = evidenceOf(outcome)
  if (!args.checkDeleted || !isWhole(context, args) || evidence.level === 'partial') return undefined
  if (scopeHides(context, application, id, now)) return undefined
  const today = now.toISOString().slice(0, 10)
  const protectors = application.protect
    .filter((entry) => entry.until === undefined || entry.until >= today)
    .map((entry) => glob(application.ignoreCase ? entry.match.toLowerCase() : entry.match))
  return {
    level: outcome.untrusted ? 'stable' : evidence.level,
    digest: evidence.digest ?? '',
    markedBefore: new Date(now.getTime() - missingGraceMs).toISOString(),
    isProtected: (native) => protectors.some((matches) => matches(native)),
  }
}

/** After a change of scope an account may only be out of sight: said, and nothing ends. */
function scopeHides(context: TaskContext, application: Application, id: number, now: Date): boolean {
  if (!context.store.applications.scopeChanged(id, scopeOf(application), now)) return false
  return context.guardSpeaks('scopeChanged', application.name)
}

const changeCounts = ['created', 'changed', 'returned', 'renamed', 'gone', 'identitiesCreated', 'moved'] as const

const plannedChanges = (counts: Readonly<Record<string, number>>): number =>
  changeCounts.reduce((sum, name) => sum + (counts[name] ?? 0), 0)
