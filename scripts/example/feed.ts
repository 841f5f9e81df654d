/** An account as a feed tells it, with what the tool is expected to make of it. */
export interface PlannedAccount {
  readonly native: string
  readonly uuid?: string
  /** Everything about it but what it holds: equal text, unchanged account. */
  readonly content: string
  /** `attribute:value` */
  readonly grants: readonly string[]
  readonly owner: PlannedOwner
}

/**
 * `creates`: an identity is made for it; `person`: a rule finds one; `moved`: the rule finds somebody else than before; `movedAsk`: the same
 * where only a person may move it; `question`: nobody can be told; `ambiguous`: several are found; `nobody`: no rule finds anybody.
 */
export type PlannedOwner = 'creates' | 'person' | 'moved' | 'movedAsk' | 'question' | 'ambiguous' | 'nobody'

export interface PlannedEntry {
  readonly value: string
  /** Everything about it but what it gives. */
  readonly content: string
  readonly gives: readonly string[]
}

/** One application's files of one night. */
export interface Feed {
  readonly application: string
  readonly files: Readonly<Record<string, Buffer>>
  readonly rows: number
  readonly rejected: number
  /** Rejected rows whose account is known: it is neither changed nor missing. */
  readonly rejectedAccounts: readonly string[]
  /** A rejected row may be any account, so that none that is absent ends. */
  readonly untrusted: boolean
  /** The read proves itself whole. */
  readonly proven: boolean
  readonly grantsRejected: number
  readonly accounts: readonly PlannedAccount[]
  /** The file says that they end, the application that they never do. */
  readonly isProtected: (native: string) => boolean
  readonly catalogue?: {
    readonly attribute: string
    readonly entries: readonly PlannedEntry[]
    /** Steps of the hierarchy that cannot be kept. */
    readonly refused: number
  }
  /** What was planted, one line each. */
  readonly planted: readonly string[]
}

/** What most feeds do not have. */
export const plainFeed = {
  rejected: 0,
  rejectedAccounts: [],
  untrusted: false,
  grantsRejected: 0,
  isProtected: () => false,
} as const

export const textOf = (...parts: readonly unknown[]): string => JSON.stringify(parts)
