import type { Generated } from 'kysely'

/** The tables of notifications; the others are in `schema.ts`. */
export interface TaskHealthRow {
  task: string
  failing_since: string | null
  missed: Generated<number>
  crc: Generated<number>
}

export interface PrunedRow {
  run: number
  what: string
  crc: Generated<number>
}

export interface OutboxTableRow {
  id: Generated<number>
  message_id: string
  run: number
  event: string
  channel: string
  digest: string | null
  batch: number | null
  payload: string
  state: Generated<string>
  attempts: Generated<number>
  next_at: string
  claimed_until: string | null
  error: string | null
  created_at: string
  ended_at: string | null
  crc: Generated<number>
}
