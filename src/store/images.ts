import type { Database } from './database.ts'
import { sealOf } from './seal.ts'

/**
 * What objects were before a run touched them. `change` has those that the run changed, one a row; `removed` those that it took away, a chunk
 * a row: values without names, in the order of the columns below, behind the object's number, or only those that are not as usual. A new
 * column goes to the end.
 */
type Columns = Readonly<Record<string, string | JsonText>>

/** A column that is JSON already; null where there is none. */
interface JsonText {
  readonly json: string
}

const access = (open: string): JsonText => ({
  json: `(select json_group_array(json_array(c.entitlement_id, c.since, c.until)) from access c where c.account_id = a.id ${open})`,
})

const account: Columns = {
  native: 'a.native',
  retired: 'a.retired',
  shown: 'a.shown',
  uuid: 'a.uuid',
  display: 'a.display',
  use: 'a.use',
  flags: 'a.flags',
  times: { json: 'a.times' },
  owner: 'a.owner',
  state: 'a.state',
  stateRun: 'a.state_run',
  identity: 'a.identity_id',
  linkBy: 'a.link_by',
  linkRule: 'a.link_rule',
  linkRun: 'a.link_run',
  unconfirmed: 'a.unconfirmed',
  keys: 'hex(a.keys)',
  attrs: { json: 'a.attrs' },
  hash: 'hex(a.hash)',
  decisions: {
    json: `(select json_group_array(json_array(d.kind, d.identity_id, d.run, d.reason, d.actor, d.at)) from decision d where d.account_id = a.id)`,
  },
  question: {
    json: '(select json_array(q.kind, q.code, q.rule, q.value, q.candidates, q.since) from question q where q.account_id = a.id)',
  },
  grants: access('and c.until is null'),
}

const identity: Columns = {
  name: 'i.name',
  type: 'i.type',
  status: 'i.status',
  manager: 'i.manager_id',
  application: 'i.application_id',
  attrs: { json: 'i.attrs' },
  sources: { json: 'i.sources' },
  frozen: 'i.frozen',
}

const entitlement: Columns = {
  display: 'e.display',
  description: 'e.description',
  owner: 'e.owner',
  state: 'e.state',
  tags: { json: `coalesce(e.tags, '[]')` },
  catalogueRun: 'e.catalogue_run',
  absentRun: 'e.absent_run',
  gives: { json: '(select json_group_array(g.given_id) from entitlement_gives g where g.entitlement_id = e.id)' },
}

/** Most grants are as old as their account and go on: of these, the number of the entitlement says all. */
const grants: JsonText = {
  json: `(select json_group_array(iif(c.since = a.created_run and c.until is null, c.entitlement_id,
    json_array(c.entitlement_id, c.since, c.until))) from access c where c.account_id = a.id)`,
}

/** With all that is needed to make them again. */
const removed = {
  account: { ...account, grants, application: 'a.application_id', createdRun: 'a.created_run' },
  identity: { ...identity, createdRun: 'i.created_run' },
  entitlement: {
    ...entitlement,
    application: 'e.application_id',
    attribute: 'e.attribute',
    value: 'e.value',
    shown: 'e.shown',
    createdRun: 'e.created_run',
  },
} satisfies Record<string, Columns>
type Removed = keyof typeof removed

interface Usual {
  readonly holds: string
  /** What it is then; or the column that it is like. */
  readonly value: string | { readonly like: string }
}
const asCreated = (column: string): Usual => ({
  holds: `${column} = a.created_run`,
  value: { like: 'createdRun' },
})

/** Where there is none at all, that is looked up once. */
const hasNone = (table: string): string =>
  `(not exists (select 1 from ${table}) or not exists (select 1 from ${table} o where o.account_id = a.id))`

/** An object of which all of this holds goes without these columns: its array is shorter, which tells it. */
const usual: Readonly<Record<Removed, Readonly<Record<string, Usual>>>> = {
  account: {
    retired: { holds: 'a.retired = 0', value: '0' },
    use: { holds: `a.use = 'personal'`, value: `'personal'` },
    times: { holds: 'a.times is null', value: 'null' },
    owner: { holds: 'a.owner is null', value: 'null' },
    state: { holds: `a.state = 'active'`, value: `'active'` },
    stateRun: asCreated('a.state_run'),
    linkRun: asCreated('a.link_run'),
    unconfirmed: { holds: 'a.unconfirmed = 0', value: '0' },
    decisions: { holds: hasNone('decision'), value: 'json_array()' },
    question: { holds: hasNone('question'), value: 'null' },
  },
  identity: {
    type: { holds: `i.type = 'person'`, value: `'person'` },
    manager: { holds: 'i.manager_id is null', value: 'null' },
    frozen: { holds: 'i.frozen = 0', value: '0' },
  },
  entitlement: {},
}

const named = (columns: Columns): string =>
  `json_object(${Object.entries(columns).map(([name, value]) => `'${name}', ${typeof value === 'string' ? value : `json(${value.json})`}`)})`

/** The same without names, an array put together as text: what is JSON already is not read once more. */
function packed(columns: readonly Columns[string][]): string {
  const parts: string[] = []
  const values: string[] = []
  const flush = (): void => {
    if (values.length > 0) parts.push(`trim(json_array(${values.splice(0)}), '[]')`)
  }
  for (const column of columns) {
    if (typeof column === 'string') values.push(column)
    else {
      flush()
      parts.push(`ifnull(${column.json}, 'null')`)
    }
  }
  flush()
  return `'[' || concat_ws(',', ${parts}) || ']'`
}

const columnsOf = (object: Removed): Columns => removed[object]
const long = (object: Removed): string[] => Object.keys(columnsOf(object))
const short = (object: Removed): string[] => long(object).filter((name) => usual[object][name] === undefined)

/** An object as a row of `removed` holds it. */
function packedObject(object: Removed, id: string): string {
  const array = (names: readonly string[]): string =>
    packed([id, ...names.map((name) => columnsOf(object)[name] ?? '')])
  const holds = Object.values(usual[object]).map((one) => one.holds)
  if (holds.length === 0) return array(long(object))
  return `iif(${holds.join(' and ')}, ${array(short(object))}, ${array(long(object))})`
}

/** An account `a` as its images hold it. */
export const accountNow = named(account)

/** Sealed at once, because an image is as long as what it shows; the limit keeps SQLite from making it a second time for the seal. */
const kept = (insert: 'insert' | 'insert or ignore', table: string, columns: readonly string[], rows: string): string =>
  `${insert} into ${table}(${columns}, crc) select ${columns}, ${sealOf(table, columns)} from (${rows} limit -1)`

/** Keeps what the objects are before run `@run` changes them; the first image of a run stays. */
const changed = (object: Removed, image: string, from: string, id: string): string =>
  kept(
    'insert or ignore',
    'change',
    ['run', 'object', 'object_id', 'before'],
    `select cast(@run as int) run, '${object}' object, ${id} object_id, ${image} before from ${from}`,
  )

/** The same for objects that are removed: all of them in one row. */
const taken = (object: Removed, from: string, id: string): string =>
  kept(
    'insert',
    'removed',
    ['run', 'object', 'first', 'last', 'objects', 'images'],
    `select cast(@run as int) run, '${object}' object, min(${id}) first, max(${id}) last, count(*) objects,
       '[' || group_concat(${packedObject(object, id)}) || ']' images from ${from} having count(*) > 0`,
  )

/** Stands in `removed` for a run that has not removed yet what its packs tell of, or never did: until then they tell nothing. */
export const pending = 'pending'
const tell = (run: string): string =>
  `not exists (select 1 from main.removed w where w.run = ${run} and w.object = '${pending}')`

export const accountImages = (chosen: string): string =>
  changed('account', accountNow, `account a where a.id in (${chosen})`, 'a.id')
export const identityImages = (chosen: string): string =>
  changed('identity', named(identity), `identity i where i.id in (${chosen})`, 'i.id')
export const entitlementImages = (chosen: string): string =>
  changed('entitlement', named(entitlement), `entitlement e where e.id in (${chosen})`, 'e.id')

export const removedAccounts = (chosen: string): string =>
  taken('account', `account a where a.id in (${chosen})`, 'a.id')
export const removedIdentities = (chosen: string): string =>
  taken('identity', `identity i where i.id in (${chosen})`, 'i.id')
export const removedEntitlements = (chosen: string): string =>
  taken('entitlement', `entitlement e where e.id in (${chosen})`, 'e.id')

const isShort = (object: Removed): string => `json_array_length(v.value) = ${short(object).length + 1}`
const place = (names: readonly string[], name: string): string => `'$[${names.indexOf(name) + 1}]'`

/** The objects `v` of one row of `removed`, as `change` would have them. */
function unpacked(object: Removed): string {
  const like = (names: readonly string[]): string => {
    const at = (name: string): string => `v.value -> ${place(names, name)}`
    const found = (name: string): string => {
      if (names.includes(name)) return at(name)
      const value = usual[object][name]?.value ?? 'null'
      return typeof value === 'string' ? value : at(value.like)
    }
    const columns = Object.fromEntries(long(object).map((name) => [name, found(name)]))
    const whole = `(select json_group_array(json(iif(g.type = 'array', g.value, json_array(g.value, v.value ->> ${place(names, 'createdRun')}, null))))
      from json_each(v.value, ${place(names, 'grants')}) g)`
    return named({ removed: '1', ...columns, ...(object === 'account' && { grants: { json: whole } }) })
  }
  return `iif(${isShort(object)}, ${like(short(object))}, ${like(long(object))})`
}

/** Everything that run `target` left, in `temp.image`, an object a row. */
export function openImages(db: Database, target: number): void {
  db.exec(`create temp table if not exists image(run integer, object text, object_id integer, before text,
    primary key(run, object, object_id)) strict, without rowid`)
  if (db.statement('select 1 from temp.image where run = ? limit 1').get(target) !== undefined) return
  db.statement('insert into temp.image select run, object, object_id, before from main.change where run = @target').run(
    { target },
  )
  for (const object of Object.keys(removed) as Removed[])
    db.statement(
      `insert into temp.image select r.run, r.object, v.value ->> 0, ${unpacked(object)}
         from main.removed r cross join json_each(r.images) v where r.run = @target and r.object = '${object}' and ${tell('@target')}`,
    ).run({ target })
}

const attrsAt = `iif(${isShort('account')}, ${place(short('account'), 'attrs')}, ${place(long('account'), 'attrs')})`

/** What account `@id` was like before each run that changed or removed it, the latest first; by run, because that is what both have an index over. */
export const accountAttributes = `select before, result, at from (
  select r.id, c.before -> 'attrs' before, r.result_id result, r.queued_at at
    from task_result r cross join change c on c.run = r.id and c.object = 'account' and c.object_id = @id
  union all select r.id, v.value -> ${attrsAt}, r.result_id, r.queued_at
    from task_result r cross join removed p on p.run = r.id and p.object = 'account' and p.first <= @id and p.last >= @id
      and ${tell('r.id')} cross join json_each(p.images) v on v.value ->> 0 = @id)
  order by id desc`
