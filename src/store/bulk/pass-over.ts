import { type PlanChange, unitOf } from '../../model/plan-change.ts'
import type { Database } from '../database.ts'
import { planCounts } from './figures.ts'
import { spellOut } from './plain.ts'
import { planChanges } from './plan-changes.ts'

/** A record that cannot be applied: the step that it stands in, and its number there. */
export interface PassedOver {
  readonly step: string
  readonly id: number
}

/** What the plan loses with it. */
export interface Loss {
  /** As a plan names it. */
  readonly item: string
  readonly changes: readonly PlanChange[]
  readonly counts: Readonly<Record<string, number>>
}

interface Way {
  /** The account's name; of row `@id` of the step. */
  readonly key: string
  /** Units of the plan that go with it. */
  readonly units: readonly string[]
  /** What makes the stage a plan without it; whoever else names an identity that it would have made makes it instead. */
  readonly without: readonly string[]
}

const ofRow = 'select coalesce(s.shown, s.native) from st.s s where s.id = @id'
const ofAccount = 'select coalesce(a.shown, a.native) from account a where a.id = @id'
const row = 'select sid from st.act where account_id = @id'

const ways: Readonly<Record<string, Way>> = {
  create: {
    key: ofRow,
    units: ['account', 'link'],
    without: [
      'delete from st.gd where account_id in (select account_id from st.act where sid = @id)',
      'delete from st.link where sid = @id',
      'update st.link set maker = (select min(o.sid) from st.link o where o.maker = @id) where maker = @id',
      `update st.act set kind = 'reject' where sid = @id and kind in ('create', 'replaced')`,
    ],
  },
  change: {
    key: ofAccount,
    units: ['account', 'link'],
    without: [
      'delete from st.gd where account_id = @id',
      // an identity that was made for it already keeps its account
      `delete from st.link where sid in (${row}) and maker is null`,
      `update st.act set kind = 'reject' where account_id = @id`,
    ],
  },
  link: { key: ofRow, units: ['link'], without: ['delete from st.link where sid = @id'] },
  missing: {
    key: ofAccount,
    units: ['account'],
    without: [`update st.lost set kind = 'still' where account_id = @id`],
  },
}

/** Steps whose records can be put aside one by one, and the numbers they go by. */
export const passableSteps: ReadonlySet<string> = new Set(Object.keys(ways))

/** What the attached plan loses with this record. The stage stays as it is: it follows the checkpoint, never the other way round. */
export function lossOf(
  db: Database,
  application: { readonly id: number; readonly name: string },
  passed: PassedOver,
): Loss {
  const way = wayOf(passed)
  const key = `${application.name}:${db.statement(way.key).pluck().get({ id: passed.id }) as string}`
  const units = new Set(way.units.map((unit) => `${unit} ${key}`))
  db.exec('savepoint passing')
  try {
    // what is there does not matter to the difference
    const before = planCounts(db, application.id, 0)
    const changes = [...planChanges(db, application.name)].filter((change) => units.has(unitOf(change)))
    passOver(db, passed)
    const after = planCounts(db, application.id, 0)
    const lost = Object.entries(before).map(([name, count]) => [name, count - (after[name] ?? 0)] as const)
    return { item: key, changes, counts: Object.fromEntries(lost.filter(([, count]) => count !== 0)) }
  } finally {
    db.exec('rollback to passing; release passing')
  }
}

/** Makes the attached stage a plan without the record; doing it twice changes nothing. */
export function passOver(db: Database, passed: PassedOver): void {
  spellOut(db)
  for (const sql of wayOf(passed).without) db.statement(sql).run({ id: passed.id })
}

function wayOf({ step }: PassedOver): Way {
  const way = ways[step]
  if (way === undefined) throw new Error(`nothing is put aside in ${step}`)
  return way
}
