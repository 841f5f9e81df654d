import { UserError } from '../base/errors.ts'
import type { EntitlementDocument } from '../model/documents.ts'
import type { Database } from './database.ts'
import { createEntitlementEdits, type EntitlementEdits } from './entitlement-edits.ts'
import { entitlementsBeginning, hintForEntitlement } from './near.ts'

export interface EntitlementFilter {
  readonly application?: string | undefined
  readonly attribute?: string | undefined
  readonly state?: string | undefined
  readonly tag?: string | undefined
  /** Part of the value, display name or description, without case. */
  readonly text?: string | undefined
}

/**
 * The catalogue: one row of `entitlement` for each application, attribute and value. `value` is compared (lower-cased where values ignore
 * case), `shown` is as first written. Display name, description, owner and state come from catalogue feeds (`bulk/catalogue-plan.ts`), `tags`
 * (a JSON list) from people: no feed touches them. `entitlement_gives` holds the hierarchy, one step a row; who holds what stands in `access`.
 */
export interface Catalogue extends EntitlementEdits {
  count(filter: EntitlementFilter): number
  /** By application, attribute and value. */
  find(filter: EntitlementFilter, limit?: number): IterableIterator<EntitlementDocument>
  /** `APPLICATION:ATTRIBUTE:VALUE`. @throws UserError IQ1006 */
  get(reference: string): EntitlementDocument
  /** Names that begin as `APPLICATION:ATTR` does; for completion. */
  beginning(reference: string, limit: number): string[]
  /** What earlier reads of the application's catalogue tell the next one; undefined before the first. */
  history(application: string): CatalogueHistory | undefined
}

export interface CatalogueHistory {
  /** What the last read selected. */
  readonly scope: string
  /** Rows of the last whole reads, latest first. */
  readonly rows: readonly number[]
  /** Described entries that are active. */
  readonly population: number
}

const from = 'from entitlement e join application p on p.id = e.application_id'
const shown = (alias: string): string => `coalesce(${alias}.shown, ${alias}.value)`
const list = (values: string): string => `(select json_group_array(value) from (${values} order by 1))`
const columns = `p.name application, e.attribute, ${shown('e')} value, e.display, e.description, e.owner, e.state, e.tags,
  e.catalogue_run is not null described,
  ${list(`select ${shown('o')} value from entitlement_gives g join entitlement o on o.id = g.given_id where g.entitlement_id = e.id`)} gives,
  ${list(`select ${shown('o')} value from entitlement_gives g join entitlement o on o.id = g.entitlement_id where g.given_id = e.id`)} given_by,
  (select count(*) from access c where c.entitlement_id = e.id and c.until is null) holders`

export function createCatalogue(db: Database): Catalogue {
  return {
    ...createEntitlementEdits(db),
    count: (filter) => {
      const { where, values } = conditions(filter)
      return Number(db.statement(`select count(*) ${from} ${where}`).pluck().get(values))
    },
    *find(filter, limit) {
      const { where, values } = conditions(filter)
      const rows = db
        .statement(`select ${columns} ${from} ${where} order by p.name, e.attribute, e.value limit @limit`)
        .iterate({ ...values, limit: limit ?? -1 })
      for (const row of rows) yield document(row as Row)
    },
    beginning: (reference, limit) => entitlementsBeginning(db, reference, limit),
    get(reference) {
      // names of applications hold no colon, attributes seldom one, values often
      const row = db
        .statement(
          `select ${columns} ${from} where p.name || ':' || e.attribute || ':' || e.value = @reference
             or p.name || ':' || e.attribute || ':' || e.shown = @reference order by p.name, e.attribute limit 1`,
        )
        .get({ reference }) as Row | undefined
      if (row !== undefined) return document(row)
      throw new UserError(`there is no entitlement ${JSON.stringify(reference)}`, {
        code: 'IQ1006',
        hint: hintForEntitlement(db, reference),
      })
    },
    history(application) {
      const reads = db
        .statement(
          `with read as (select s.run, s.name, s.facts, s.counts, s.evidence from task_section s join task_result r on r.id = s.run
             where s.name = ? and r.executor = 'entitlement-aggregation' and s.status in ('success', 'warning') and s.facts is not null)
           select facts -> 'source' ->> 'scope' scope, counts ->> 'read' - coalesce(counts ->> 'filtered', 0) rows, evidence ->> 'level' level,
             exists (select 1 from guard_verdict v where v.run = read.run and v.application = read.name and v.verdict = 'allowed'
               and v.guard in ('emptySource', 'shrunkenSource')) allowed
           from read order by run desc limit 30`,
        )
        .all(application) as { scope: string; rows: number; level: string; allowed: number }[]
      const [last] = reads
      if (last === undefined) return undefined
      const population = db
        .statement(`select count(*) ${from} where p.name = ? and e.catalogue_run is not null and e.state = 'active'`)
        .pluck()
        .get(application)
      // an allowed read starts a new history
      const since = reads.findIndex((read) => read.allowed === 1)
      const counted = since === -1 ? reads : reads.slice(0, since + 1)
      const rows = counted.filter((read) => read.level !== 'partial').map((read) => read.rows)
      return { scope: last.scope, rows, population: Number(population) }
    },
  }
}

type Row = Record<string, string | number | null>

function conditions(filter: EntitlementFilter): { where: string; values: Record<string, string> } {
  const parts: string[] = []
  const values: Record<string, string> = {}
  const add = (name: keyof EntitlementFilter, sql: string, value = filter[name]): void => {
    if (value === undefined) return
    parts.push(sql)
    values[name] = value
  }
  add('application', 'p.name = @application')
  add('attribute', 'e.attribute = @attribute')
  add('state', 'e.state = @state')
  add('tag', 'exists (select 1 from json_each(e.tags) t where t.value = @tag)')
  add(
    'text',
    '(instr(lower(coalesce(e.shown, e.value)), @text) or instr(lower(e.display), @text) or instr(lower(e.description), @text))',
    filter.text?.normalize('NFC').toLowerCase(),
  )
  return { where: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values }
}

const text = (value: string | number | null | undefined): string | null => (value == null ? null : String(value))
const texts = (json: string | number | null | undefined): string[] => JSON.parse(text(json) ?? '[]') as string[]

const document = (row: Row): EntitlementDocument => ({
  schema: 'iqtask/Entitlement/1',
  application: String(row.application),
  attribute: String(row.attribute),
  value: String(row.value),
  displayName: text(row.display),
  description: text(row.description),
  owner: text(row.owner),
  state: row.state as EntitlementDocument['state'],
  described: row.described === 1,
  tags: texts(row.tags),
  gives: texts(row.gives),
  givenBy: texts(row.given_by),
  holders: Number(row.holders),
})
