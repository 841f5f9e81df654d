import { counted } from '../base/plural.ts'
import type { PlanChange } from '../model/plan-change.ts'
import { createAudit } from './audit.ts'
import type { Pause } from './bulk/steps.ts'
import type { Database } from './database.ts'
import { openImages } from './images.ts'
import { rowsOf, type UndoRow } from './undo-changes.ts'
import { figuresOf, type UndoCounts, type UndoFigures } from './undo-figures.ts'
import { keepWhatIsNeeded, stepPhases, type UndoPhase } from './undo-phases.ts'
import { left, undoSteps } from './undo-steps.ts'
import { beginWhole, wholePhases } from './undo-whole.ts'

/** What an application's next read starts from. */
export interface ReadState {
  readonly application: number
  readonly token: string | null
  readonly fullReadNeeded: number
}

/** What run `target` did, read from its change rows and from what it created, and how run `run` takes it back. */
export interface Undo {
  /** Begins a plan to take run `target` back: nothing is left out. */
  begin(target: number): void
  /** The plan in numbers, and its hash. */
  figures(target: number, pause: Pause): Promise<UndoFigures>
  /** Each object that changes, with its changes. */
  rows(target: number): Generator<UndoRow>
  /** Takes objects out of the plan, and those that others need which stay. */
  leaveOut(target: number, unwanted: (change: PlanChange) => boolean): void
  /** Objects of the plan that something changed since: taking the run back would take that back too. Of a whole plan, only catalogue entries can be. */
  moved(target: number, whole?: boolean): readonly MovedRow[]
  /** What stays although the run is taken back, in sentences; `planned`: nothing is left out yet. */
  remains(target: number, planned: UndoCounts): readonly string[]
  /** Keeps what was left out, and what the next read of the applications starts from; gives what that was. */
  bind(target: number, run: number, whole: boolean): readonly ReadState[]
  /** Resuming takes up what the bind had kept. */
  phases(target: number, run: number): readonly UndoPhase[]
}

export interface MovedRow {
  readonly key: string
  /** It cannot be taken back at all while this is so. */
  readonly because: string | null
}

export function createUndo(db: Database): Undo {
  const begin = (target: number): void => {
    db.exec(
      'create temp table if not exists undo_aside(object text, object_id int, primary key(object, object_id)) strict; delete from temp.undo_aside',
    )
    openImages(db, target)
  }
  return {
    begin,
    figures: (target, pause) => figuresOf(db, target, pause),
    rows: (target) => rowsOf(db, target),
    leaveOut(target, unwanted) {
      const out = [...rowsOf(db, target)].filter((row) => row.changes.some(unwanted))
      const add = db.statement('insert or ignore into temp.undo_aside values (?, ?)')
      for (const { step, id } of out) if (step.object === 'account' || step.does !== 'return') add.run(step.object, id)
      keepWhatIsNeeded(db, target)
      const needless = neededNoMore(db, target)
      for (const { step, id } of out)
        if (step.object !== 'account' && step.does === 'return' && needless(step.object, id)) add.run(step.object, id)
    },
    moved: (target, whole = false) => moved(db, target, whole),
    remains: (target, planned) => remains(db, target, planned),
    bind(target, run, whole) {
      db.statement(
        `insert into undo_left(run, object, object_id) select ?, object, object_id from temp.undo_aside`,
      ).run(run)
      beginWhole(db, run, whole)
      return resetReads(db, target)
    },
    phases(target, run) {
      begin(target)
      db.statement('insert into temp.undo_aside select object, object_id from main.undo_left where run = ?').run(run)
      const runs = { target, run }
      return [...wholePhases(db, runs), ...stepPhases(db, runs)]
    },
  }
}

/** Whom identities that stay have for a manager. */
const reported = 'select manager_id from identity where manager_id is not null and created_run <> @target'

/** Whoever gives an account to somebody else changes it: those that changed are looked for once. */
const movedObjects = `with touched as materialized (select id, application_id, native, shown, created_run, link_run, identity_id from account
  where changed_run > @target)
select distinct key, because from (
  select p.name || ':' || coalesce(a.shown, a.native) key, null because from touched a join application p on p.id = a.application_id
    where a.id not in ${left('account')}
      and (a.created_run = @target or a.id in (select object_id from temp.image where run = @target and object = 'account'))
  union all select i.name, iif(i.id in (${reported}), 'others report to them', null)
    from identity i where i.created_run = @target and i.id not in ${left('identity')} and (i.changed_run > @target
    or i.id in (select identity_id from touched where link_run > @target) or i.id in (select identity_id from decision where run > @target)
    or i.id in (${reported}))
  union all select i.name, null from identity i where i.changed_run > @target and i.id not in ${left('identity')}
      and i.id in (select object_id from temp.image where run = @target and object = 'identity'))`

const movedEntitlements = `select p.name || ':' || e.attribute || ':' || e.value key, null because from entitlement e join application p on p.id = e.application_id
  where e.changed_run > @target and e.id not in ${left('entitlement')}
    and (e.catalogue_run = @target or e.id in (select object_id from temp.image where run = @target and object = 'entitlement'))`

function moved(db: Database, target: number, whole: boolean): readonly MovedRow[] {
  const rows = (sql: string): MovedRow[] => db.statement(sql).all({ target }) as MovedRow[]
  return [...(whole ? [] : rows(movedObjects)), ...rows(movedEntitlements)]
}

/** What comes back only for accounts that stay away. */
function neededNoMore(db: Database, target: number): (object: 'identity' | 'entitlement', id: number) => boolean {
  const images = `temp.image where run = @target and object = 'account' and object_id not in ${left('account')}`
  const identities = db.statement(`select before ->> 'identity' from ${images}`).pluck().all({ target })
  const grants = db
    .statement(`select distinct g.value ->> 0 from (select before from ${images}) c, json_each(c.before, '$.grants') g`)
    .pluck()
    .all({ target })
  const needed = { identity: new Set(identities), entitlement: new Set(grants) }
  return (object, id) => !needed[object].has(id)
}

function remains(db: Database, target: number, planned: UndoCounts): string[] {
  const values = (sql: string): unknown[] => db.statement(sql).pluck().all({ target })
  const { run, since } = db
    .statement('select result_id run, queued_at since from task_result where id = @target')
    .get({ target }) as { readonly run: string; readonly since: string }
  const events = createAudit(db).list({ run, since, limit: 0 }).total
  const files = values('select path from output_file where run = @target order by path limit 3')
  const sent = values(
    `select count(*) || ' by ' || channel from outbox where run = @target and state = 'sent' group by channel order by 1`,
  )
  const [made] = values('select count(*) from entitlement where created_run = @target')
  const used =
    made === planned.entitlementsRemoved
      ? []
      : values(
          `select e.attribute || ':' || e.value from entitlement e where e.created_run = @target and e.id not in
             (select id from ${undoSteps.find((step) => step.name === 'remove entitlements')?.from ?? ''}) limit 3`,
        )
  return [
    `the audit trail keeps the ${counted(Number(events), 'event')} of the run`,
    ...(sent.length > 0 ? [`notices that were sent stay sent: ${sent.join(', ')}`] : []),
    ...(files.length > 0 ? [`files that it wrote stay where they are: ${files.join(', ')}`] : []),
    ...(used.length > 0 ? [`catalogue entries that others use by now stay: ${used.join(', ')}`] : []),
  ]
}

/**
 * The applications' delta tokens are what they were before the run, and a full read is due: a delta would miss what was taken back. Of an
 * undo, they are what it had found.
 */
function resetReads(db: Database, target: number): readonly ReadState[] {
  const undone = db
    .statement(`select facts ->> 'reads' from task_section where run = ? and facts ->> 'reads' is not null`)
    .pluck()
    .get(target) as string | undefined
  const wanted =
    undone === undefined
      ? (db
          .statement(`select s.application_id application, 1 fullReadNeeded, s.facts -> 'read' ->> 'before' token
            from task_section s where s.run = @target and s.application_id is not null`)
          .all({ target }) as ReadState[])
      : (JSON.parse(undone) as ReadState[])
  const before = db.statement(
    'select id application, token, full_read_needed fullReadNeeded from application where id = ?',
  )
  const set = db.statement('update application set token = ?, full_read_needed = ? where id = ?')
  return wanted.map(({ application, token, fullReadNeeded }) => {
    const found = before.get(application) as ReadState
    set.run(token, fullReadNeeded, application)
    return found
  })
}
