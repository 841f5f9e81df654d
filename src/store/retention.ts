import type { Database } from './database.ts'

export type PrunedWhat = 'result' | 'rejects' | 'images' | 'account'

/** Something that has reached its age. */
export interface Prunable {
  readonly id: number
  /** A result's id, or `ad:jdoe`. */
  readonly key: string
  /** Of results. */
  readonly task: string | null
  /** Rows that go. */
  readonly rows: number
}

export interface Retention {
  /** Those accounts are held (undefined: none): nothing that tells of them goes. Until `holdAccounts` is called again. */
  holdAccounts(held: ((key: string) => boolean) | undefined): void
  /** Results that ended before, but for the last thirty of each task: guards compare with them, and runs go on from them. */
  results(before: string): IterableIterator<Prunable>
  rejects(before: string): IterableIterator<Prunable>
  images(before: string): IterableIterator<Prunable>
  goneAccounts(before: string): IterableIterator<Prunable>
  /** What there is of each kind: what the share that goes refers to. */
  population(what: PrunedWhat): number
  remove(what: PrunedWhat, ids: readonly number[]): void
  /** Retention has taken that from the result. */
  hasTaken(run: number, what: 'rejects' | 'images'): boolean
}

const ended = `r.status not in ('queued','running') and r.queued_at < @before`
const taken = (what: 'rejects' | 'images') => `exists (select 1 from pruned where run = r.id and what = '${what}')`
/** Removed objects stay or go together, a row of them as a whole. */
const heldRow = `p.object = 'account' and exists (select 1 from temp.held_account h where h.id between p.first and p.last)`
const heldImage = `(exists (select 1 from temp.held_account h join change c on c.run = r.id and c.object = 'account' and c.object_id = h.id)
  or exists (select 1 from removed p where p.run = r.id and ${heldRow}))`
const hasImages = '(exists (select 1 from change where run = r.id) or exists (select 1 from removed where run = r.id))'

const chosen = {
  // with the result go its images, so one that tells of a held account stays; so does the one that says when an account left
  result: `select r.id, r.result_id "key", r.task, 1 "rows" from task_result r where ${ended} and not ${heldImage}
    and r.id not in (select id from (select id, row_number() over (partition by task order by id desc) n from task_result where not dry_run) where n <= 30)
    and r.id not in (select state_run from account where state <> 'active')
    and not exists (select 1 from task_result c where c.parent = r.id) order by r.id`,
  rejects: `select r.id, r.result_id "key", r.task, r.rejects_total "rows" from task_result r
    where ${ended} and r.rejects_total > 0 and not ${taken('rejects')} order by r.id`,
  images: `select r.id, r.result_id "key", r.task, (select count(*) from change where run = r.id) +
      (select coalesce(sum(objects), 0) from removed where run = r.id) "rows" from task_result r
    where ${ended} and ${hasImages} and not ${taken('images')} order by r.id`,
  account: `select a.id, p.name || ':' || coalesce(a.shown, a.native) "key", null task, 1 "rows" from account a
    join application p on p.id = a.application_id join task_result r on r.id = a.state_run
    where a.state = 'gone' and ${ended} and a.id not in (select id from temp.held_account) order by a.id`,
}

const populations: Readonly<Record<PrunedWhat, string>> = {
  result: 'select count(*) from task_result',
  rejects: `select count(*) from task_result r where rejects_total > 0 and not ${taken('rejects')}`,
  images: `select count(*) from task_result r where ${hasImages} and not ${taken('images')}`,
  account: 'select count(*) from account',
}

const removals: Readonly<Record<PrunedWhat, readonly string[]>> = {
  result: [
    'delete from change where run = ?',
    'delete from removed where run = ?',
    'delete from undo_left where run = ?',
    'delete from task_result where id = ?',
  ],
  rejects: ['delete from reject where run = ?', `insert or ignore into pruned(run, what) values (?, 'rejects')`],
  images: [
    `delete from change where run = ? and not (object = 'account' and object_id in (select id from temp.held_account))`,
    `delete from removed as p where run = ? and not (${heldRow})`,
    `insert or ignore into pruned(run, what) values (?, 'images')`,
  ],
  account: ['delete from access where account_id = ?', 'delete from account where id = ?'],
}

/** The only way in which rows of the past leave the store. The audit trail is not among them: it is never cut. */
export function createRetention(db: Database): Retention {
  const choose = (what: PrunedWhat, before: string) =>
    db.statement(chosen[what]).all({ before })[Symbol.iterator]() as IterableIterator<Prunable>
  const begin = (): void =>
    db.exec(
      'create temp table if not exists held_account(id integer primary key) strict; delete from temp.held_account',
    )
  return {
    holdAccounts(held) {
      begin()
      if (held === undefined) return
      const all = db
        .statement(
          `select a.id, p.name || ':' || coalesce(a.shown, a.native) "key" from account a join application p on p.id = a.application_id`,
        )
        .iterate() as IterableIterator<{ id: number; key: string }>
      const ids = [...all].filter(({ key }) => held(key)).map(({ id }) => id)
      for (const id of ids) db.statement('insert into temp.held_account values (?)').run(id)
    },
    results: (before) => choose('result', before),
    rejects: (before) => choose('rejects', before),
    images: (before) => choose('images', before),
    goneAccounts: (before) => choose('account', before),
    population: (what) => Number(db.statement(populations[what]).pluck().get()),
    remove(what, ids) {
      for (const id of ids) for (const sql of removals[what]) db.statement(sql).run(id)
    },
    hasTaken: (run, what) =>
      db.statement('select 1 from pruned where run = ? and what = ?').pluck().get(run, what) === 1,
  }
}
