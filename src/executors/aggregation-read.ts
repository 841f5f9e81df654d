import { dayIn } from '../base/clock.ts'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { RecordBatch } from '../connectors/connector.ts'
import type { Application } from '../model/application.ts'
import { compileExpression } from '../model/expression.ts'
import { compileIdentityCreation } from '../model/identity-creation.ts'
import type { MappedAccount } from '../model/mapped-account.ts'
import { compileMapping, type MapOutcome } from '../model/mapping.ts'
import type { Evidence, Reject } from '../model/result.ts'
import type { RawValue } from '../model/value.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import { stagedAccount } from './aggregation-stage.ts'

/** What a read came to, before anything is compared. */
export interface ReadOutcome {
  readonly evidence: Evidence
  readonly file: string
  /** Of the source's header; empty for formats without one. */
  readonly columns: readonly string[]
  readonly read: number
  readonly filtered: number
  readonly rejected: number
  /** A reject's native identity could not be told: an account's absence proves little. */
  readonly untrusted: boolean
}

/** Reads the application's accounts, maps each row and hands it to `plan`; without one it only counts. */
export async function readAccounts(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  plan: AccountPlan | undefined,
): Promise<ReadOutcome> {
  const connection = await context.connect(application.name)
  const reading = await connection.accounts({ input: args.input, limit: context.options.limit })
  const intake = createIntake(context, application, args, plan)
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    intake.take(batch)
    context.progress.update(application.name, 'read', intake.totals.read)
  }
  await connection.close()
  warnOfMissingColumns(context, application, intake)
  const evidence = reading.evidence()
  return {
    ...intake.totals,
    evidence:
      context.options.only === undefined ? evidence : { ...evidence, level: 'partial', reason: 'filtered by --only' },
  }
}

interface Intake {
  readonly totals: Omit<ReadOutcome, 'evidence'>
  take(batch: RecordBatch): void
  missingColumns(): string[]
}

function createIntake(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  plan: AccountPlan | undefined,
): Intake {
  const times = { now: context.run.startedAt, today: dayIn(context.run.startedAt, context.project.timeZone) }
  const mapping = compileMapping(application, times)
  const creates = application.authoritative !== undefined && !args.correlateOnly
  const draft = creates ? compileIdentityCreation(context.project.identity, application, times) : undefined
  const wanted = onlyFilter(context.options.only, times)
  const totals = { file: '', columns: [] as readonly string[], read: 0, filtered: 0, rejected: 0, untrusted: false }
  let map: ((values: readonly RawValue[]) => MapOutcome) | undefined
  let width = -1

  const rowOf = (batch: RecordBatch, record: RecordBatch['records'][number], rejects: Reject[]): void => {
    const outcome = map?.(record.values)
    if (outcome === undefined) return
    if ('reject' in outcome) {
      const { untrusted, ...reject } = outcome.reject
      rejects.push({ ...reject, file: batch.file, line: record.line, fragment: record.text })
      totals.untrusted ||= untrusted
      if (reject.native !== undefined) plan?.addRejectedNative(reject.native)
    } else if ('filtered' in outcome || !wanted(outcome.account)) totals.filtered++
    else plan?.add(stagedAccount(outcome.account, record.line, draft?.(outcome.account)))
  }
  return {
    totals,
    missingColumns: () =>
      totals.read === 0 || totals.columns.length === 0 ? [] : mapping.missingColumns(totals.columns),
    take(batch) {
      if (batch.columns.length !== width) {
        width = batch.columns.length
        refuseMissingKey(application, batch)
        map = mapping.forColumns(batch.columns)
      }
      totals.file = batch.file
      if (batch.declared) totals.columns = batch.columns
      const rejects: Reject[] = []
      for (const { untrusted, ...reject } of batch.rejects) {
        rejects.push(reject)
        totals.untrusted ||= untrusted
      }
      for (const record of batch.records) rowOf(batch, record, rejects)
      totals.read += batch.records.length + batch.rejects.length
      totals.rejected += rejects.length
      context.reject(application.name, rejects)
    },
  }
}

function warnOfMissingColumns(context: TaskContext, application: Application, intake: Intake): void {
  const missing = intake.missingColumns()
  if (missing.length === 0) return
  const { file, columns } = intake.totals
  const near = didYouMean(missing[0] ?? '', columns)
  context.message({
    level: 'warning',
    code: 'IQ2003',
    text: `${application.name} uses ${missing.join(', ')}, which ${file} does not have${near === undefined ? '' : `; ${near}`}`,
    item: application.name,
  })
}

/** Without the native identity's column every row would be a reject: one sentence is better. */
function refuseMissingKey(application: Application, batch: RecordBatch): void {
  const computed = new Set(application.account.attributes.filter((a) => a.expr !== undefined).map((a) => a.name))
  const absent = application.account.nativeIdentity.find((name) => !batch.columns.includes(name) && !computed.has(name))
  // formats without a header show a column only once a record has it
  if (absent === undefined || batch.records.length === 0) return
  throw new UserError(`${batch.file} has no column "${absent}", the native identity of ${application.name}`, {
    code: 'IQ2003',
    hint: didYouMean(absent, batch.columns) ?? `it has ${batch.columns.slice(0, 20).join(', ')}`,
    place: { file: application.file },
  })
}

function onlyFilter(only: string | undefined, times: { now: Date; today: Date }): (account: MappedAccount) => boolean {
  if (only === undefined) return () => true
  const compiled = compileExpression(only, { variables: ['account', 'today', 'now'] })
  return (account) => {
    const lists: Record<string, string[]> = {}
    for (const { attribute, value } of account.entitlements) {
      const list = lists[attribute] ?? []
      list.push(value)
      lists[attribute] = list
    }
    const { displayName, use, disabled, locked, uuid } = account
    const flags = { nativeIdentity: account.shown, displayName, use, disabled, locked, uuid }
    return compiled.evaluate({ account: { ...flags, ...lists, ...account.attributes }, ...times }) === true
  }
}
