import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, JsonObject } from '../../base/json.ts'
import type { AccountBlock } from '../../model/account-block.ts'
import { giveBack } from '../../model/bytes.ts'
import type { PlanChange } from '../../model/plan-change.ts'
import type { PlanFigures } from '../../model/plan-figures.ts'
import type { SeenSlots } from '../../model/seen-records.ts'
import type { StagedAccount } from '../../model/staged-account.ts'
import { keepManyPages, keepUsualPages } from '../cache.ts'
import type { Database } from '../database.ts'
import { stageFolder, stagePath } from '../stage-path.ts'
import { aliveAccounts } from './alive.ts'
import { applySteps } from './apply.ts'
import { type Bound, bindStage, numberStage } from './bind.ts'
import type { Applied } from './chunk.ts'
import { type CorrelationPlan, correlateStage } from './correlate.ts'
import { ambiguousRows, type DiffOptions, diffAccounts } from './diff.ts'
import { planCounts, planLines } from './figures.ts'
import { type FiguresOptions, planFigures } from './guard-figures.ts'
import { leaveOut } from './leave-out.ts'
import { type Loss, lossOf, type PassedOver, passableSteps, passOver } from './pass-over.ts'
import { isOwn } from './plain.ts'
import { planChanges } from './plan-changes.ts'
import { forgetPlanned, keepPlanned, openPlanned } from './planned-identities.ts'
import { createRowStage, type RowStage } from './row-stage.ts'
import { allSeen, loadSeen, type SeenTable, seeNothing } from './seen.ts'
import { attachStage, createStageFile, type StageFile, sealedRun } from './stage-file.ts'
import { inSteps, type Pause } from './steps.ts'
import { keepUnseen } from './unseen.ts'

/** What a read of one application would change: staged, compared, correlated, then applied in chunks. */
export interface AccountPlan {
  add(account: StagedAccount): void
  /** Accounts that are packed already; all of them come so, or none. */
  addBlock(block: AccountBlock): void
  addRejectedNative(native: string): void
  /**
   * No more rows: makes them durable. False: the read contradicts what was taken for unchanged (`seen`); it has to be done again without it.
   */
  seal(applicationId: number, seen: SeenTable | undefined): boolean
  /** Compares the sealed rows with the store and finds their owners. */
  compare(diff: DiffOptions, correlation: CorrelationPlan, pause: Pause): Promise<void>
  /** Rows of native identities that occur more than once. */
  ambiguous(): readonly { readonly line: number; readonly native: string; readonly lines: string | null }[]
  counts(applicationId: number): Record<string, number>
  /** Open questions and failed creations by code, each with the first ten native identities. */
  leftAside(): readonly { readonly code: string; readonly count: number; readonly first: readonly string[] }[]
  /** Keeps the identities that the plan would make, for later sections of a dry run. */
  keepIdentities(section: string): void
  /** What the guards look at. */
  figures(options: FiguresOptions, pause: Pause): Promise<PlanFigures>
  /** Every change with what is there before it. */
  changes(application: string): Iterable<PlanChange>
  /** Takes these changes out, each with its whole record. */
  leaveOut(application: string, unwanted: (change: PlanChange) => boolean): void
  /** SHA-256 (hex) over the planned changes and what they stand on. */
  hash(pause: Pause): Promise<string>
  /** `ownable`: the definition can find owners. */
  bind(applicationId: number, ownable: boolean): Bound
  /** `passed`: records that a run before this one put aside. */
  phases(application: string, bound: Bound, passed: readonly PassedOver[]): readonly PlanPhase[]
  /** After a crash: the numbers that the bind reserved, written into the stage again. */
  rebind(bound: Bound): void
  close(kept: boolean): void
}

export interface PlanPhase {
  readonly name: string
  isOver?(): boolean
  proved?(): boolean
  chunk(after: number, size: number): Applied | undefined
  /** Puts the next record aside; `facts`: what `phases` needs to know of it after a crash. */
  readonly passOver?: (after: number) => (Loss & { readonly position: number; readonly facts: JsonObject }) | undefined
}

export interface AccountPlans {
  /** What the application's last read saw, under the same definition; `rows`: of it, where it tells. */
  seen(applicationId: number, definition: string, rows: number | undefined): SeenTable
  /** The same without a read, for a source that is byte for byte what it was. */
  allSeen(applicationId: number, rows: number): SeenTable | undefined
  /** Counts the accounts that are there, once a plan: for whoever waits for the source anyway. */
  countAlive(applicationId: number): number
  /** For a read that looks at every record, and is what the next one is compared with. */
  seeNothing(definition: string): SeenSlots
  /** `keeping`: what the first rule looks for is kept in memory; for an application without accounts. */
  create(resultId: string, run: number, section: string, keeping: boolean): AccountPlan
  /** A run begins: what an earlier dry run of this process would make is nothing to it. */
  forgetIdentities(): void
  /** The plan that a dead run left; undefined when it is lost or not that run's. */
  reopen(resultId: string, run: number, section: string): AccountPlan | undefined
  /** Where a section's records wait for others of their account. */
  createRows(resultId: string, section: string): RowStage
  /** A file for whoever reads them to have them wait there; it has to be removed. */
  waitingPath(resultId: string, section: string): string
  /** Deletes what dead runs left, except the plans of those that can go on. */
  sweep(needed: readonly string[]): void
}

export function createAccountPlans(db: Database): AccountPlans {
  const pathOf = (resultId: string, section: string): string => stagePath(db.path, resultId, section)
  let alive: number | undefined
  const countAlive = (applicationId: number): number => {
    alive ??= aliveAccounts(db, applicationId)
    return alive
  }
  return {
    seen: (applicationId, definition, rows) => loadSeen(db, applicationId, definition, rows),
    countAlive,
    allSeen: (applicationId, rows) => allSeen(db, applicationId, rows, countAlive(applicationId)),
    seeNothing: (definition) => seeNothing(db, definition),
    sweep(needed) {
      const folder = stageFolder(db.path)
      if (!existsSync(folder)) return
      for (const name of readdirSync(folder))
        if (!needed.some((resultId) => name.startsWith(`${resultId}-`))) rmSync(join(folder, name), { force: true })
    },
    createRows: (resultId, section) => createRowStage(`${pathOf(resultId, section)}.rows`),
    waitingPath: (resultId, section) => `${pathOf(resultId, section)}.waiting`,
    forgetIdentities: () => forgetPlanned(db),
    create(resultId, run, section, keeping) {
      openPlanned(db)
      alive = undefined
      const file = createStageFile(pathOf(resultId, section), keeping)
      return growing(db, run, file, planOver(db, run, countAlive))
    },
    reopen(resultId, run, section) {
      const path = pathOf(resultId, section)
      if (!existsSync(path)) return undefined
      alive = undefined
      const file = attachStage(db, path)
      if (sealedRun(db) !== run) {
        file.close(db, true)
        return undefined
      }
      const refuse = (): never => {
        throw new Error('the plan is sealed')
      }
      return {
        ...planOver(db, run, countAlive),
        add: refuse,
        addBlock: refuse,
        addRejectedNative: refuse,
        seal: refuse,
        compare: refuse,
        close: (kept) => file.close(db, kept),
      }
    },
  }
}

type Sealed = Omit<AccountPlan, 'add' | 'addBlock' | 'addRejectedNative' | 'seal' | 'compare' | 'close'>

/** A plan that is still read, compared and correlated. */
function growing(db: Database, run: number, file: StageFile, sealed: Sealed): AccountPlan {
  let durable = Promise.resolve()
  return {
    ...sealed,
    async hash(pause) {
      const made = isOwn(db) ? file.ownHash() : await sealed.hash(pause)
      await durable
      return made
    },
    add: file.add,
    addBlock: file.addBlock,
    addRejectedNative: file.addRejectedNative,
    seal(applicationId, seen) {
      file.seal(db, run, { seen: seen?.count() ?? 0, known: applicationId !== 0 })
      const fits = seen === undefined || keepUnseen(db, applicationId, seen)
      seen?.release()
      if (applicationId === 0) keepUsualPages(db)
      else keepManyPages(db)
      return fits
    },
    async compare(diff, correlation, pause) {
      await inSteps(db, diffAccounts(db, diff), pause)
      await inSteps(db, correlateStage(db, correlation, file.takeKeys()), pause)
      durable = file.harden(db)
      // `hash` is what says so, and comes before the bind
      durable.catch(() => undefined)
    },
    close(kept) {
      file.close(db, kept)
      keepUsualPages(db)
    },
  }
}

function planOver(db: Database, run: number, alive: (applicationId: number) => number): Sealed {
  return {
    ambiguous: () => ambiguousRows(db),
    counts: (applicationId) => planCounts(db, applicationId, alive(applicationId)),
    leftAside: () =>
      (
        db
          .statement(
            `select l.code, count(*) n, (select json_group_array(native) from
               (select s.native from st.link f cross join st.s s on s.id = f.sid where f.code = l.code order by f.sid limit 10)) first
             from st.link l where l.code is not null group by l.code order by l.code`,
          )
          .all() as { code: string; n: number; first: string }[]
      ).map((row) => ({ code: row.code, count: row.n, first: JSON.parse(row.first) as string[] })),
    keepIdentities: (section) => keepPlanned(db, section),
    figures: (options, pause) => planFigures(db, options, alive(options.applicationId), pause),
    changes: (application) => planChanges(db, application),
    leaveOut: (application, unwanted) => leaveOut(db, application, planChanges(db, application), unwanted),
    async hash(pause) {
      const hash = createHash('sha256')
      for (const lines of planLines(db)) {
        if (lines.length > 0) {
          hash.update(lines).update('\n')
          giveBack(lines)
        }
        await pause()
      }
      return hash.digest('hex')
    },
    rebind: (bound) => numberStage(db, bound.entitlementBase),
    bind: (applicationId, ownable) => bindStage(db, applicationId, run, ownable),
    phases: (application, bound, passed) => phasesOf(db, application, bound, passed),
  }
}

function phasesOf(db: Database, application: string, bound: Bound, before: readonly PassedOver[]): PlanPhase[] {
  const passed = [...before]
  let left = 0
  // the checkpoint knows of them already
  const leave = (): Bound => {
    for (; left < passed.length; left++) passOver(db, passed[left] as PassedOver)
    return passed.length > 0 ? { ...bound, plain: 0, own: 0 } : bound
  }
  return applySteps.map(({ name, chunk, end, proved }) => {
    const phase: PlanPhase = {
      name,
      ...(proved && { proved: () => passed.length === 0 && proved(bound) }),
      ...(end && { isOver: () => end(db, leave(), 0, 1) === undefined }),
      chunk: (after, size) => chunk(db, leave(), after, size),
    }
    if (end === undefined || !passableSteps.has(name)) return phase
    return {
      ...phase,
      passOver(after) {
        const id = end(db, leave(), after, 1)
        if (id === undefined) return undefined
        const loss = lossOf(db, { id: bound.applicationId, name: application }, { step: name, id })
        passed.push({ step: name, id })
        return { ...loss, position: id, facts: { passed: passed as unknown as Json } }
      },
    }
  })
}
