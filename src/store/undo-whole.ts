import { createHash } from 'node:crypto'
import type { Database } from './database.ts'
import { pending, removedAccounts, removedIdentities } from './images.ts'
import { passOver, type UndoPhase, type UndoRuns } from './undo-phases.ts'
import { ids, overRange, undoSteps } from './undo-steps.ts'

/*
 * Where a run made all accounts and identities that there are, and nothing touched them since, none is removed by itself: all are packed
 * first, and then their tables are emptied at once, without a look at a row, an index or a trigger. Where that does not hold any more
 * when they are packed, the packs go, and the usual steps do the work.
 */

const packs = { account: overRange(removedAccounts(ids)), identity: overRange(removedIdentities(ids)) } as const
type Packed = keyof typeof packs

/** With all that refers to an account or an identity. */
const emptied = ['access', 'account_seen', 'question', 'decision', 'account', 'identity'] as const

/** Accounts and identities know the run that changed them last; questions and decisions are known by this. */
const answers = `json_array((select json_array(count(*), sum(crc)) from question), (select json_array(count(*), sum(crc)) from decision))`

const packedAsItIs = (object: Packed): string =>
  `(select count(*) from ${object}) = (select total(objects) from removed where run = @run and object = '${object}')
    and not exists (select 1 from ${object} where created_run <> @target or changed_run <> @target)`
const stillWhole = `${packedAsItIs('account')} and ${packedAsItIs('identity')}
  and ${answers} = (select images from removed where run = @run and object = '${pending}')`

/** Inside the transaction that binds the plan; what was looked at for the plan is looked at again before anything goes. */
export function beginWhole(db: Database, run: number, whole: boolean): void {
  // packs of undos that ended before they emptied anything
  db.statement(
    `delete from removed where run in (select r.id from task_result r where r.executor = 'undo' and r.status not in ('queued', 'running')
       and exists (select 1 from removed where run = r.id and object = '${pending}'))`,
  ).run()
  if (!whole) return
  db.statement(
    `insert into removed(run, object, first, last, objects, images) select ?, '${pending}', 0, 0, 0, ${answers}`,
  ).run(run)
}

/** They have nothing to do where `beginWhole` did not begin. */
export const wholePhases = (db: Database, runs: UndoRuns): UndoPhase[] => [packing(db, runs), emptying(db, runs)]

/** Nothing changes in it: what is packed is still there. */
function packing(db: Database, runs: UndoRuns): UndoPhase {
  return {
    name: 'pack',
    proved: () => true,
    chunk(after, size) {
      if (!isPending(db, runs)) return undefined
      const objects = packNext(db, 'account', runs, size) + packNext(db, 'identity', runs, size)
      return objects > 0 ? { position: after + objects, ...nothing } : undefined
    },
    passOver() {
      const [step] = undoSteps
      const after = lastPacked(db, 'account', runs)
      giveUp(db, runs)
      return step === undefined ? undefined : passOver(db, step, runs, after)
    },
  }
}

/** Where the process died in it, it is tried once more; then the usual steps find out what it dies of. */
function emptying(db: Database, runs: UndoRuns): UndoPhase {
  const [begin, again, end] = [0, 1, 2]
  let isAgain = false
  return {
    name: 'empty',
    proved: () => true,
    chunk(after, size) {
      if (after === end || !isPending(db, runs)) return undefined
      // size 1: there was a crash
      if (after === begin && size === 1) {
        isAgain = true
        return { position: again, ...nothing }
      }
      const isWhole = (after === begin || isAgain) && db.statement(`select ${stillWhole}`).pluck().get(runs) === 1
      return { position: end, ...(isWhole ? empty(db, runs) : giveUp(db, runs)) }
    },
  }
}

/** Those of so many numbers, which follow each other nearly always; how many there were. */
function packNext(db: Database, object: Packed, runs: UndoRuns, size: number): number {
  const first = db
    .statement(`select min(id) from ${object} where id > ?`)
    .pluck()
    .get(lastPacked(db, object, runs)) as number | null
  if (first === null) return 0
  return Number(
    db
      .statement(`${packs[object]} returning objects`)
      .pluck()
      .get({ run: runs.run, first, last: first + size - 1 }),
  )
}

const lastPacked = (db: Database, object: Packed, { run }: UndoRuns): number =>
  Number(
    db
      .statement('select last from removed where run = ? and object = ? order by first desc limit 1')
      .pluck()
      .get(run, object) ?? 0,
  )

const isPending = (db: Database, { run }: UndoRuns): boolean =>
  db.statement(`select 1 from removed where run = ? and object = '${pending}'`).get(run) !== undefined

type Done = Omit<NonNullable<ReturnType<UndoPhase['chunk']>>, 'position'>
const nothing: Done = { changed: 0, digest: '' }

function giveUp(db: Database, { run }: UndoRuns): Done {
  db.statement('delete from removed where run = ?').run(run)
  return nothing
}

function empty(db: Database, { run }: UndoRuns): Done {
  db.statement(`delete from removed where run = ? and object = '${pending}'`).run(run)
  // a table with a trigger on removals is emptied row by row
  const trigger = String(db.statement(`select sql from sqlite_schema where name = 'access_removed'`).pluck().get())
  db.exec('drop trigger access_removed')
  for (const table of emptied) db.exec(`delete from ${table}`)
  db.exec(trigger)
  const packed = db
    .statement('select objects, object, first, last from removed where run = ? order by object, first')
    .raw()
    .all(run) as (readonly [objects: number, ...of: unknown[]])[]
  return {
    changed: packed.reduce((sum, [objects]) => sum + objects, 0),
    digest: createHash('sha256').update(JSON.stringify(packed)).digest('hex'),
  }
}
