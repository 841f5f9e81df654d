import { ConnectorError, type ErrorDetails, IqtaskError, StoreError, UserError } from '../../base/errors.ts'
import type { AccountBlock } from '../../model/account-block.ts'
import type { Evidence } from '../../model/result.ts'
import type { SeenSlots } from '../../model/seen-records.ts'
import type { AccountMeaning, PackedBatch } from '../packing.ts'
import type { DelimitedSettings } from './delimited.ts'

/** What the reader's thread is given: plain data. */
export interface ThreadTask {
  readonly settings: DelimitedSettings
  readonly folder: string
  readonly meaning: AccountMeaning
  readonly input: string | undefined
  readonly waiting: string | undefined
}

/** To the thread: what to compare with, first of all; one more batch is wanted, with memory of blocks that were used; or the run has to stop. */
export type ToThread =
  | { readonly seen: SeenSlots }
  | { readonly used: readonly AccountBlock[] }
  | { readonly stop: true }

export type FromThread =
  | { readonly batch: PackedBatch }
  | { readonly evidence: Evidence; readonly seen: SeenSlots }
  | { readonly failure: Failure }

/** An error that survives the way between threads. */
export interface Failure {
  readonly kind: 'user' | 'connector' | 'store' | 'bug'
  readonly message: string
  readonly stack: string | undefined
  readonly details: Pick<ErrorDetails, 'code' | 'hint' | 'place'> | undefined
  readonly temporary: boolean
}

export function failureOf(error: unknown): Failure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  if (!(error instanceof IqtaskError)) return { kind: 'bug', message, stack, details: undefined, temporary: false }
  const { code, hint, place } = error
  const temporary = error instanceof ConnectorError && error.temporary
  return {
    kind: error instanceof UserError ? 'user' : error instanceof StoreError ? 'store' : 'connector',
    message,
    stack,
    details: { code, hint, place },
    temporary,
  }
}

export function errorOf({ kind, message, stack, details, temporary }: Failure): Error {
  if (details === undefined) return Object.assign(new Error(message), { stack })
  if (kind === 'user') return new UserError(message, details)
  return kind === 'store' ? new StoreError(message, details) : new ConnectorError(message, { ...details, temporary })
}

/** Memory that moves with a message instead of being copied. */
export const memoryOf = (blocks: readonly AccountBlock[]): ArrayBuffer[] =>
  blocks.flatMap(({ bytes, rows }) => [bytes.buffer, rows.buffer])

/** A buffer arrives as a plain array of bytes. */
export const received = (blocks: readonly AccountBlock[]): AccountBlock[] =>
  blocks.map((block) => ({ ...block, bytes: Buffer.from(block.bytes.buffer) }))
