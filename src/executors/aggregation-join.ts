import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ConnectorError, UserError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { HeldValue } from '../model/account-scope.ts'
import type { Application, GrantFeed } from '../model/application.ts'
import { compileGrants, missingSources } from '../model/feed-rows.ts'
import type { Mapping } from '../model/mapping.ts'
import { compileMerge, disagreement } from '../model/merge-rows.ts'
import { placeNumber, placeOf } from '../model/place.ts'
import { rejectOf } from '../model/rejected-row.ts'
import type { Evidence, Reject } from '../model/result.ts'
import type { RowGroup, RowStage } from '../store/bulk/row-stage.ts'
import type { TaskContext } from '../task/executor.ts'
import type { AggregationArguments } from './account-aggregation.ts'
import type { Intake } from './aggregation-intake.ts'

/** Dangling grants that wait to be told with the account that was meant; more are told without it. */
const hintsAtMost = 10_000

/**
 * Sources where several records make an account (`merge`), or where its grants come in files of their own: everything waits in a file
 * until it is there, whatever the order of the rows, and is then mapped account by account.
 */
export async function readJoined(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  intake: Intake,
): Promise<Evidence> {
  const stage = context.store.accountPlans.createRows(context.run.id, application.name)
  try {
    const rejected = new Set<string>()
    const accounts = await readRows(context, application, args, intake, stage, rejected)
    // a run that has to stop was not read in part for a fault of the source
    await context.pause()
    if (application.merge) refusePart(application, accounts)
    const grants: GrantRead[] = []
    for (const [index, feed] of application.grants.entries())
      grants.push(await readGrants(context, application, feed, index, intake, stage))
    const stopped = await joinGroups(context, application, intake, stage, { grants, rejected })
    if (stopped) return { ...accounts, level: 'partial', reason: 'stopped early' }
    return { ...accounts, digest: joinedDigest(accounts, grants) }
  } finally {
    stage.close()
  }
}

async function readRows(
  context: TaskContext,
  application: Application,
  args: AggregationArguments,
  intake: Intake,
  stage: RowStage,
  rejected: Set<string>,
): Promise<Evidence> {
  const connection = await context.connect(application.name)
  // all of it, also with --limit: the account that comes first may have a record that comes last
  const reading = await connection.accounts({ input: args.input })
  let joining: ReturnType<Mapping['joining']> | undefined
  let width = -1
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    if (batch.columns.length !== width) joining = intake.mapping.joining(batch.columns)
    width = batch.columns.length
    intake.take(batch, ({ values, text }, place) => {
      const key = joining?.key(values)
      if (key === undefined) return
      if ('native' in key) stage.addRow(key.native, place, values)
      else {
        if ('reject' in key && key.reject.native !== undefined) rejected.add(key.reject.native)
        intake.settle(key, [place], { text })
      }
    })
    context.progress.update(application.name, 'read', intake.totals.read)
  }
  await connection.close()
  return reading.evidence()
}

interface GrantRead {
  readonly feed: GrantFeed
  readonly files: readonly string[]
  readonly evidence: Evidence
}

async function readGrants(
  context: TaskContext,
  application: Application,
  feed: GrantFeed,
  index: number,
  intake: Intake,
  stage: RowStage,
): Promise<GrantRead> {
  const connection = await context.connect(application.name, feed)
  const reading = await connection.accounts()
  const read = compileGrants(feed, application.ignoreCase, intake.times)
  const files: string[] = []
  for await (const batch of reading.batches()) {
    if (context.signal.aborted) break
    if (files.at(-1) !== batch.file) files.push(batch.file)
    if (batch.declared) refuseMissingSources(application, feed, batch)
    const rejects: Reject[] = batch.rejects.map(rejectOf)
    for (const { line, values, text } of batch.records) {
      const grant = read(batch.columns, values)
      if ('native' in grant)
        for (const value of grant.values)
          stage.addGrant(grant.native, index, placeNumber(files.length - 1, line), value)
      else if ('reject' in grant) rejects.push({ ...grant.reject, file: batch.file, line, fragment: text })
    }
    intake.totals.grantsRead += batch.records.length + batch.rejects.length
    intake.totals.grantsRejected += rejects.length
    context.reject(application.name, rejects)
    context.progress.update(application.name, 'grants', intake.totals.grantsRead)
  }
  await connection.close()
  if (!context.signal.aborted) refusePart(application, reading.evidence(), files[0])
  return { feed, files, evidence: reading.evidence() }
}

function refuseMissingSources(
  application: Application,
  feed: GrantFeed,
  { file, columns }: { readonly file: string; readonly columns: readonly string[] },
): void {
  const [missing] = missingSources([...feed.account, feed.value], columns)
  if (missing === undefined) return
  throw new UserError(`${file} has no column "${missing}", which the grants of ${application.name} come from`, {
    code: 'IQ2003',
    hint: didYouMean(missing, columns) ?? `it has ${columns.slice(0, 20).join(', ')}`,
    place: { file: application.file },
  })
}

/** What is not there would look as if it had been taken away from accounts that are. */
export function refusePart(application: Application, evidence: Evidence, file?: string): void {
  if (evidence.level !== 'partial') return
  throw new ConnectorError(
    `${file ?? application.name} was read in part (${evidence.reason}): what its accounts hold cannot be told`,
    { code: 'IQ2007', hint: 'run again when the file is whole' },
  )
}

/** True when `--limit` ended it. */
async function joinGroups(
  context: TaskContext,
  application: Application,
  intake: Intake,
  stage: RowStage,
  { grants, rejected }: { readonly grants: readonly GrantRead[]; readonly rejected: ReadonlySet<string> },
): Promise<boolean> {
  const { account } = intake.mapping.joining(intake.columns)
  const merge = application.merge ? compileMerge(application, intake.columns) : undefined
  const dangling = createDangling(context, application, intake, stage, grants)
  const limit = context.options.limit ?? Number.POSITIVE_INFINITY
  let done = 0
  for (const group of stage.groups()) {
    if (++done % 1000 === 0) {
      await nextTurn()
      context.progress.update(application.name, 'join', done)
      if (context.signal.aborted) return false
    }
    if (group.rows.length === 0) {
      done--
      if (!rejected.has(group.native)) dangling.add(group)
    } else if (done > limit) intake.totals.filtered += group.rows.length
    else settleGroup(intake, group, held(group, grants), account, merge)
  }
  dangling.end()
  return done > limit
}

const held = (group: RowGroup, grants: readonly GrantRead[]): HeldValue[] =>
  group.grants.map(({ feed, value }) => ({ as: grants[feed]?.feed.as ?? '', value }))

function settleGroup(
  intake: Intake,
  group: RowGroup,
  values: readonly HeldValue[],
  account: ReturnType<Mapping['joining']>['account'],
  merge: ReturnType<typeof compileMerge> | undefined,
): void {
  const { rows } = group
  if (merge === undefined) {
    for (const row of rows) intake.settle(account(row.values, values), [row.place])
    return
  }
  const places = rows.map((row) => row.place)
  const merged = merge(rows)
  if ('values' in merged) {
    intake.settle(account(merged.values, values), places)
    return
  }
  intake.reject(disagreement(group.native, merged, intake.totals.files), places)
}

/** Grants whose account no record names: each is a reject, with the account that differs in case only, if there is one. */
function createDangling(
  context: TaskContext,
  application: Application,
  intake: Intake,
  stage: RowStage,
  grants: readonly GrantRead[],
): { add(group: RowGroup): void; end(): void } {
  const waiting: Reject[] = []
  const rejectsOf = ({ native, grants: theirs }: RowGroup): Reject[] =>
    theirs.map(({ feed, place, value }) => ({
      code: 'IQ2110',
      reason: `no account ${JSON.stringify(native)} for the grant of ${JSON.stringify(value.slice(0, 60))}`,
      ...placeOf(grants[feed]?.files ?? [], place),
      native,
    }))
  return {
    add(group) {
      intake.totals.grantsRejected += group.grants.length
      if (waiting.length < hintsAtMost) waiting.push(...rejectsOf(group))
      else context.reject(application.name, rejectsOf(group))
    },
    end() {
      const meant = (reject: Reject): Reject => {
        const other = application.ignoreCase ? undefined : stage.otherCase(reject.native ?? '')
        if (other === undefined) return reject
        return {
          ...reject,
          reason: `${reject.reason}; there is ${JSON.stringify(other)} (ignoreCase: true would find it)`,
        }
      }
      context.reject(application.name, waiting.map(meant))
    },
  }
}

function joinedDigest(accounts: Evidence, grants: readonly GrantRead[]): string | undefined {
  if (grants.length === 0) return accounts.digest
  const digests = [accounts, ...grants.map((one) => one.evidence)].map((evidence) => evidence.digest ?? '')
  return createHash('sha256').update(digests.join(' ')).digest('hex')
}
