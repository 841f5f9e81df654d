import { AbortError, BusyError, IqtaskError, StoreError, UserError } from '../base/errors.ts'
import type { Counts, Message, RunStatus } from '../model/result.ts'
import type { RoadOutcome } from './executor.ts'

export interface Verdict {
  readonly status: RunStatus
  readonly exitCode: number
  readonly stoppedBy: string | undefined
}

/** How a run ended: a guard stop (4) goes before a failure (1), a failure before a warning (3). */
export function judgeRun(outcomes: readonly RoadOutcome[], messages: readonly Message[], error: unknown): Verdict {
  if (error instanceof AbortError) return { status: 'terminated', ...stopOf(error) }
  if (error !== undefined) return { status: 'error', exitCode: exitCodeOf(error), stoppedBy: undefined }
  const has = (status: RoadOutcome['status']): boolean => outcomes.some((outcome) => outcome.status === status)
  if (has('guard')) return { status: 'error', exitCode: 4, stoppedBy: 'guard' }
  if (has('error') || messages.some((message) => message.level === 'error'))
    return { status: 'error', exitCode: onlyBusy(outcomes, messages) ? 5 : 1, stoppedBy: undefined }
  if (has('warning') || messages.some((message) => message.level === 'warning'))
    return { status: 'warning', exitCode: 3, stoppedBy: undefined }
  return { status: 'success', exitCode: 0, stoppedBy: undefined }
}

/** A step of a sequence runs elsewhere, and nothing else is wrong. */
const onlyBusy = (outcomes: readonly RoadOutcome[], messages: readonly Message[]): boolean =>
  outcomes.every((outcome) => outcome.status !== 'error') &&
  messages.every((message) => message.level !== 'error' || message.code === 'IQ3001')

const exitCodeOf = (error: unknown): number =>
  error instanceof StoreError ? 6 : error instanceof BusyError ? 5 : error instanceof UserError ? 2 : 1

/** A shell's convention: 128 + the signal's number. */
function stopOf(error: AbortError): { exitCode: number; stoppedBy: string } {
  const reason = error.cause
  if (reason === 'SIGINT') return { exitCode: 130, stoppedBy: 'SIGINT' }
  if (reason === 'SIGTERM') return { exitCode: 143, stoppedBy: 'SIGTERM' }
  if (reason === 'blackout') return { exitCode: 1, stoppedBy: 'blackout' }
  return { exitCode: 1, stoppedBy: error.code === 'IQ3005' ? 'timeout' : 'stop' }
}

/** The run's counts: the sum of its sections'. */
export function sumCounts(outcomes: readonly Pick<RoadOutcome, 'counts'>[], names: readonly string[]): Counts {
  const sum: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]))
  for (const { counts } of outcomes)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** What, where, and what to do, in one line. */
export function sentenceOf({ message, hint, place }: IqtaskError): string {
  const spot = [place?.file, place?.line, place?.column].filter((part) => part !== undefined)
  const where = spot.length === 0 ? '' : `${spot.join(':')}: `
  return `${where}${message}${hint === undefined ? '' : ` (${hint})`}`
}

/** An unforeseen error as the result's message. */
export function failureMessage(error: unknown): Message {
  if (error instanceof IqtaskError) return { level: 'error', code: error.code, text: sentenceOf(error) }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { level: 'error', code: 'IQ9001', text: `a bug in iqtask: ${text.split('\n').slice(0, 6).join(' ')}` }
}
