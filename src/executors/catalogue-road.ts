import { createHash } from 'node:crypto'
import { dayIn } from '../base/clock.ts'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { counted } from '../base/plural.ts'
import type { Application, CatalogueFeed } from '../model/application.ts'
import { compileCatalogue } from '../model/catalogue-rows.ts'
import { missingSources } from '../model/feed-rows.ts'
import { placeNumber, placeOf, renderPlaces } from '../model/place.ts'
import type { SourceFigures } from '../model/plan-figures.ts'
import { rejectOf } from '../model/rejected-row.ts'
import { type Evidence, evidenceLevels, type Reject } from '../model/result.ts'
import type { CatalogueBound } from '../store/bulk/catalogue-apply.ts'
import type { CataloguePlan } from '../store/bulk/catalogue-plan.ts'
import type { CatalogueHistory } from '../store/catalogue.ts'
import type { TaskContext } from '../task/executor.ts'
import type { Prepared, Road } from '../task/road.ts'
import { missingGraceMs } from './aggregation-road.ts'
import { scopeOf } from './applications.ts'
import type { CatalogueArguments } from './entitlement-aggregation.ts'

interface Read {
  readonly files: string[]
  readonly evidence: Evidence[]
  read: number
  filtered: number
  rejected: number
}

/** One application's catalogue on its way down the road: all feeds of it are one plan. */
export function createCatalogueRoad(context: TaskContext, application: Application, args: CatalogueArguments): Road {
  const { store, run } = context
  let plan: { close(kept: boolean): void } | undefined
  return {
    section: application.name,
    stopsRun: false,
    async prepare() {
      const created = store.cataloguePlans.create(run.id, run.number, application.name)
      plan = created
      const read: Read = { files: [], evidence: [], read: 0, filtered: 0, rejected: 0 }
      for (const feed of application.entitlements) await readFeed(context, application, feed, created, read)
      return compare(context, application, args, created, read)
    },
    resume(facts) {
      const reopened = store.cataloguePlans.reopen(run.id, run.number, application.name)
      plan = reopened
      return reopened?.phases(facts.bound as unknown as CatalogueBound)
    },
    close(kept) {
      plan?.close(kept)
      plan = undefined
    },
  }
}

async function readFeed(
  context: TaskContext,
  application: Application,
  feed: CatalogueFeed,
  plan: CataloguePlan,
  totals: Read,
): Promise<void> {
  const now = context.run.startedAt
  const map = compileCatalogue(feed, { now, today: dayIn(now, context.project.timeZone) })
  const connection = await context.connect(application.name, feed)
  const reading = await connection.accounts({ limit: context.options.limit })
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    if (totals.files.at(-1) !== batch.file) totals.files.push(batch.file)
    if (batch.declared) refuseMissingSources(application, feed, batch)
    const rejects: Reject[] = batch.rejects.map(rejectOf)
    for (const { line, values, text } of batch.records) {
      const outcome = map(batch.columns, values)
      if ('entry' in outcome) plan.add({ ...outcome.entry, place: placeNumber(totals.files.length - 1, line) })
      else if ('filtered' in outcome) totals.filtered++
      else {
        const { value, ...reject } = outcome.reject
        if (value !== undefined) plan.addRejected(feed.as, value)
        rejects.push({ ...reject, native: value, file: batch.file, line, fragment: text })
      }
    }
    totals.read += batch.records.length + batch.rejects.length
    totals.rejected += rejects.length
    context.reject(application.name, rejects)
    context.progress.update(application.name, 'read', totals.read)
  }
  await connection.close()
  totals.evidence.push(reading.evidence())
}

function refuseMissingSources(
  application: Application,
  feed: CatalogueFeed,
  { file, columns }: { readonly file: string; readonly columns: readonly string[] },
): void {
  const { value, displayName, description, owner, gives } = feed
  const [missing] = missingSources([value, displayName, description, owner, gives], columns)
  if (missing === undefined) return
  throw new UserError(`${file} has no column "${missing}", which the catalogue of ${application.name} comes from`, {
    code: 'IQ2003',
    hint: didYouMean(missing, columns) ?? `it has ${columns.slice(0, 20).join(', ')}`,
    place: { file: application.file },
  })
}

function compare(
  context: TaskContext,
  application: Application,
  args: CatalogueArguments,
  plan: CataloguePlan,
  read: Read,
): Prepared {
  const { store, options, run } = context
  const now = context.clock.now()
  const evidence = weakest(read.evidence)
  const history = store.catalogue.history(application.name)
  const scope = JSON.stringify(application.entitlements.map(scopeOf))
  const whole = options.limit === undefined
  const moved = history !== undefined && history.scope !== scope
  const inSight = !moved || !context.guardSpeaks('scopeChanged', application.name)
  plan.compare({
    applicationId: store.applications.idOf(application.name) ?? 0,
    section: application.name,
    attributes: application.entitlements.map((feed) => feed.as),
    missing:
      args.checkDeleted && whole && inSight && evidence.level !== 'partial'
        ? {
            // a row that names nothing may be any of those that are absent
            level: read.rejected > 0 || evidence.level !== 'complete' ? 'stable' : 'complete',
            digest: evidence.digest ?? '',
            markedBefore: new Date(now.getTime() - missingGraceMs).toISOString(),
          }
        : undefined,
  })
  const repeated = rejectRepeated(context, application, plan, read)
  rejectEdges(context, application, plan, read)
  sayStillHeld(context, application, plan)
  const rejected = read.rejected + repeated
  return summarize()

  /** Of the plan as it stands, which can still lose a part. */
  function summarize(): Prepared {
    const counts = plan.counts()
    const { created = 0, changed = 0, returned = 0, gone = 0 } = counts
    return {
      evidence,
      figures: {
        section: application.name,
        privileged: application.privileged,
        population: history?.population ?? 0,
        baseline: history === undefined,
        changes: { deletes: { count: gone, first: plan.going(), objects: ['entitlement', 'entitlements'] } },
        read: whole ? sourceFigures(read, history, counts, moved) : undefined,
      },
      counts: { read: read.read, filtered: read.filtered, rejected, ...counts },
      read: read.read,
      rejected,
      planned: created + changed + returned + gone,
      leftAside: (counts.givesRejected ?? 0) > 0,
      hash: plan.hash(),
      changes: () => plan.changes(application.name),
      without(unwanted) {
        plan.leaveOut(application.name, unwanted)
        return summarize()
      },
      bind() {
        store.applications.refuseOther(application.name, run.number)
        const bound = { applicationId: store.applications.ensure(application.name), run: run.number }
        const facts = { bound, source: { scope } }
        return { applicationId: undefined, readAt: now.toISOString(), facts, phases: plan.phases(bound) }
      },
    }
  }
}

function sourceFigures(
  read: Read,
  history: CatalogueHistory | undefined,
  counts: Readonly<Record<string, number>>,
  scopeChanged: boolean,
): SourceFigures {
  const { unchanged = 0, changed = 0 } = counts
  return {
    rows: read.read - read.filtered,
    earlier: history?.rows ?? [],
    // who reads the wrong file is stopped by what would be gone
    keysInCommon: undefined,
    common: unchanged + changed,
    scopeChanged,
    emptied: {},
    columnsBefore: 0,
    columnsGone: [],
    columnsUsedGone: [],
    unchangedForMs: undefined,
    usualIntervalMs: undefined,
  }
}

/** Of several feeds none is surer than the least sure one. */
function weakest(all: readonly Evidence[]): Evidence {
  const [first] = [...all].sort((a, b) => evidenceLevels.indexOf(b.level) - evidenceLevels.indexOf(a.level))
  const { level, reason } = first ?? { level: 'partial', reason: 'nothing was read' }
  if (all.length === 1) return { level, reason, digest: first?.digest }
  const digests = all.map((one) => one.digest ?? '').join(' ')
  return { level, reason, digest: createHash('sha256').update(digests).digest('hex') }
}

function rejectRepeated(context: TaskContext, application: Application, plan: CataloguePlan, read: Read): number {
  const rejects = plan.repeated().map(({ place, value, places }) => ({
    code: 'IQ2112' as const,
    reason: `${JSON.stringify(value)} occurs also in ${renderPlaces(read.files, places.split(', ').map(Number))}`,
    ...placeOf(read.files, place),
    native: value,
  }))
  context.reject(application.name, rejects)
  return rejects.length
}

/** The entry stays, without the step. */
function rejectEdges(context: TaskContext, application: Application, plan: CataloguePlan, read: Read): void {
  const quoted = (value: string): string => JSON.stringify(value)
  const rejects = plan.refused().map(({ place, value, given, path }) => ({
    code: path === undefined ? ('IQ2114' as const) : ('IQ2113' as const),
    reason:
      path === undefined
        ? `${quoted(value)} gives ${quoted(given)}, which is not there`
        : `${path.map(quoted).join(' gives ')}: a circle`,
    ...placeOf(read.files, place),
    native: value,
  }))
  context.reject(application.name, rejects)
}

function sayStillHeld(context: TaskContext, application: Application, plan: CataloguePlan): void {
  const count = plan.counts().stillHeld ?? 0
  if (count === 0) return
  const held = plan.stillHeld().map(({ value, holders }) => `${value} (${holders})`)
  context.message({
    level: 'warning',
    code: 'IQ2008',
    text: `${counted(count, 'entitlement is', 'entitlements are')} not listed any more, but accounts still hold ${count === 1 ? 'it' : 'them'}: ${held.join(', ')}${count > held.length ? ', …' : ''}`,
    item: application.name,
  })
}
