import { glob } from './normalize.ts'

/** `retention:` of the configuration; ages in ms. */
export interface RetentionSettings {
  /** TaskResults with their messages, sections and verdicts. */
  readonly results: number
  readonly rejects: number
  /** Before images: as long as a run can be taken back. */
  readonly images: number
  /** Accounts, after they are gone. */
  readonly gone: number
  readonly hold: readonly LegalHold[]
}

/** Kept whatever its age: results of these tasks, these accounts (`ad:jdoe*`) and what was before every change of them. */
export interface LegalHold {
  readonly tasks: readonly string[]
  readonly accounts: readonly string[]
  readonly reason: string
  /** The last day (inclusive); undefined: until somebody takes it out of the file. */
  readonly until?: string | undefined
}

/** What is held on a day. */
export function heldOn(day: Date, holds: readonly LegalHold[]) {
  const today = day.toISOString().slice(0, 10)
  const current = holds.filter(({ until }) => until === undefined || until >= today)
  const any = (patterns: readonly string[]): ((text: string) => boolean) => {
    const tests = patterns.map(glob)
    return (text) => tests.some((fits) => fits(text))
  }
  return {
    task: any(current.flatMap(({ tasks }) => tasks)),
    account: any(current.flatMap(({ accounts }) => accounts)),
    anyAccount: current.some(({ accounts }) => accounts.length > 0),
  }
}
