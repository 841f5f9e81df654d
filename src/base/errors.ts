import type { Code } from './codes.ts'

/** Where in a file something is: lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

export interface ErrorDetails {
  readonly code: Code
  /** The next thing to type or to change. */
  readonly hint?: string | undefined
  readonly place?: Place | undefined
  readonly cause?: unknown
}

/** Every error with a message meant for people; `code` can be explained (`iqtask explain IQ1004`). */
export abstract class IqtaskError extends Error {
  readonly code: Code
  readonly hint: string | undefined
  readonly place: Place | undefined

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code
    this.hint = details.hint
    this.place = details.place
  }
}

/** The user can mend it: a name, a file, a setting. Printed without a stack; exit code 2. */
export class UserError extends IqtaskError {}

/** The other system failed; `temporary` says whether trying again may help. */
export class ConnectorError extends IqtaskError {
  readonly temporary: boolean

  constructor(message: string, details: ErrorDetails & { readonly temporary?: boolean }) {
    super(message, details)
    this.temporary = details.temporary ?? false
  }
}

/** This item only: counted, kept as a reject; the run goes on until its limit. */
export class ItemError extends IqtaskError {
  readonly item: string

  constructor(message: string, item: string, details: ErrorDetails) {
    super(message, details)
    this.item = item
  }
}

/** Code of the project's own failed while it ran. Exit code 1. */
export class ExecutorError extends IqtaskError {}

/** A guard stopped the plan; nothing was changed. Exit code 4. */
export class GuardError extends IqtaskError {}

/** Somebody else holds it. Exit code 5. */
export class BusyError extends IqtaskError {}

/** The store is damaged, foreign or newer than the tool. Exit code 6. */
export class StoreError extends IqtaskError {}

/** The run was told to stop (signal, `stop`, timeout): ends `terminated`. */
export class AbortError extends IqtaskError {}
