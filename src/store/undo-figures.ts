import { createHash } from 'node:crypto'
import type { ChangeFigures } from '../model/plan-figures.ts'
import { itemFigures } from '../model/planned-item.ts'
import type { Pause } from './bulk/steps.ts'
import type { Database } from './database.ts'
import { chosen, fromOf, rowsOf, toldSteps, type UndoRow, undoRows } from './undo-changes.ts'
import { left, type UndoStep } from './undo-steps.ts'

export interface UndoCounts {
  readonly accountsRemoved: number
  readonly accountsRestored: number
  readonly identitiesRemoved: number
  readonly identitiesRestored: number
  readonly entitlementsRemoved: number
  readonly entitlementsRestored: number
}

/** How many objects each step changes. */
type Steps = ReadonlyMap<UndoStep, number>

export const countsOf = (db: Database, target: number): UndoCounts =>
  summed(new Map(toldSteps.map((step) => [step, countOf(db, step, target)])))

function summed(steps: Steps): UndoCounts {
  const sum = (object: UndoStep['object'], removed: boolean): number =>
    [...steps]
      .filter(([step]) => step.object === object && (step.does === 'remove') === removed)
      .reduce((all, [, count]) => all + count, 0)
  return {
    accountsRemoved: sum('account', true),
    accountsRestored: sum('account', false),
    identitiesRemoved: sum('identity', true),
    identitiesRestored: sum('identity', false),
    entitlementsRemoved: sum('entitlement', true),
    entitlementsRestored: sum('entitlement', false),
  }
}

const countOf = (db: Database, step: UndoStep, target: number): number =>
  Number(
    db
      .statement(`select count(*) ${fromOf(step)}`)
      .pluck()
      .get({ target }),
  )

export interface UndoFigures {
  readonly counts: UndoCounts
  /** SHA-256 (hex) over what changes. */
  readonly hash: string
  /** By guard. */
  readonly changes: Readonly<Record<string, ChangeFigures>>
  /** The run made all accounts and identities that there are, all of them go, and nothing touched them since. */
  readonly whole: boolean
}

/** Each object is looked at once. */
export async function figuresOf(db: Database, target: number, pause: Pause): Promise<UndoFigures> {
  const hash = createHash('sha256')
  const steps = new Map<UndoStep, number>()
  let touched = db.statement('select 1 from temp.image where run = ? limit 1').get(target) !== undefined
  const count = (step: UndoStep, more: number): void => void steps.set(step, (steps.get(step) ?? 0) + more)
  for (const step of massRemovals)
    for (const { objects, lines, changed } of removedLines(db, step, target)) {
      hash.update(`${step.name}\n`).update(lines).update('\n')
      count(step, objects)
      touched ||= changed !== target
      await pause()
    }
  const isAll = massRemovals.every((step) => (steps.get(step) ?? 0) === there(db, step.object))
  const whole = isAll && !touched && steps.size > 0
  function* items() {
    for (const step of massRemovals) yield* heads(db, step, target, steps.get(step) ?? 0)
    for (const row of rowsOf(db, target, whole ? otherSteps.map(usedByNobody) : otherSteps)) {
      hash.update(JSON.stringify(row.changes))
      count(row.step, 1)
      yield row
    }
  }
  const changes = itemFigures(items())
  return { counts: summed(steps), hash: hash.digest('hex'), changes, whole }
}

/** What is hashed of an object that goes: its key and all that a plan would show of it. An account's content hash stands for its values. */
const lines: Partial<Record<UndoStep['object'], { readonly line: string; readonly from: string }>> = {
  account: {
    line: 'json_array(p.name, coalesce(x.shown, x.native), hex(x.hash), x.state, n.name)',
    from: 'account x cross join application p on p.id = x.application_id left join identity n on n.id = x.identity_id',
  },
  identity: { line: 'json_array(x.name, x.status) || x.attrs', from: 'identity x' },
}

/** A first aggregation made all that is there: its objects are not looked at one by one. */
const massRemovals = toldSteps.filter((step) => step.does === 'remove' && lines[step.object] !== undefined)
const otherSteps = toldSteps.filter((step) => !massRemovals.includes(step))

/** Where all accounts go, nobody uses what is in the catalogue. */
const usedByNobody = (step: UndoStep): UndoStep =>
  step.name === 'remove entitlements' ? { ...step, from: 'entitlement where created_run = @target' } : step

const there = (db: Database, object: UndoStep['object']): number =>
  Number(db.statement(`select count(*) from ${object}`).pluck().get())

interface Lines {
  readonly objects: number
  /** The run that was the last to change one of them. */
  readonly changed: number
  readonly lines: Buffer
}

function* removedLines(db: Database, { object }: UndoStep, target: number): Generator<Lines> {
  const { line, from } = lines[object] as { readonly line: string; readonly from: string }
  const next =
    db.statement(`select max(id) last, count(*) objects, max(changed_run) changed, cast(group_concat(line, char(10)) as blob) lines from
    (select x.id, x.changed_run, ${line} line from ${from} where x.created_run = @target and x.id not in ${left(object)} and x.id > @after order by x.id limit 10000)`)
  for (let after = 0; ; ) {
    const { last, ...found } = next.get({ target, after }) as Lines & { readonly last: number | null }
    if (last === null) return
    yield found
    after = last
  }
}

/** The first ten, and one for all others. */
function* heads(
  db: Database,
  step: UndoStep,
  target: number,
  count: number,
): Generator<UndoRow & { readonly alike: number }> {
  const ids = chosen(db, step, target, 0, 11)
  for (const row of undoRows(db, step, target, ids)) yield { ...row, alike: row.id === ids[10] ? count - 10 : 1 }
}
