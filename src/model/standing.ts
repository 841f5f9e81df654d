import type { Counts } from './result.ts'

/** How everything is, at one moment: what monitoring is told. */
export interface Standing {
  readonly version: string
  readonly storeBytes: number
  /** Notifications by state. */
  readonly outbox: Readonly<Record<'waiting' | 'sent' | 'failed', number>>
  /** By name; dry runs do not count. */
  readonly tasks: readonly {
    readonly task: string
    /** Of the last run that ended. */
    readonly endedAt: string
    readonly durationMs: number | null
    readonly exitCode: number | null
    readonly counts: Counts
    readonly succeededAt: string | null
    readonly failing: boolean
  }[]
}
