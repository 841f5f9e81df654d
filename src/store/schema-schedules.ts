import type { Generated } from 'kysely'

/** Tables of schedules, as `schema.ts` has the others. */
export interface ScheduleRow {
  id: string
  since: string
  paused_at: string | null
  paused_until: string | null
  crc: Generated<number>
  timing: string | null
}

export interface ScheduleFireRow {
  schedule: string
  nominal: string
  run: number | null
  at: string
  outcome: string
  crc: Generated<number>
}
