import type { Code } from '../base/codes.ts'
import type { PlanChangeKind, PlanObject } from './plan-change.ts'

export const runStatuses = [
  'queued',
  'running',
  'success',
  'warning',
  'error',
  'terminated',
  'skipped',
  'missed',
] as const
export type RunStatus = (typeof runStatuses)[number]

export const triggers = ['manual', 'schedule', 'sequence', 'api'] as const
export type Trigger = (typeof triggers)[number]

export type MessageLevel = 'info' | 'warning' | 'error'

export interface Message {
  readonly level: MessageLevel
  readonly code: Code
  readonly text: string
  readonly item?: string | undefined
}

/** Whole numbers by name; what a name means is said once per executor. */
export type Counts = Readonly<Record<string, number>>

/** How sure a read is that it saw everything (domain: `partial` never leads to a delete). */
export const evidenceLevels = ['complete', 'stable', 'partial'] as const
export type EvidenceLevel = (typeof evidenceLevels)[number]

export interface Evidence {
  readonly level: EvidenceLevel
  /** Why: `sha256`, `rows`, `trailer`, `minRows`, `unchanged while read`, … */
  readonly reason: string
  /** SHA-256 (hex) of what was read. */
  readonly digest?: string | undefined
  /** SHA-256 (hex) of its length and its first bytes, where it is one file: for the next read, and shown nowhere. */
  readonly beginning?: string | undefined
}

/** A row that was left out, with everything needed to find and mend it. The fragment is redacted before it gets here. */
export interface Reject {
  readonly code: Code
  readonly reason: string
  readonly file: string
  readonly line?: number | undefined
  readonly column?: string | undefined
  readonly native?: string | undefined
  readonly fragment?: string | undefined
}

export type GuardVerdictKind = 'passed' | 'tripped' | 'allowed' | 'off' | 'warning'

export interface GuardVerdict {
  readonly guard: string
  readonly application: string
  readonly value: number
  readonly limit: number
  readonly verdict: GuardVerdictKind
  /** One sentence with the figures; the first items that the plan would touch. */
  readonly text: string
  readonly first: readonly string[]
}

/** Why a planned change is not made. */
export const leftOutReasons = ['forbidden', 'notAccepted', 'quarantined'] as const

/** Changes of one kind that were planned and left out, with the first ten keys. */
export interface LeftOut {
  readonly section: string
  readonly reason: (typeof leftOutReasons)[number]
  readonly kind: PlanChangeKind
  readonly object: PlanObject
  readonly count: number
  readonly first: readonly string[]
}
