import { createHash } from 'node:crypto'
import type { ChangeFigures } from '../model/plan-figures.ts'
import { itemFigures } from '../model/planned-item.ts'
import type { Pause } from './bulk/steps.ts'
import type { Database } from './database.ts'
import { chosen, fromOf, rowsOf, toldSteps, type UndoRow, undoRows } from './undo-changes.ts'
import type { UndoStep } from './undo-steps.ts'

export interface UndoCounts {
  readonly accountsRemoved: number
  readonly accountsRestored: number
  readonly identitiesRemoved: number
  readonly identitiesRestored: number
  readonly entitlementsRemoved: number
  readonly entitlementsRestored: number
}

export function countsOf(db: Database, target: number): UndoCounts {
  const sum = (object: UndoStep['object'], removed: boolean): number =>
    toldSteps
      .filter((step) => step.object === object && (step.does === 'remove') === removed)
      .reduce((all, step) => all + countOf(db, step, target), 0)
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
  /** SHA-256 (hex) over what changes. */
  readonly hash: string
  /** By guard. */
  readonly changes: Readonly<Record<string, ChangeFigures>>
}

export async function figuresOf(db: Database, target: number, pause: Pause): Promise<UndoFigures> {
  const hash = createHash('sha256')
  for (const step of massRemovals)
    for (const lines of removedLines(db, step, target)) {
      hash.update(`${step.name}\n${lines}\n`)
      await pause()
    }
  function* items() {
    for (const step of massRemovals) yield* heads(db, step, target)
    for (const row of rowsOf(db, target, otherSteps)) {
      hash.update(JSON.stringify(row.changes))
      yield row
    }
  }
  const changes = itemFigures(items())
  return { hash: hash.digest('hex'), changes }
}

/** What is hashed of an object that goes: its key and all that a plan would show of it. An account's content hash stands for its values. */
const lines: Partial<Record<UndoStep['object'], string>> = {
  account: `select a.id, json_array(p.name, coalesce(a.shown, a.native), hex(a.hash), a.state, n.name) line
    from account a cross join application p on p.id = a.application_id left join identity n on n.id = a.identity_id where a.id`,
  identity: 'select i.id, json_array(i.name, i.status, i.attrs) line from identity i where i.id',
}

/** A first aggregation made all that is there: its objects are not looked at one by one. */
const massRemovals = toldSteps.filter((step) => step.does === 'remove' && lines[step.object] !== undefined)
const otherSteps = toldSteps.filter((step) => !massRemovals.includes(step))

function* removedLines(db: Database, step: UndoStep, target: number): Generator<string> {
  const next = db.statement(`select max(id) last, group_concat(line, char(10)) lines from
    (${lines[step.object]} in (select ${step.id} ${fromOf(step)} and ${step.id} > @after order by ${step.id} limit 10000) order by 1)`)
  for (let after = 0; ; ) {
    const { last, lines } = next.get({ target, after }) as { readonly last: number | null; readonly lines: string }
    if (last === null) return
    yield lines
    after = last
  }
}

/** The first ten, and one for all others. */
function* heads(db: Database, step: UndoStep, target: number): Generator<UndoRow & { readonly alike: number }> {
  const count = countOf(db, step, target)
  const ids = chosen(db, step, target, 0, 11)
  for (const row of undoRows(db, step, target, ids)) yield { ...row, alike: row.id === ids[10] ? count - 10 : 1 }
}
