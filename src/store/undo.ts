import { createHash } from 'node:crypto'
import type { Database } from './database.ts'
import { accountImages, entitlementImages, removedAccounts, removedEntitlements, removedIdentities } from './images.ts'

export interface UndoCounts {
  readonly accountsRemoved: number
  readonly accountsRestored: number
  readonly identitiesRemoved: number
  readonly identitiesRestored: number
  readonly entitlementsRemoved: number
  readonly entitlementsRestored: number
}

export interface UndoPhase {
  readonly name: string
  chunk(after: number, size: number): { position: number; changed: number; digest: string } | undefined
}

/** What run `target` did, read from its change rows and from what it created, and how run `run` takes it back. */
export interface Undo {
  counts(target: number): UndoCounts
  /** Rows that something changed since: taking the run back would take that back too. At most ten. */
  moved(target: number): readonly string[]
  /** The first accounts that would go, as people know them. */
  removed(target: number): readonly string[]
  phases(target: number, run: number): readonly UndoPhase[]
}

export function createUndo(db: Database): Undo {
  const number = (sql: string, target: number): number => Number(db.statement(sql).pluck().get({ target }))
  return {
    counts: (target) => ({
      accountsRemoved: number(`select count(*) from account where created_run = @target`, target),
      accountsRestored: number(`select count(*) from change where run = @target and object = 'account'`, target),
      identitiesRemoved: number(`select count(*) from identity where created_run = @target`, target),
      identitiesRestored: number(`select count(*) from change where run = @target and object = 'identity'`, target),
      entitlementsRemoved: number(`select count(*) from (${unused})`, target),
      entitlementsRestored: number(
        `select count(*) from change where run = @target and object = 'entitlement'`,
        target,
      ),
    }),
    moved: (target) => db.statement(movedSince).pluck().all({ target }) as string[],
    removed: (target) =>
      db
        .statement(
          `select p.name || ':' || coalesce(a.shown, a.native) from account a join application p on p.id = a.application_id
             where a.created_run = ? order by a.id limit 10`,
        )
        .pluck()
        .all(target) as string[],
    phases: (target, run) => steps.map(({ name, ids, work }) => phase(db, name, ids, work, { target, run })),
  }
}

const movedSince = `select distinct what from (
  select p.name || ':' || coalesce(a.shown, a.native) what from account a join application p on p.id = a.application_id
    where a.changed_run > @target and (a.created_run = @target or a.id in (select object_id from change where run = @target and object = 'account'))
  union all select i.name from identity i where i.created_run = @target and (i.changed_run > @target
    or exists (select 1 from account a where a.identity_id = i.id and a.link_run > @target)
    or exists (select 1 from decision d where d.identity_id = i.id and d.run > @target)
    or exists (select 1 from identity m where m.manager_id = i.id and m.created_run <> @target))
  union all select p.name || ':' || e.attribute || ':' || e.value from entitlement e join application p on p.id = e.application_id
    where e.changed_run > @target and (e.catalogue_run = @target or e.id in (select object_id from change where run = @target and object = 'entitlement'))) limit 10`

/** Catalogue entries that the run made and nobody else's grant uses. */
const unused = `select e.id from entitlement e where e.created_run = @target and not exists
  (select 1 from access c cross join account a on a.id = c.account_id where c.entitlement_id = e.id and a.created_run <> @target and c.since <> @target)`

interface Runs {
  readonly target: number
  readonly run: number
}

/** In this order: what points at something goes before it, what is pointed at comes first. `ids` end with their order. */
const steps: readonly { readonly name: string; readonly ids: string; readonly work: readonly string[] }[] = [
  {
    name: 'remove accounts',
    ids: `select id from account where created_run = @target and id > @after order by id limit @size`,
    work: [
      removedAccounts('select value from json_each(@ids)'),
      'delete from question where account_id in (select value from json_each(@ids))',
      'delete from access where account_id in (select value from json_each(@ids))',
      'delete from account where id in (select value from json_each(@ids))',
    ],
  },
  {
    name: 'return identities',
    ids: `select object_id from change where run = @target and object = 'identity' and object_id > @after order by object_id limit @size`,
    work: [
      `insert into identity(id, name, type, status, manager_id, application_id, attrs, sources, frozen, created_run, changed_run)
         select object_id, before ->> 'name', before ->> 'type', before ->> 'status', before ->> 'manager', before ->> 'application', before -> 'attrs',
           before -> 'sources', before ->> 'frozen', before ->> 'createdRun', @run
         from change where run = @target and object = 'identity' and object_id in (select value from json_each(@ids))`,
    ],
  },
  {
    name: 'return entitlements',
    ids: `select object_id from change where run = @target and object = 'entitlement' and before ->> 'removed' = 1 and object_id > @after
      order by object_id limit @size`,
    work: [
      `insert into entitlement(id, application_id, attribute, value, shown, display, description, owner, state, tags, created_run)
         select object_id, before ->> 'application', before ->> 'attribute', before ->> 'value', before ->> 'shown', before ->> 'display',
           before ->> 'description', before ->> 'owner', before ->> 'state', nullif(before -> 'tags', 'null'), before ->> 'createdRun'
         from change where run = @target and object = 'entitlement' and object_id in (select value from json_each(@ids))`,
    ],
  },
  {
    name: 'restore entitlements',
    ids: `select object_id from change where run = @target and object = 'entitlement' and object_id > @after order by object_id limit @size`,
    work: [
      entitlementImages(
        `select object_id from change where run = @target and object = 'entitlement' and before ->> 'removed' is null
           and object_id in (select value from json_each(@ids))`,
      ),
      `update entitlement set display = i.j ->> 'display', description = i.j ->> 'description', owner = i.j ->> 'owner', state = i.j ->> 'state',
         catalogue_run = i.j ->> 'catalogueRun', absent_run = i.j ->> 'absentRun', changed_run = @run
       from (select object_id, before j from change where run = @target and object = 'entitlement'
         and object_id in (select value from json_each(@ids)) limit -1) i where entitlement.id = i.object_id`,
      `delete from entitlement_gives where entitlement_id in (select value from json_each(@ids))`,
      // what was removed since gives nothing any more
      `insert into entitlement_gives select c.object_id, g.value from change c, json_each(c.before, '$.gives') g
         where c.run = @target and c.object = 'entitlement' and c.object_id in (select value from json_each(@ids))
           and g.value in (select id from entitlement)`,
    ],
  },
  {
    name: 'return accounts',
    ids: `select object_id from change where run = @target and object = 'account' and before ->> 'removed' = 1 and object_id > @after
      order by object_id limit @size`,
    work: [
      `insert into account(id, application_id, native, state_run, link_run, attrs, hash, created_run, changed_run)
         select object_id, before ->> 'application', before ->> 'native', 0, 0, '{}', x'', before ->> 'createdRun', @run
         from change where run = @target and object = 'account' and object_id in (select value from json_each(@ids))`,
      ...imageBack(),
    ],
  },
  {
    name: 'restore accounts',
    ids: `select object_id from change where run = @target and object = 'account' and before ->> 'removed' is null and object_id > @after
      order by object_id limit @size`,
    work: [accountImages('select value from json_each(@ids)'), ...imageBack()],
  },
  {
    name: 'remove identities',
    ids: `select id from identity where created_run = @target and id > @after order by id limit @size`,
    work: [
      removedIdentities('select value from json_each(@ids)'),
      'delete from identity where id in (select value from json_each(@ids))',
    ],
  },
  {
    name: 'remove entitlements',
    ids: `${unused} and e.id > @after order by e.id limit @size`,
    work: [
      removedEntitlements('select value from json_each(@ids)'),
      'delete from access where entitlement_id in (select value from json_each(@ids))',
      'delete from entitlement where id in (select value from json_each(@ids))',
    ],
  },
]

/** Columns, grants and question of accounts as their images in the target's change rows have them. */
function imageBack(): string[] {
  const images = `(select object_id, before j from change where run = @target and object = 'account'
    and object_id in (select value from json_each(@ids)) limit -1)`
  const held = `(select c.object_id account_id, g.value ->> 0 entitlement_id, g.value ->> 1 since, g.value ->> 2 until
    from ${images} c, json_each(c.j, '$.grants') g)`
  return [
    `update account set native = i.j ->> 'native', retired = i.j ->> 'retired', shown = i.j ->> 'shown', uuid = i.j ->> 'uuid', display = i.j ->> 'display',
       use = i.j ->> 'use', flags = i.j ->> 'flags', times = i.j -> 'times', owner = i.j ->> 'owner', state = i.j ->> 'state', state_run = i.j ->> 'stateRun',
       identity_id = i.j ->> 'identity', link_by = i.j ->> 'linkBy', link_rule = i.j ->> 'linkRule', link_run = i.j ->> 'linkRun',
       unconfirmed = i.j ->> 'unconfirmed', keys = iif(i.j ->> 'keys' = '', null, unhex(i.j ->> 'keys')), attrs = i.j -> 'attrs',
       hash = unhex(i.j ->> 'hash'), changed_run = @run
     from ${images} i where account.id = i.object_id`,
    `update account set times = null where times = 'null' and id in (select value from json_each(@ids))`,
    // grants that the run began are as if they had never been; what it ended goes on
    `delete from access where since = @target and account_id in (select value from json_each(@ids))
       and (account_id, entitlement_id, since) not in (select account_id, entitlement_id, since from ${held})`,
    `update access set until = @run where until is null and account_id in (select value from json_each(@ids))
       and (account_id, entitlement_id, since) not in (select account_id, entitlement_id, since from ${held})`,
    `insert into access(account_id, entitlement_id, since, until) select account_id, entitlement_id, since, until from ${held} where true
       on conflict do update set until = excluded.until`,
    `delete from decision where account_id in (select value from json_each(@ids))`,
    `insert into decision(account_id, kind, identity_id, run, reason, actor, at)
       select i.object_id, d.value ->> 0, d.value ->> 1, d.value ->> 2, d.value ->> 3, d.value ->> 4, d.value ->> 5
       from ${images} i, json_each(i.j, '$.decisions') d`,
    `delete from question where account_id in (select value from json_each(@ids))`,
    `insert into question(account_id, kind, code, rule, value, candidates, since)
       select i.object_id, i.j ->> '$.question[0]', i.j ->> '$.question[1]', i.j ->> '$.question[2]', i.j ->> '$.question[3]', i.j ->> '$.question[4]', i.j ->> '$.question[5]'
       from ${images} i where i.j ->> '$.question[0]' is not null`,
  ]
}

function phase(db: Database, name: string, ids: string, work: readonly string[], runs: Runs): UndoPhase {
  return {
    name,
    chunk(after, size) {
      const chosen = db.statement(ids).pluck().all({ target: runs.target, after, size }) as number[]
      const last = chosen.at(-1)
      if (last === undefined) return undefined
      for (const sql of work) db.statement(sql).run(used(sql, { ...runs, ids: JSON.stringify(chosen) }))
      const digest = createHash('sha256').update(`${name} ${chosen.join()}`).digest('hex')
      return { position: last, changed: chosen.length, digest }
    },
  }
}

/** SQLite refuses a value that no statement asks for. */
const used = (sql: string, values: Record<string, string | number>): Record<string, string | number> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => new RegExp(`@${name}\\b`).test(sql)))
