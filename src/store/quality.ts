import type { Quality } from '../model/quality.ts'
import { confusableNames } from '../model/quality.ts'
import { standingAccounts } from './bulk/alive.ts'
import type { Database } from './database.ts'

/** So many accounts tell as much as all of them would, in a moment. */
const sampleSize = 5_000
const mostShown = 3
/** An attribute whose values nearly all differ is meant to tell accounts apart. */
const keyShare = 0.9

interface AttributeRow {
  readonly attribute: string
  readonly filled: number
  readonly different: number
  readonly beyond: number
}

/**
 * What the result before the run said, where nothing came between and the run changed no account of the application: undefined where that
 * cannot be told.
 */
export function qualityBefore(db: Database, run: number, application: string): Quality | undefined {
  const row = db
    .statement(
      `select r.quality -> @application quality from task_result r
       where r.id = (select max(id) from task_result where id < @run and dry_run = 0)
         and not exists (select 1 from task_result o where o.id not in (r.id, @run) and o.dry_run = 0
           and (o.status in ('queued', 'running') or o.ended_at >= r.ended_at))
         and not exists (select 1 from task_section s, json_each(s.counts) c where s.run = @run and s.name = @application
           and c.value <> 0 and c.key not in ('read', 'filtered', 'rejected', 'unchanged', 'correlated', 'uncorrelated'))`,
    )
    .get({ run, application }) as { quality: string | null } | undefined
  return row?.quality == null ? undefined : (JSON.parse(row.quality) as Quality)
}

/** The next odd prime: what comes round in a source comes round in other steps. */
function stepOf(atLeast: number): number {
  if (atLeast < 2) return 1
  const isPrime = (n: number): boolean => {
    for (let by = 3; by * by <= n; by += 2) if (n % by === 0) return false
    return true
  }
  let step = atLeast | 1
  while (!isPrime(step)) step += 2
  return step
}

/** Accounts whose number is one of these. */
const steps = (step: number, top: number): string =>
  `(with recursive n(id) as (select ${step} union all select id + ${step} from n where id + ${step} <= ${top}) select id from n) n cross join account a on a.id = n.id`

/** What is remarkable about the accounts of an application as they stand; by an even sample where there are many. Undefined without accounts. */
export function qualityOf(db: Database, applicationId: number): Quality | undefined {
  const accounts = standingAccounts(db, applicationId)
  if (accounts === 0) return undefined
  const step = stepOf(Math.floor(accounts / sampleSize))
  const top = Number(db.statement('select max(id) from account').pluck().get())
  // numbers are looked up one by one, unless most of those that there are belong to others
  const numbers = top / step <= 4 * sampleSize ? steps(step, top) : 'account a'
  const picked = db
    .statement(
      `select json_group_array(a.id) from ${numbers} where a.application_id = ? and a.retired = 0 and a.id % ${step} = 0`,
    )
    .pluck()
    .get(applicationId)
  const sample = `with picked as materialized (select attrs, display from account where state <> 'gone' and id in (select value from json_each(?)))`
  const all = (sql: string, ...values: unknown[]) => db.statement(`${sample} ${sql}`).all(picked, ...values)
  const date = `j.value glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' and (j.value < '1900' or j.value >= '2100')`
  const rows = all(`select j.key attribute, count(*) filled, count(distinct j.value) different, sum(${date}) beyond
    from picked, json_each(picked.attrs) j group by j.key order by j.key`) as AttributeRow[]
  const names = (all('select distinct display name from picked where display is not null') as { name: string }[]).map(
    (row) => row.name,
  )
  const [{ sampled }] = all('select count(*) sampled from picked') as [{ sampled: number }]
  const first = (sql: string, attribute: string): string[] =>
    (
      all(
        `select j.value value from picked, json_each(picked.attrs) j where j.key = ? ${sql} limit ${mostShown}`,
        attribute,
      ) as { value: unknown }[]
    ).map((row) => String(row.value))
  return {
    accounts,
    sampled,
    empty: Object.fromEntries(
      rows
        .filter((row) => row.filled < sampled)
        .map(({ attribute, filled }) => [attribute, Math.round((1 - filled / sampled) * 10_000) / 10_000]),
    ),
    sharedKeys: rows
      .filter(({ filled, different }) => different < filled && different >= keyShare * filled)
      .map(({ attribute, filled, different }) => ({
        attribute,
        count: filled - different,
        first: first('group by j.value having count(*) > 1', attribute),
      })),
    datesBeyondReason: rows
      .filter((row) => row.beyond > 0)
      .map(({ attribute, beyond }) => ({ attribute, count: beyond, first: first(`and ${date}`, attribute) })),
    confusableNames: confusableNames(names),
  }
}
