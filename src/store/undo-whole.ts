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

const untouched = (object: Packed): string =>
  `not exists (select 1 from ${object} where created_run <> @target or changed_run <> @target)`
const whole = `not exists (select 1 from temp.undo_aside) and not exists (select 1 from temp.image where run = @target)
  and ${untouched('account')} and ${untouched('identity')}`

/** Accounts and identities know the run that changed them last; questions and decisions are known by this. */
const answers = `json_array((select json_array(count(*), sum(crc)) from question), (select json_array(count(*), sum(crc)) from decision))`

const packedAll = (object: Packed): string =>
  `(select count(*) from ${object}) = (select total(objects) from removed where run = @run and object = '${object}')`
const stillWhole = `${whole} and ${packedAll('account')} and ${packedAll('identity')}
  and ${answers} = (select images from removed where run = @run and object = '${pending}')`

/** Inside the transaction that binds the plan. */
export function beginWhole(db: Database, { target, run }: UndoRuns): void {
  // packs of undos that ended before they emptied anything
  db.statement(
    `delete from removed where run in (select r.id from task_result r where r.executor = 'undo' and r.status not in ('queued', 'running')
       and exists (select 1 from removed where run = r.id and object = '${pending}'))`,
  ).run()
  db.statement(
    `insert into removed(run, object, first, last, objects, images)
       select @run, '${pending}', 0, 0, 0, ${answers} where exists (select 1 from account) and ${whole}`,
  ).run({ target, run })
}

/** They have nothing to do where `beginWhole` found that something stays. */
export const wholePhases = (db: Database, runs: UndoRuns): UndoPhase[] => [
  packing(db, 'account', runs),
  packing(db, 'identity', runs),
  {
    name: 'empty',
    proved: () => true,
    chunk(after, size) {
      if (after > 0 || !isPending(db, runs)) return undefined
      // one object at a time: the process died of this before
      const isWhole = size > 1 && db.statement(`select ${stillWhole}`).pluck().get(runs) === 1
      return { position: 1, ...(isWhole ? empty(db, runs) : giveUp(db, runs)) }
    },
  },
]

/** Nothing changes in it: what is packed is still there. */
function packing(db: Database, object: Packed, runs: UndoRuns): UndoPhase {
  const step = undoSteps.find((one) => one.object === object && one.does === 'remove')
  const end = `select max(id) from (select id from ${object} where id > @after order by id limit @size)`
  return {
    name: `pack ${object}`,
    proved: () => true,
    chunk(after, size) {
      const last = isPending(db, runs) ? db.statement(end).pluck().get({ after, size }) : null
      if (typeof last !== 'number') return undefined
      db.statement(packs[object]).run({ run: runs.run, first: after + 1, last })
      return { position: last, changed: 0, digest: '' }
    },
    ...(step?.object === 'account' && {
      passOver(after) {
        giveUp(db, runs)
        return passOver(db, step, runs, after)
      },
    }),
  }
}

const isPending = (db: Database, { run }: UndoRuns): boolean =>
  db.statement(`select 1 from removed where run = ? and object = '${pending}'`).get(run) !== undefined

function giveUp(db: Database, { run }: UndoRuns): { changed: number; digest: string } {
  db.statement('delete from removed where run = ?').run(run)
  return { changed: 0, digest: '' }
}

function empty(db: Database, { run }: UndoRuns): { changed: number; digest: string } {
  db.statement(`delete from removed where run = ? and object = '${pending}'`).run(run)
  // a table with a trigger on removals is emptied row by row
  const trigger = String(db.statement(`select sql from sqlite_schema where name = 'access_removed'`).pluck().get())
  db.exec('drop trigger access_removed')
  for (const table of emptied) db.exec(`delete from ${table}`)
  db.exec(trigger)
  const seals = db
    .statement('select objects, crc from removed where run = ? order by object, first')
    .raw()
    .all(run) as (readonly [objects: number, crc: number])[]
  return {
    changed: seals.reduce((sum, [objects]) => sum + objects, 0),
    digest: createHash('sha256').update(JSON.stringify(seals)).digest('hex'),
  }
}
