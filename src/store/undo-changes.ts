import type { Json, JsonObject } from '../base/json.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { Database } from './database.ts'
import { accountNow } from './images.ts'
import { left, type UndoStep, undoSteps } from './undo-steps.ts'

/** One object that an undo changes. */
export interface UndoRow {
  readonly step: UndoStep
  readonly id: number
  readonly key: string
  readonly changes: readonly PlanChange[]
}

interface Found {
  readonly id: number
  readonly key: string
  /** As it is, and as it is to be; JSON. */
  readonly now: string | null
  readonly then: string | null
  /** Who an account belongs to now. */
  readonly ownerId?: number | null
  readonly owner?: string | null
}

/** The steps as a plan tells them: each object once. */
export const toldSteps = undoSteps.map((step) =>
  step.told === undefined ? step : { ...step, from: `${step.from} and ${step.told}` },
)

/** Each object that changes. */
export function* rowsOf(db: Database, target: number, steps = toldSteps): Generator<UndoRow> {
  const names = namesOf(db, target)
  for (const step of steps)
    for (let after: number | undefined = 0; after !== undefined; ) {
      const ids = chosen(db, step, target, after, 1000)
      yield* undoRows(db, step, target, ids, names)
      after = ids.at(-1)
    }
}

export const fromOf = ({ object, id, from }: UndoStep): string => `from ${from} and ${id} not in ${left(object)}`

/** The next numbers of a step. */
export const chosen = (db: Database, step: UndoStep, target: number, after: number, size: number): number[] =>
  db
    .statement(`select ${step.id} ${fromOf(step)} and ${step.id} > @after order by ${step.id} limit @size`)
    .pluck()
    .all({ target, after, size }) as number[]

/** What becomes of these objects, in the words of a plan. */
export function* undoRows(
  db: Database,
  step: UndoStep,
  target: number,
  ids: readonly number[],
  names = namesOf(db, target),
): Generator<UndoRow> {
  const rows = db.statement(queries[step.object]).all({ target, ids: JSON.stringify(ids) }) as Found[]
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const id of ids) {
    const row = byId.get(id)
    if (row === undefined) throw new Error(`undo: ${step.object} ${id} of run ${target} is not there`)
    const change = { object: step.object, key: row.key, field: null }
    const owned = (one: JsonObject): Json => {
      const known = one.identity != null && one.identity === row.ownerId ? row.owner : undefined
      return known ?? names.identity(one.identity)
    }
    const image = (text: string | null): JsonObject =>
      shown[step.object](JSON.parse(text ?? '{}') as JsonObject, names, owned)
    if (step.does === 'remove')
      yield { step, id, key: row.key, changes: [{ ...change, kind: 'end', before: image(row.now), after: null }] }
    else if (step.does === 'return')
      yield { step, id, key: row.key, changes: [{ ...change, kind: 'create', before: null, after: image(row.then) }] }
    else yield { step, id, key: row.key, changes: [...differences(step, row, image(row.now), image(row.then))] }
  }
}

/** By the key of the table, once for each: a list that is joined with itself is walked through for every id in it. */
const image = (object: string): string =>
  `left join temp.image b on b.run = @target and b.object = '${object}' and b.object_id = k.value`

/** Keys and states of what is there, and of what is to come back. */
const queries: Readonly<Record<UndoStep['object'], string>> = {
  account: `select k.value id, (select name from application p where p.id = coalesce(a.application_id, b.before ->> 'application')) || ':' ||
      coalesce(a.shown, a.native, b.before ->> 'shown', b.before ->> 'native') key, iif(a.id is null, null, ${accountNow}) now, b.before "then",
      n.id ownerId, n.name owner
    from json_each(@ids) k ${image('account')}
      left join account a on a.id = k.value left join identity n on n.id = a.identity_id`,
  identity: `select k.value id, coalesce(i.name, b.before ->> 'name') key, json_object('name', i.name, 'status', i.status, 'attrs', json(i.attrs)) now,
      b.before "then" from json_each(@ids) k ${image('identity')}
      left join identity i on i.id = k.value`,
  entitlement: `select k.value id, (select name from application p where p.id = coalesce(e.application_id, b.before ->> 'application')) || ':' ||
      coalesce(e.attribute || ':' || e.value, (b.before ->> 'attribute') || ':' || (b.before ->> 'value')) key,
      json_object('display', e.display, 'description', e.description, 'owner', e.owner, 'state', e.state, 'tags', json(e.tags)) now, b.before "then"
    from json_each(@ids) k ${image('entitlement')}
      left join entitlement e on e.id = k.value`,
}

export interface Names {
  identity(id: Json | undefined): Json
  entitlement(id: Json | undefined): readonly [attribute: string, value: string]
}

/** Also of objects that are not there yet: their images have them. */
export function namesOf(db: Database, target: number): Names {
  const identity = db.statement(
    `select coalesce((select name from identity where id = @id), (select before ->> 'name' from temp.image where run = @target and object = 'identity' and object_id = @id))`,
  )
  const entitlement = db.statement(
    `select attribute, value from entitlement where id = @id union all
      select before ->> 'attribute', before ->> 'value' from temp.image where run = @target and object = 'entitlement' and object_id = @id limit 1`,
  )
  const known = new Map<Json | undefined, readonly [string, string]>()
  return {
    identity: (id) => (id == null ? null : (identity.pluck().get({ id, target }) as string)),
    entitlement(id) {
      const name = known.get(id) ?? (entitlement.raw().get({ id, target }) as [string, string])
      known.set(id, name)
      return name
    },
  }
}

const shown: Readonly<
  Record<UndoStep['object'], (image: JsonObject, names: Names, owned: (image: JsonObject) => Json) => JsonObject>
> = {
  account: (image, names, owned) => {
    const flags = Number(image.flags)
    const grants = (image.grants ?? []) as (readonly [number, number, number | null])[]
    return {
      nativeIdentity: image.shown ?? image.native ?? null,
      displayName: image.display ?? null,
      uuid: image.uuid ?? null,
      use: image.use ?? null,
      owner: image.owner ?? null,
      state: image.state ?? null,
      disabled: (flags & 1) !== 0,
      locked: (flags & 2) !== 0,
      times: image.times ?? null,
      identity: owned(image),
      attributes: image.attrs ?? {},
      grants: grants
        .filter(([, , until]) => until === null)
        .map(([id]) => names.entitlement(id).join(':'))
        .sort(),
    }
  },
  identity: (image) => ({ status: image.status ?? null, attributes: image.attrs ?? {} }),
  entitlement: ({ display, description, owner, state, tags }) => ({
    displayName: display ?? null,
    description: description ?? null,
    owner: owner ?? null,
    state: state ?? null,
    tags: tags ?? [],
  }),
}

function* differences({ object }: UndoStep, { key }: Found, now: JsonObject, then: JsonObject): Generator<PlanChange> {
  const changed = (field: string, before: Json | undefined, after: Json | undefined): PlanChange[] => {
    if (JSON.stringify(before ?? null) === JSON.stringify(after ?? null)) return []
    return [{ kind: kindOf(field, after), object, key, field, before: before ?? null, after: after ?? null }]
  }
  for (const field of Object.keys(then)) {
    if (field === 'grants') yield* grantsOf(key, now, then)
    else if (field !== 'attributes') yield* changed(field, now[field], then[field])
    else {
      const [before, after] = [now.attributes as JsonObject, then.attributes as JsonObject]
      for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort())
        yield* changed(`attributes.${name}`, before[name], after[name])
    }
  }
}

function kindOf(field: string, after: Json | undefined): PlanChange['kind'] {
  if (field === 'disabled') return after === true ? 'disable' : 'enable'
  return field === 'state' && after === 'gone' ? 'end' : 'change'
}

function* grantsOf(key: string, now: JsonObject, then: JsonObject): Generator<PlanChange> {
  const [before, after] = [now.grants as string[], then.grants as string[]]
  const split = (grant: string): [string, string] => [
    grant.slice(0, grant.indexOf(':')),
    grant.slice(grant.indexOf(':') + 1),
  ]
  for (const grant of before.filter((one) => !after.includes(one)))
    yield { kind: 'remove', object: 'grant', key, field: split(grant)[0], before: split(grant)[1], after: null }
  for (const grant of after.filter((one) => !before.includes(one)))
    yield { kind: 'add', object: 'grant', key, field: split(grant)[0], before: null, after: split(grant)[1] }
}
