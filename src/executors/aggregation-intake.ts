import { dayIn } from '../base/clock.ts'
import { UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { RecordBatch, SourceRecord } from '../connectors/connector.ts'
import type { AccountMeaning, PackedBatch } from '../connectors/packing.ts'
import type { Times } from '../model/account-readers.ts'
import { compileNative } from '../model/account-scope.ts'
import type { Application } from '../model/application.ts'
import { compileCursor, isBefore } from '../model/cursor.ts'
import { compileExpression, firstLine } from '../model/expression.ts'
import { compileIdentityCreation } from '../model/identity-creation.ts'
import type { MappedAccount } from '../model/mapped-account.ts'
import { compileMapping, type MapOutcome, type Mapping, type MappingReject } from '../model/mapping.ts'
import { placeNumber, placeOf } from '../model/place.ts'
import { named, type RejectedRow, rejectOf } from '../model/rejected-row.ts'
import type { Reject } from '../model/result.ts'
import { stagedAccount } from '../model/staged-account.ts'
import type { RawValue } from '../model/value.ts'
import type { AccountPlan } from '../store/bulk/account-plan.ts'
import { onlyVariables } from '../task/check-request.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'

/** What a read came to, before anything is compared. */
export interface Totals {
  /** In the order they were read; a place's number says which. */
  readonly files: readonly string[]
  /** Of the source's header; empty for formats without one. */
  readonly columns: readonly string[]
  readonly read: number
  readonly filtered: number
  readonly rejected: number
  /** Records of grants feeds, and how many grants of theirs were rejected. */
  readonly grantsRead: number
  readonly grantsRejected: number
  /** A reject's native identity could not be told: an account's absence proves little. */
  readonly untrusted: boolean
  /** The latest that the cursor column said. */
  readonly cursor: string | undefined
}

/** Counts what is read, keeps what is rejected and stages what is mapped. */
export interface Intake {
  readonly times: Times
  readonly mapping: Mapping
  /** What decides what a record becomes. */
  readonly meaning: AccountMeaning
  readonly totals: { -readonly [Key in keyof Totals]: Totals[Key] }
  /** Columns of the last batch. */
  readonly columns: readonly string[]
  /** Counts a batch of the account source, keeps its rejects and hands over its records. */
  take(batch: RecordBatch, each: (record: SourceRecord, place: number) => void): void
  /** Counts a batch that is mapped already, and stages its accounts. */
  takePacked(batch: PackedBatch): void
  /** The end of one account's way; `places` are those of the records that it came from. */
  settle(outcome: MapOutcome, places: readonly number[], record?: Pick<SourceRecord, 'text' | 'mac'>): void
  reject(reject: MappingReject, places: readonly number[], fragment?: string): void
  missingColumns(): string[]
  /** Keeps the rejects that still wait. */
  flush(): void
}

type Seen = Pick<RecordBatch, 'columns' | 'declared' | 'file'>

export function createIntake(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  plan: AccountPlan | undefined,
  since: string | undefined,
): Intake {
  const times = { now: context.run.startedAt, today: dayIn(context.run.startedAt, context.project.timeZone) }
  const mapping = compileMapping(application, times)
  const creates = application.authoritative !== undefined && !args.correlateOnly
  const draft = creates ? compileIdentityCreation(context.project.identity, application, times) : undefined
  const wanted = onlyFilter(context.options.only, times)
  const totals = nothingYet()
  const gate = createGate(application, since, totals)
  const shape = createShape(application, totals, gate.forColumns)
  let rejects: Reject[] = []
  const flush = (): void => {
    context.reject(application.name, rejects)
    rejects = []
  }
  const keep = (row: RejectedRow): void => {
    rejects.push(rejectOf(row))
    totals.untrusted ||= row.untrusted
    if (row.native !== undefined) plan?.addRejectedNative(row.native)
  }
  const reject: Intake['reject'] = (given, places, fragment) => {
    for (const place of places) keep({ ...given, ...placeOf(totals.files, place), fragment })
    totals.rejected += places.length
    if (rejects.length >= 1000) flush()
  }
  return {
    times,
    mapping,
    meaning: { application, identity: creates ? context.project.identity : undefined, times },
    totals,
    get columns() {
      return shape.columns
    },
    reject,
    flush,
    settle(outcome, places, record) {
      if ('reject' in outcome) reject(outcome.reject, places, record?.text)
      else if ('filtered' in outcome || !wanted(outcome.account)) totals.filtered += places.length
      else plan?.add(stagedAccount(outcome.account, places[0] ?? 0, draft?.(outcome.account), record?.mac))
    },
    missingColumns: () =>
      totals.read === 0 || totals.columns.length === 0 ? [] : mapping.missingColumns(totals.columns),
    takePacked(batch) {
      shape.look(batch, batch.read)
      for (const one of batch.rejects) keep(one)
      totals.read += batch.read
      totals.filtered += batch.filtered
      totals.rejected += batch.rejects.length
      for (const block of batch.blocks) plan?.addBlock(block)
      flush()
    },
    take(batch, each) {
      shape.look(batch, batch.records.length)
      for (const one of batch.rejects) keep(named(one, shape.nativeOf))
      totals.rejected += batch.rejects.length
      totals.read += batch.records.length + batch.rejects.length + (batch.seen ?? 0)
      const file = totals.files.length - 1
      for (const record of batch.records) {
        if (gate.isWanted(record.values)) each(record, placeNumber(file, record.line))
        else totals.filtered++
      }
      flush()
    },
  }
}

/** What the batches say of the source: its files and its columns, which may become more. */
function createShape(application: Application, totals: Intake['totals'], grown: (columns: readonly string[]) => void) {
  let nativeOf = compileNative(application, [])
  let columns: readonly string[] = []
  // the array itself grows
  let width = -1
  return {
    get columns() {
      return columns
    },
    nativeOf: (values: readonly RawValue[]) => nativeOf(values),
    look(batch: Seen, records: number): void {
      if (width !== batch.columns.length) {
        refuseMissingKey(application, batch, records)
        grown(batch.columns)
        nativeOf = compileNative(application, batch.columns)
      }
      width = batch.columns.length
      columns = batch.columns
      if (batch.declared) totals.columns = batch.columns
      if (totals.files.at(-1) !== batch.file) totals.files = [...totals.files, batch.file]
    },
  }
}

/** Lets through what may have changed since the last read, and keeps the latest moment; what does not say when it changed is read. */
function createGate(application: Application, since: string | undefined, totals: Intake['totals']) {
  let cursorOf = compileCursor(application, [])
  return {
    forColumns(columns: readonly string[]): void {
      cursorOf = compileCursor(application, columns)
    },
    isWanted(values: SourceRecord['values']): boolean {
      const cursor = cursorOf(values)
      if (cursor !== undefined && (totals.cursor === undefined || isBefore(totals.cursor, cursor)))
        totals.cursor = cursor
      return cursor === undefined || since === undefined || !isBefore(cursor, since)
    },
  }
}

const nothingYet = (): Intake['totals'] => {
  const counts = { read: 0, filtered: 0, rejected: 0, grantsRead: 0, grantsRejected: 0 }
  return { files: [], columns: [], ...counts, untrusted: false, cursor: undefined }
}

/** Without the native identity's column every row would be a reject: one sentence is better. */
function refuseMissingKey(application: Application, batch: Seen, records: number): void {
  const computed = new Set(application.account.attributes.filter((a) => a.expr !== undefined).map((a) => a.name))
  const absent = application.account.nativeIdentity.find((name) => !batch.columns.includes(name) && !computed.has(name))
  // formats without a header show a column only once a record has it
  if (records === 0) return
  if (batch.declared && application.cursor !== undefined && !batch.columns.includes(application.cursor))
    throw new UserError(`${batch.file} has no column "${application.cursor}", the cursor of ${application.name}`, {
      code: 'IQ2003',
      hint: didYouMean(application.cursor, batch.columns),
      place: { file: application.file },
    })
  if (absent === undefined) return
  throw new UserError(`${batch.file} has no column "${absent}", the native identity of ${application.name}`, {
    code: 'IQ2003',
    hint: didYouMean(absent, batch.columns) ?? `it has ${batch.columns.slice(0, 20).join(', ')}`,
    place: { file: application.file },
  })
}

function onlyFilter(only: string | undefined, times: { now: Date; today: Date }): (account: MappedAccount) => boolean {
  if (only === undefined) return () => true
  const compiled = compileExpression(only, { variables: onlyVariables })
  return (account) => {
    const lists: Record<string, string[]> = {}
    for (const { attribute, value } of account.entitlements) {
      const list = lists[attribute] ?? []
      list.push(value)
      lists[attribute] = list
    }
    const { displayName, use, disabled, locked, uuid } = account
    const flags = { nativeIdentity: account.shown, displayName, use, disabled, locked, uuid }
    const scope = { ...flags, ...lists, ...account.attributes }
    try {
      return compiled.evaluate({ account: scope, ...times }) === true
    } catch (error) {
      throw onlyFails(error, only, account.shown, Object.keys(scope))
    }
  }
}

/** At the first account: to leave accounts out for it would look like a choice. */
function onlyFails(error: unknown, only: string, account: string, known: readonly string[]): UserError {
  const text = firstLine(error)
  const key = /No such key: (\S+)/.exec(text)?.[1]
  const near = key === undefined || known.includes(key) ? undefined : didYouMean(key, known)
  return new UserError(`only: the expression ${JSON.stringify(only)} fails at ${account}: ${text}`, {
    code: 'IQ2105',
    hint: near ?? `this account has ${known.join(', ')}; what may be empty is asked for: has(account.${key ?? 'x'})`,
    cause: error,
  })
}
