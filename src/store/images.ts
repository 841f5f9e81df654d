import { sealOf } from './seal.ts'

const columns = `'native', a.native, 'retired', a.retired, 'shown', a.shown, 'uuid', a.uuid, 'display', a.display, 'use', a.use, 'flags', a.flags,
  'times', json(a.times), 'owner', a.owner, 'state', a.state, 'stateRun', a.state_run, 'identity', a.identity_id, 'linkBy', a.link_by,
  'linkRule', a.link_rule, 'linkRun', a.link_run, 'unconfirmed', a.unconfirmed, 'keys', hex(a.keys), 'attrs', json(a.attrs), 'hash', hex(a.hash),
  'decisions', json((select json_group_array(json_array(d.kind, d.identity_id, d.run, d.reason, d.actor, d.at)) from decision d where d.account_id = a.id)),
  'question', json((select json_array(q.kind, q.code, q.rule, q.value, q.candidates, q.since) from question q where q.account_id = a.id))`
const access = (open: string) =>
  `json((select json_group_array(json_array(c.entitlement_id, c.since, c.until)) from access c where c.account_id = a.id ${open}))`

/** An account `a` as its images hold it. */
export const accountNow = `json_object(${columns}, 'grants', ${access('and c.until is null')})`

/** Sealed at once, because an image is as long as what it shows; the limit keeps SQLite from making it a second time for the seal. */
const kept = (insert: string, object: string, id: string, image: string, from: string): string =>
  `${insert} into change(run, object, object_id, before, crc) select run, object, object_id, before, ${sealOf(['run', 'object', 'object_id', 'before'])}
  from (select cast(@run as int) run, '${object}' object, ${id} object_id, ${image} before from ${from} limit -1)`

/** Keeps what the accounts chosen are before run `@run` changes them; the first image of a run stays. */
export const accountImages = (chosen: string): string =>
  kept('insert or ignore', 'account', 'a.id', accountNow, `account a where a.id in (${chosen})`)

/** The same for accounts that are removed: with all that is needed to make them again. */
export const removedAccounts = (chosen: string): string =>
  kept(
    'insert',
    'account',
    'a.id',
    `json_object('removed', 1, 'application', a.application_id, 'createdRun', a.created_run, ${columns}, 'grants', ${access('')})`,
    `account a where a.id in (${chosen})`,
  )

const identityColumns = `'name', i.name, 'type', i.type, 'status', i.status, 'manager', i.manager_id, 'application', i.application_id,
    'attrs', json(i.attrs), 'sources', json(i.sources), 'frozen', i.frozen`

/** Keeps what identities are before run `@run` changes them. */
export const identityImages = (chosen: string): string =>
  kept(
    'insert or ignore',
    'identity',
    'i.id',
    `json_object(${identityColumns})`,
    `identity i where i.id in (${chosen})`,
  )

export const removedIdentities = (chosen: string): string =>
  kept(
    'insert',
    'identity',
    'i.id',
    `json_object('removed', 1, 'createdRun', i.created_run, ${identityColumns})`,
    `identity i where i.id in (${chosen})`,
  )

const gives = `json((select json_group_array(g.given_id) from entitlement_gives g where g.entitlement_id = e.id))`

/** Keeps what catalogue entries are before run `@run` changes them. */
export const entitlementImages = (chosen: string): string =>
  kept(
    'insert or ignore',
    'entitlement',
    'e.id',
    `json_object('display', e.display, 'description', e.description, 'owner', e.owner, 'state', e.state,
    'tags', json(coalesce(e.tags, '[]')), 'catalogueRun', e.catalogue_run, 'absentRun', e.absent_run, 'gives', ${gives})`,
    `entitlement e where e.id in (${chosen})`,
  )

export const removedEntitlements = (chosen: string): string =>
  kept(
    'insert',
    'entitlement',
    'e.id',
    `json_object('removed', 1, 'application', e.application_id, 'attribute', e.attribute, 'value', e.value,
    'shown', e.shown, 'display', e.display, 'description', e.description, 'owner', e.owner, 'state', e.state, 'tags', json(coalesce(e.tags, '[]')),
    'createdRun', e.created_run, 'catalogueRun', e.catalogue_run, 'absentRun', e.absent_run, 'gives', ${gives})`,
    `entitlement e where e.id in (${chosen})`,
  )
