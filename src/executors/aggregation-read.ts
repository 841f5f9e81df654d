import { rmSync } from 'node:fs'
import { didYouMean } from '../base/nearest.ts'
import type { Reading } from '../connectors/connector.ts'
import type { PackedReading } from '../connectors/packing.ts'
import type { Application } from '../model/application.ts'
import type { MapOutcome } from '../model/mapping.ts'
import type { Evidence } from '../model/result.ts'
import { createSeenSlots, type SeenSlots } from '../model/seen-records.ts'
import type { RawValue } from '../model/value.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import { createIntake, type Intake, type Totals } from './aggregation-intake.ts'
import { readJoined, refusePart } from './aggregation-join.ts'

export interface ReadOutcome extends Totals {
  /** Of the source itself. */
  readonly evidence: Evidence
  /** Why only a part of it was taken; undefined: all of it was. */
  readonly selected: string | undefined
}

function selectedPart(context: TaskContext, since: string | undefined): string | undefined {
  if (context.options.only !== undefined) return 'filtered by --only'
  return since === undefined ? undefined : `delta since ${since}`
}

/** What may be concluded from what was taken. */
export const evidenceOf = ({ evidence, selected }: ReadOutcome): Evidence =>
  selected === undefined ? evidence : { ...evidence, level: 'partial', reason: selected }

/** Reads the application's accounts, maps each and hands it to `plan`; without one it only counts. */
export async function readAccounts(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  plan: AccountPlan | undefined,
  since: string | undefined,
  seen?: () => SeenSlots,
): Promise<ReadOutcome> {
  const intake = createIntake(context, application, args, plan, since)
  const evidence =
    (await readMerged(context, application, args, intake)) ??
    (await (application.merge || application.grants.length > 0
      ? readJoined(context, application, args, intake)
      : readAlone(context, application, args, intake, seen)))
  intake.flush()
  warnOfMissingColumns(context, application, intake)
  return { ...intake.totals, evidence, selected: selectedPart(context, since) }
}

/** One record is one account. A connector that maps them itself does so, where what it maps is all that is wanted. */
async function readAlone(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  intake: Intake,
  seen: (() => SeenSlots) | undefined,
): Promise<Evidence> {
  const connection = await context.connect(application.name)
  const { input } = args
  const evidence =
    seen === undefined || connection.packed === undefined
      ? await takeRecords(
          context,
          application,
          intake,
          await connection.accounts({ input, limit: context.options.limit, seen: seen?.() }),
        )
      : await takeBlocks(context, application, intake, await connection.packed(intake.meaning, { input, seen }))
  await connection.close()
  return evidence
}

/** Several records are one account, and a connector joins them itself. Undefined: it does not, or more is wanted than the accounts of all records. */
async function readMerged(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  intake: Intake,
): Promise<Evidence | undefined> {
  const { options, store, run } = context
  if (!application.merge || application.grants.length > 0 || application.cursor !== undefined) return undefined
  if (options.only !== undefined || options.limit !== undefined) return undefined
  const connection = await context.connect(application.name)
  const waiting = store.accountPlans.waitingPath(run.id, application.name)
  const seen = (): SeenSlots => createSeenSlots(new Uint8Array(0), 0)
  try {
    const reading = await connection.packed?.(intake.meaning, { input: args.input, seen, waiting })
    if (reading === undefined) return undefined
    const evidence = await takeBlocks(context, application, intake, reading)
    // a run that has to stop was not read in part for a fault of the source
    await context.pause()
    refusePart(application, evidence)
    return evidence
  } finally {
    await connection.close()
    rmSync(waiting, { force: true })
  }
}

async function takeRecords(
  context: TaskContext,
  application: Application,
  intake: Intake,
  reading: Reading,
): Promise<Evidence> {
  let map: ((values: readonly RawValue[]) => MapOutcome) | undefined
  let width = -1
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    if (batch.columns.length !== width) map = intake.mapping.forColumns(batch.columns)
    width = batch.columns.length
    intake.take(batch, (record, place) => {
      if (map !== undefined) intake.settle(map(record.values), [place], record)
    })
    context.progress.update(application.name, 'read', intake.totals.read)
  }
  return reading.evidence()
}

async function takeBlocks(
  context: TaskContext,
  application: Application,
  intake: Intake,
  reading: PackedReading,
): Promise<Evidence> {
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    intake.takePacked(batch)
    for (const block of batch.blocks) reading.recycle(block)
    context.progress.update(application.name, 'read', intake.totals.read)
  }
  return reading.evidence()
}

function warnOfMissingColumns(context: TaskContext, application: Application, intake: Intake): void {
  const missing = intake.missingColumns()
  if (missing.length === 0) return
  const { files, columns } = intake.totals
  const near = didYouMean(missing[0] ?? '', columns)
  context.message({
    level: 'warning',
    code: 'IQ2003',
    text: `${application.name} uses ${missing.join(', ')}, which ${files[0]} does not have${near === undefined ? '' : `; ${near}`}`,
    item: application.name,
  })
}
