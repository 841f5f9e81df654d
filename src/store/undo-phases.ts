import { createHash } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import type { PlanChange } from '../model/plan-change.ts'
import { buildIndex, deferralOf, dropIndexes } from './bulk/indexes.ts'
import type { Database } from './database.ts'
import { chosen, undoRows } from './undo-changes.ts'
import { countsOf, type UndoCounts } from './undo-figures.ts'
import { left, overRange, type UndoStep, undoSteps } from './undo-steps.ts'

/** Run `run` takes run `target` back. */
export interface UndoRuns {
  readonly target: number
  readonly run: number
}

export interface UndoPhase {
  readonly name: string
  /** Nothing refers to what the next chunk removes: that need not be looked up row by row. */
  proved?(): boolean
  chunk(after: number, size: number): { position: number; changed: number; digest: string } | undefined
  /** Puts the next account aside: it stays as it is. */
  passOver?(after: number): PassedAccount | undefined
}

interface PassedAccount {
  readonly position: number
  readonly item: string
  readonly changes: readonly PlanChange[]
  readonly counts: Readonly<Record<string, number>>
}

/** The steps, a chunk of objects at a time. */
export const stepPhases = (db: Database, runs: UndoRuns): UndoPhase[] =>
  undoSteps.flatMap((step) =>
    step.name === 'remove accounts' ? aroundIndexes(db, phase(db, step, runs), runs.target) : [phase(db, step, runs)],
  )

function phase(db: Database, step: UndoStep, runs: UndoRuns): UndoPhase {
  return {
    name: step.name,
    proved: () => step.proved !== undefined && db.statement(step.proved).pluck().get() === 1,
    ...(step.object === 'account' && { passOver: (after: number) => passOver(db, step, runs, after) }),
    chunk(after, size) {
      const ids = chosen(db, step, runs.target, after, size)
      const last = ids.at(-1)
      if (last === undefined) return undefined
      const [first = 0] = ids
      const values = { ...runs, ids: JSON.stringify(ids), first, last }
      for (const work of step.work) {
        const sql = last - first + 1 === ids.length ? overRange(work) : work
        db.statement(sql).run(used(sql, values))
      }
      const digest = createHash('sha256').update(`${step.name} ${ids.join()}`).digest('hex')
      return { position: last, changed: ids.length, digest }
    },
  }
}

/** Where nearly all accounts go, indexes over their grants go first, and are built over what is left. */
function aroundIndexes(db: Database, removal: UndoPhase, target: number): UndoPhase[] {
  const nothing = { changed: 0, digest: '' }
  return [
    {
      name: 'index-drop',
      chunk(after) {
        if (after > 0) return undefined
        const count = (where: string): number =>
          Number(db.statement(`select count(*) from account ${where}`).pluck().get(used(where, { target })))
        const removed = count('where created_run = @target')
        dropIndexes(db, deferralOf(removed, count('') - removed, 0))
        return { position: 1, ...nothing }
      },
    },
    removal,
    {
      name: 'index',
      chunk: (after) => (buildIndex(db) === undefined ? undefined : { position: after + 1, ...nothing }),
    },
  ]
}

/** The next account stays as it is, and so does what it needs. */
export function passOver(
  db: Database,
  step: UndoStep,
  { target, run }: UndoRuns,
  after: number,
): PassedAccount | undefined {
  const ids = chosen(db, step, target, after, 1)
  const [row] = undoRows(db, step, target, ids)
  if (row === undefined) return undefined
  const before = countsOf(db, target)
  db.statement('insert into temp.undo_aside values (?, ?)').run(step.object, row.id)
  keepWhatIsNeeded(db, target)
  db.statement(
    'insert or ignore into undo_left(run, object, object_id) select ?, object, object_id from temp.undo_aside',
  ).run(run)
  const rest = countsOf(db, target)
  const lost = (Object.keys(before) as (keyof UndoCounts)[]).map((name) => [name, before[name] - rest[name]] as const)
  return {
    position: row.id,
    item: row.key,
    changes: row.changes,
    counts: Object.fromEntries(lost.filter(([, count]) => count > 0)),
  }
}

/** SQLite refuses a value that no statement asks for. */
const used = (sql: string, values: Readonly<Record<string, string | number>>): JsonObject =>
  Object.fromEntries(Object.entries(values).filter(([name]) => new RegExp(`@${name}\\b`).test(sql)))

/** An account that stays needs its owner. */
export function keepWhatIsNeeded(db: Database, target: number): void {
  db.statement(`insert or ignore into temp.undo_aside select 'identity', identity_id from account where identity_id in
      (select id from identity where created_run = @target) and id in ${left('account')}`).run({ target })
}
