import type { JsonObject } from '../base/json.ts'
import type { InstallTarget } from './install-target.ts'
import type { NotifyEvent } from './notify-settings.ts'
import type { ProfileFacts, Proposal } from './profile-proposal.ts'
import type { Counts, Evidence, GuardVerdict, LeftOut, Message, RunStatus, Trigger } from './result.ts'
import type { RuleTrace } from './rule-trace.ts'
import type { Value } from './value.ts'

/** The JSON documents of the command line; fields are only ever added. Times are UTC ISO text, durations ms, absent is null. */
export interface TaskResultDocument {
  readonly schema: 'iqtask/TaskResult/1'
  readonly id: string
  readonly task: string
  readonly executor: string
  readonly status: RunStatus
  readonly exitCode: number | null
  readonly stoppedBy: string | null
  readonly trigger: Trigger
  readonly actor: JsonObject
  readonly host: string
  readonly pid: number
  readonly toolVersion: string
  readonly dryRun: boolean
  readonly queuedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly durationMs: number | null
  readonly arguments: JsonObject
  /** Where a run was at its last heartbeat: `section`, `phase`, `done`. */
  readonly progress: JsonObject | null
  readonly counts: Counts
  readonly sections: readonly SectionDocument[]
  readonly quality: JsonObject | null
  readonly guards: readonly GuardVerdict[]
  readonly messages: readonly Message[]
  /** Planned changes that were not made, by section, reason and kind. */
  readonly leftOut: readonly LeftOut[]
  readonly rejects: { readonly total: number; readonly byCode: Readonly<Record<string, number>> }
  readonly files: readonly { readonly path: string; readonly rows: number; readonly sha256: string }[]
  readonly children: readonly string[]
  readonly definition: { readonly text: string; readonly sha256: string; readonly git: JsonObject | null }
  /** Who was told, or has to be. */
  readonly notices: readonly NoticeDocument[]
  readonly planHash: string | null
  readonly auditSeq: number | null
  /** Who has looked at it, and what came of it. */
  readonly acknowledged: { readonly by: JsonObject; readonly at: string; readonly comment: string } | null
}

export interface NoticeDocument {
  readonly channel: string
  readonly event: NotifyEvent
  readonly state: 'waiting' | 'sent' | 'failed'
  readonly attempts: number
  /** Why it was not sent yet; when it is tried again. */
  readonly error: string | null
  readonly nextAt: string | null
}

export interface SectionDocument {
  readonly application: string
  readonly status: RunStatus
  readonly beganAt: string | null
  readonly endedAt: string | null
  readonly counts: Counts
  readonly evidence: (Evidence & { readonly age: number | null }) | null
  readonly token: string | null
  /** How many of the accounts have an owner; null for sections that read none. */
  readonly correlation: CorrelationRate | null
}

/** Shares are 0–1, rounded to four digits. */
export interface CorrelationRate {
  readonly rate: number
  /** Of the applied sections of the same application before this run, latest first, at most thirty. */
  readonly earlier: readonly number[]
}

export interface AccountDocument {
  readonly schema: 'iqtask/Account/1'
  readonly application: string
  readonly nativeIdentity: string
  readonly displayName: string | null
  readonly uuid: string | null
  readonly use: string
  readonly state: 'active' | 'missing' | 'gone'
  readonly disabled: boolean
  readonly locked: boolean
  readonly lastLogin: string | null
  readonly identity: string | null
  readonly correlation: {
    readonly by: 'rule' | 'person' | 'created' | 'none'
    readonly rule: number | null
    readonly since: string | null
    readonly unconfirmed: boolean
  }
  readonly attributes: Readonly<Record<string, Value>>
  readonly entitlements: readonly {
    readonly attribute: string
    readonly value: string
    readonly since: string | null
  }[]
}

export interface EntitlementDocument {
  readonly schema: 'iqtask/Entitlement/1'
  readonly application: string
  readonly attribute: string
  readonly value: string
  readonly displayName: string | null
  readonly description: string | null
  readonly owner: string | null
  readonly state: 'active' | 'gone'
  /** A catalogue feed described it; otherwise it is known from grants alone. */
  readonly described: boolean
  readonly tags: readonly string[]
  /** Values that whoever holds this one holds too, and those that give this one: one step each. */
  readonly gives: readonly string[]
  readonly givenBy: readonly string[]
  /** Accounts that hold it directly now. */
  readonly holders: number
}

/** An account that waits for a person (domain §4.8). */
export interface QuestionDocument {
  readonly schema: 'iqtask/Question/1'
  readonly application: string
  readonly nativeIdentity: string
  readonly displayName: string | null
  readonly kind: 'ambiguous' | 'decisive' | 'inactive' | 'sameAs' | 'moved'
  readonly code: string
  /** Number of the rule that asks, from 1. */
  readonly rule: number | null
  readonly value: string | null
  /** Names of the identities that it may be. */
  readonly candidates: readonly string[]
  readonly since: string | null
}

/** What `application profile` measured and proposes. */
export interface ProfileDocument extends ProfileFacts {
  readonly schema: 'iqtask/Profile/1'
  readonly file: string
  /** Rows that the correlation was measured on. */
  readonly sampled: number
  readonly proposal: Proposal
  /** The application's file. */
  readonly text: string
}

/** An answer from recorded facts: source, rule, run, person. */
export interface WhyDocument {
  readonly schema: 'iqtask/Why/1'
  readonly noun: 'account' | 'identity'
  readonly id: string
  readonly field: string | null
  /** One sentence. */
  readonly answer: string
  readonly facts: readonly WhyFact[]
  /** What each correlation rule looks for and finds, as things are now. */
  readonly rules: readonly RuleTrace[]
  /** The kind of the open question, where a person has to decide. */
  readonly question: string | null
}

export interface WhyFact {
  readonly text: string
  /** The run that decided, and when. */
  readonly result: string | null
  readonly at: string | null
}

export interface ScheduleDocument {
  readonly schema: 'iqtask/Schedule/1'
  readonly id: string
  readonly task: string
  readonly cron: string
  readonly timeZone: string
  /** Crontab fields in the daemon's zone. */
  readonly wakeUp: string
  readonly enabled: boolean
  /** Null: the crontab cannot be read. */
  readonly installed: boolean | null
  /** What wakes it up: crontab, cron.d, systemd. */
  readonly targets: readonly InstallTarget[]
  /** What stands there is not what the definition makes now. */
  readonly drifted: boolean
  readonly next: readonly string[]
  readonly last: {
    readonly nominal: string
    readonly outcome: 'run' | 'missed'
    readonly status: RunStatus | null
    readonly result: string | null
  } | null
  /** In the last thirty days. */
  readonly missed: number
  readonly paused: boolean
  readonly pausedUntil: string | null
  readonly averageMs: number | null
  readonly deviationMs: number | null
  /** Why the next fire is likely to find the one before it running. */
  readonly overlap: string | null
}

/** A pattern in every form. */
export interface ConversionDocument {
  readonly schema: 'iqtask/Conversion/1'
  readonly quartz: string | null
  readonly cron: string | null
  readonly kind: 'exact' | 'gate' | 'refused'
  readonly reason: string
  readonly text: string | null
  readonly timeZone: string
  readonly next: readonly string[]
}

export interface IdentityDocument {
  readonly schema: 'iqtask/Identity/1'
  readonly name: string
  readonly type: string
  readonly status: string
  readonly manager: string | null
  readonly attributes: Readonly<Record<string, Value>>
  readonly accounts: readonly { readonly application: string; readonly nativeIdentity: string }[]
  readonly roles: readonly JsonObject[]
}

export interface ListDocument<Item> {
  readonly schema: 'iqtask/List/1'
  readonly items: readonly Item[]
  readonly total: number
  readonly cursor: string | null
}

export interface ErrorDocument {
  readonly schema: 'iqtask/Error/1'
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly place: { readonly file: string; readonly line: number | null; readonly column: number | null } | null
  readonly cause: string | null
}
