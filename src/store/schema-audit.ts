import type { Generated } from 'kysely'

/** The tables of the audit trail; the others are in `schema.ts`. */
export interface AuditRow {
  seq: Generated<number>
  at: string
  actor: string
  action: string
  object: string
  key: string
  run: string | null
  body: string
  hash: Buffer
}

export interface AuditPackRow {
  first: Generated<number>
  last: number
  since: string
  until: string
  hash: Buffer
  events: Buffer
  crc: Generated<number>
}
