import {
  accountImages,
  entitlementImages,
  identityImages,
  removedAccounts,
  removedEntitlements,
  removedIdentities,
} from './images.ts'

/** Objects that this undo leaves as they are. */
export const left = (object: UndoStep['object']): string =>
  `(select object_id from temp.undo_aside where object = '${object}')`

/** Catalogue entries that the run made and nobody uses who is there when the rest is done. */
const unused = `select e.id from entitlement e where e.created_run = @target
  and not exists (select 1 from access c where c.entitlement_id = e.id and c.since <> @target
    and (select a.created_run from account a where a.id = c.account_id) <> @target)
  and not exists (select 1 from ${left('account')} l cross join access c on c.entitlement_id = e.id and c.account_id = l.object_id)`

/** The objects of a chunk. */
export const ids = 'select value from json_each(@ids)'
const among = `in (${ids})`

/** The same statement for numbers that follow each other without a gap: SQLite walks through them instead of looking each of them up. */
export const overRange = (sql: string): string => sql.replaceAll(among, 'between @first and @last')

export interface UndoStep {
  readonly name: string
  readonly object: 'account' | 'identity' | 'entitlement'
  /** What becomes of the objects. */
  readonly does: 'remove' | 'return' | 'restore'
  /** Their numbers, and where these stand. */
  readonly id: string
  readonly from: string
  /** Of these, the ones that a plan speaks of. */
  readonly told?: string
  /** Asks whether nothing can refer any more to what the statements remove; absent: that is looked up row by row. */
  readonly proved?: string
  /** The statements, over the numbers `@ids`. */
  readonly work: readonly string[]
}

/** In this order: what points at something goes before it, what is pointed at comes first. */
export const undoSteps: readonly UndoStep[] = [
  {
    name: 'remove accounts',
    object: 'account',
    does: 'remove',
    id: 'id',
    from: `account where created_run = @target`,
    // everything that refers to an account goes with it
    proved: 'select true',
    work: [
      removedAccounts(ids),
      // before the grants, each of which would clear the hash of its account
      `delete from account_seen where account_id ${among}`,
      `delete from question where account_id ${among}`,
      `delete from decision where account_id ${among}`,
      `delete from access where account_id ${among}`,
      `delete from account where id ${among}`,
    ],
  },
  {
    name: 'return identities',
    object: 'identity',
    does: 'return',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'identity' and before ->> 'removed' = 1`,
    work: [
      `insert into identity(id, name, type, status, manager_id, application_id, attrs, sources, frozen, created_run, changed_run)
         select object_id, before ->> 'name', before ->> 'type', before ->> 'status', before ->> 'manager', before ->> 'application', before -> 'attrs',
           before -> 'sources', before ->> 'frozen', before ->> 'createdRun', @run
         from temp.image where run = @target and object = 'identity' and object_id ${among}`,
    ],
  },
  {
    name: 'restore identities',
    object: 'identity',
    does: 'restore',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'identity' and before ->> 'removed' is null`,
    work: [
      identityImages(ids),
      `update identity set status = i.j ->> 'status', manager_id = i.j ->> 'manager', attrs = i.j -> 'attrs', sources = i.j -> 'sources',
         frozen = i.j ->> 'frozen', marked = 1, changed_run = @run
       from (select object_id, before j from temp.image where run = @target and object = 'identity'
         and object_id ${among} limit -1) i where identity.id = i.object_id`,
    ],
  },
  {
    name: 'return entitlements',
    object: 'entitlement',
    does: 'return',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'entitlement' and before ->> 'removed' = 1`,
    work: [
      `insert into entitlement(id, application_id, attribute, value, shown, display, description, owner, state, tags, created_run)
         select object_id, before ->> 'application', before ->> 'attribute', before ->> 'value', before ->> 'shown', before ->> 'display',
           before ->> 'description', before ->> 'owner', before ->> 'state', nullif(before -> 'tags', '[]'), before ->> 'createdRun'
         from temp.image where run = @target and object = 'entitlement' and object_id ${among}`,
    ],
  },
  {
    name: 'restore entitlements',
    object: 'entitlement',
    does: 'restore',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'entitlement'`,
    // those that came back get their places in the hierarchy here, and are told already
    told: `before ->> 'removed' is null`,
    work: [
      entitlementImages(
        `select object_id from temp.image where run = @target and object = 'entitlement' and before ->> 'removed' is null
           and object_id ${among}`,
      ),
      `update entitlement set display = i.j ->> 'display', description = i.j ->> 'description', owner = i.j ->> 'owner', state = i.j ->> 'state',
         tags = nullif(coalesce(i.j -> 'tags', tags), '[]'), catalogue_run = i.j ->> 'catalogueRun', absent_run = i.j ->> 'absentRun', changed_run = @run
       from (select object_id, before j from temp.image where run = @target and object = 'entitlement'
         and object_id ${among} limit -1) i where entitlement.id = i.object_id`,
      `delete from entitlement_gives where entitlement_id ${among}`,
      // what was removed since gives nothing any more
      `insert into entitlement_gives select c.object_id, g.value from temp.image c, json_each(c.before, '$.gives') g
         where c.run = @target and c.object = 'entitlement' and c.object_id ${among}
           and g.value in (select id from entitlement)`,
    ],
  },
  {
    name: 'return accounts',
    object: 'account',
    does: 'return',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'account' and before ->> 'removed' = 1`,
    work: [
      `insert into account(id, application_id, native, state_run, link_run, attrs, hash, created_run, changed_run)
         select object_id, before ->> 'application', before ->> 'native', 0, 0, '{}', x'', before ->> 'createdRun', @run
         from temp.image where run = @target and object = 'account' and object_id ${among}`,
      // no record is known that they were made from
      `insert into account_seen(account_id, application_id, mac)
         select id, application_id, zeroblob(8) from account where id ${among}`,
      ...imageBack(),
    ],
  },
  {
    name: 'restore accounts',
    object: 'account',
    does: 'restore',
    id: 'object_id',
    from: `temp.image where run = @target and object = 'account' and before ->> 'removed' is null`,
    work: [accountImages(ids), ...imageBack()],
  },
  {
    name: 'remove identities',
    object: 'identity',
    does: 'remove',
    id: 'id',
    from: `identity where created_run = @target`,
    proved: 'select not exists (select 1 from identity where manager_id is not null)',
    work: [
      // accounts that joined since have no owner any more
      accountImages(`select id from account where identity_id ${among}`),
      `update account set identity_id = null, link_by = 'none', link_rule = null, unconfirmed = 0, link_run = @run, changed_run = @run
         where identity_id ${among}`,
      removedIdentities(ids),
      `delete from decision where identity_id ${among}`,
      `delete from identity where id ${among}`,
    ],
  },
  {
    name: 'remove entitlements',
    object: 'entitlement',
    does: 'remove',
    id: 'id',
    from: `(${unused}) e where true`,
    work: [
      removedEntitlements(ids),
      `delete from access where entitlement_id ${among}`,
      `delete from entitlement where id ${among}`,
    ],
  },
]

/** Columns, grants and question of accounts as their images in the target's change rows have them. */
function imageBack(): string[] {
  const images = `(select object_id, before j from temp.image where run = @target and object = 'account'
    and object_id ${among} limit -1)`
  const held = `(select c.object_id account_id, g.value ->> 0 entitlement_id, g.value ->> 1 since, g.value ->> 2 until
    from ${images} c, json_each(c.j, '$.grants') g)`
  return [
    `update account set native = i.j ->> 'native', retired = i.j ->> 'retired', shown = i.j ->> 'shown', uuid = i.j ->> 'uuid', display = i.j ->> 'display',
       use = i.j ->> 'use', flags = i.j ->> 'flags', times = i.j -> 'times', owner = i.j ->> 'owner', state = i.j ->> 'state', state_run = i.j ->> 'stateRun',
       identity_id = i.j ->> 'identity', link_by = i.j ->> 'linkBy', link_rule = i.j ->> 'linkRule', link_run = i.j ->> 'linkRun',
       unconfirmed = i.j ->> 'unconfirmed', keys = iif(i.j ->> 'keys' = '', null, unhex(i.j ->> 'keys')), attrs = i.j -> 'attrs',
       hash = unhex(i.j ->> 'hash'), changed_run = @run
     from ${images} i where account.id = i.object_id`,
    `update account set times = null where times = 'null' and id ${among}`,
    // grants that the run began are as if they had never been; what it ended goes on
    `delete from access where since = @target and account_id ${among}
       and (account_id, entitlement_id, since) not in (select account_id, entitlement_id, since from ${held})`,
    `update access set until = @run where until is null and account_id ${among}
       and (account_id, entitlement_id, since) not in (select account_id, entitlement_id, since from ${held})`,
    `insert into access(account_id, entitlement_id, since, until) select account_id, entitlement_id, since, until from ${held} where true
       on conflict do update set until = excluded.until`,
    `delete from decision where account_id ${among}`,
    `insert into decision(account_id, kind, identity_id, run, reason, actor, at)
       select i.object_id, d.value ->> 0, d.value ->> 1, d.value ->> 2, d.value ->> 3, d.value ->> 4, d.value ->> 5
       from ${images} i, json_each(i.j, '$.decisions') d`,
    `delete from question where account_id ${among}`,
    `insert into question(account_id, kind, code, rule, value, candidates, since)
       select i.object_id, i.j ->> '$.question[0]', i.j ->> '$.question[1]', i.j ->> '$.question[2]', i.j ->> '$.question[3]', i.j ->> '$.question[4]', i.j ->> '$.question[5]'
       from ${images} i where i.j ->> '$.question[0]' is not null`,
  ]
}
