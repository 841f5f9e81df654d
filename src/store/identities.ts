import { UserError } from '../base/errors.ts'
import type { IdentityDocument } from '../model/documents.ts'
import type { TraceIdentity } from '../model/rule-trace.ts'
import type { Value } from '../model/value.ts'
import type { Database } from './database.ts'
import { createIdentityEdits, type IdentityEdits } from './identity-edits.ts'
import { hintForIdentity, identitiesBeginning } from './near.ts'

export interface IdentityFilter {
  readonly status?: string | undefined
  /** Part of the name or of any attribute's value, without case. */
  readonly text?: string | undefined
}

export interface Identities extends IdentityEdits {
  count(filter: IdentityFilter): number
  /** By name. */
  find(filter: IdentityFilter, limit?: number): IterableIterator<IdentityDocument>
  /** @throws UserError IQ1006 */
  get(name: string): IdentityDocument
  /** Names that begin so; for completion. */
  beginning(typed: string, limit: number): string[]
  /** All of them, as correlation sees them; by number. */
  values(): IterableIterator<TraceIdentity>
  originOf(name: string): IdentityOrigin
}

/** The runs that made it and last changed it, and where its values come from. */
export interface IdentityOrigin {
  readonly application: string | null
  /** By attribute: the application whose value it is. */
  readonly sources: Readonly<Record<string, string>>
  readonly createdBy: string | null
  readonly createdAt: string | null
  readonly changedBy: string | null
  readonly changedAt: string | null
}

const select = 'select i.*, m.name manager from identity i left join identity m on m.id = i.manager_id'

export function createIdentities(db: Database): Identities {
  return {
    ...createIdentityEdits(db),
    count: (filter) => {
      const { where, values } = conditions(filter)
      return Number(db.statement(`select count(*) from identity i ${where}`).pluck().get(values))
    },
    *find(filter, limit) {
      const { where, values } = conditions(filter)
      const rows = db
        .statement(`${select} ${where} order by i.name limit @limit`)
        .iterate({ ...values, limit: limit ?? -1 })
      for (const row of rows) yield document(db, row as Row)
    },
    beginning: (typed, limit) => identitiesBeginning(db, typed, limit),
    get(name) {
      const row = db.statement(`${select} where i.name = ?`).get(name) as Row | undefined
      if (row !== undefined) return document(db, row)
      throw new UserError(`there is no identity ${JSON.stringify(name)}`, {
        code: 'IQ1006',
        hint: hintForIdentity(db, name),
      })
    },
    *values() {
      const rows = db.statement('select name, status, attrs, sources from identity order by id').iterate()
      for (const { name, status, attrs, sources } of rows as IterableIterator<Record<string, string>>)
        yield {
          name: String(name),
          status: String(status),
          attributes: JSON.parse(String(attrs)) as Record<string, unknown>,
          sources: JSON.parse(String(sources)) as Record<string, string>,
        }
    },
    originOf(name) {
      const row = db
        .statement(
          `select p.name application, i.sources, c.result_id createdBy, c.queued_at createdAt, l.result_id changedBy, l.queued_at changedAt
             from identity i left join application p on p.id = i.application_id left join task_result c on c.id = i.created_run
             left join task_result l on l.id = i.changed_run where i.name = ?`,
        )
        .get(name) as Omit<IdentityOrigin, 'sources'> & { sources: string }
      return { ...row, sources: JSON.parse(row.sources) as Record<string, string> }
    },
  }
}

type Row = Record<string, string | number | null>

function conditions(filter: IdentityFilter): { where: string; values: Record<string, string> } {
  const parts: string[] = []
  const values: Record<string, string> = {}
  if (filter.status !== undefined) {
    parts.push('i.status = @status')
    values.status = filter.status
  }
  if (filter.text !== undefined) {
    parts.push(
      `(instr(lower(i.name), @text) or exists (select 1 from json_each(i.attrs) v where instr(lower(v.value), @text)))`,
    )
    values.text = filter.text.normalize('NFC').toLowerCase()
  }
  return { where: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values }
}

function document(db: Database, row: Row): IdentityDocument {
  return {
    schema: 'iqtask/Identity/1',
    name: String(row.name),
    type: String(row.type),
    status: String(row.status),
    manager: row.manager === null ? null : String(row.manager),
    attributes: JSON.parse(String(row.attrs)) as Record<string, Value>,
    accounts: db
      .statement(
        `select p.name application, coalesce(a.shown, a.native) nativeIdentity from account a join application p on p.id = a.application_id
           where a.identity_id = ? and a.state <> 'gone' and a.retired = 0 order by 1, 2`,
      )
      .all(row.id) as IdentityDocument['accounts'],
    roles: [],
  }
}
