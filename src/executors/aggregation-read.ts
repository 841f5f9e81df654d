import { didYouMean } from '../base/nearest.ts'
import type { SeenRecords } from '../connectors/connector.ts'
import type { Application } from '../model/application.ts'
import type { MapOutcome } from '../model/mapping.ts'
import type { Evidence } from '../model/result.ts'
import type { RawValue } from '../model/value.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import { createIntake, type Intake, type Totals } from './aggregation-intake.ts'
import { readJoined } from './aggregation-join.ts'

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
  seen?: SeenRecords,
): Promise<ReadOutcome> {
  const intake = createIntake(context, application, args, plan, since)
  const joins = application.merge || application.grants.length > 0
  const evidence = await (joins
    ? readJoined(context, application, args, intake)
    : readPlain(context, application, args, intake, seen))
  intake.flush()
  warnOfMissingColumns(context, application, intake)
  return { ...intake.totals, evidence, selected: selectedPart(context, since) }
}

/** One record is one account. */
async function readPlain(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  intake: Intake,
  seen: SeenRecords | undefined,
): Promise<Evidence> {
  const connection = await context.connect(application.name)
  const reading = await connection.accounts({ input: args.input, limit: context.options.limit, seen })
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
  await connection.close()
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
