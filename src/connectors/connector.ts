import type { ZodType } from 'zod'
import type { Clock } from '../base/clock.ts'
import type { RejectedRow } from '../model/rejected-row.ts'
import type { Evidence } from '../model/result.ts'
import type { SeenSlots } from '../model/seen-records.ts'
import type { RawValue } from '../model/value.ts'
import type { AccountMeaning, PackedReading } from './packing.ts'

/** One record of a source; `values` stand in the order of the batch's `columns` and may be fewer. */
export interface SourceRecord {
  readonly line: number
  readonly values: readonly RawValue[]
  /** The record as it stands in the source, for rejects; may be cut. */
  readonly text?: string | undefined
  /** Keyed hash of the record as it stands in the source, where the connector was asked to compare (`ReadOptions.seen`): 8 bytes. */
  readonly mac?: Buffer | undefined
}

/**
 * What a read hands over: a few hundred to a few thousand records. `columns` is the same array from batch to batch and may
 * grow at its end (formats without a header).
 */
export interface RecordBatch {
  readonly file: string
  /** The source says itself which columns it has (a header): one that is not there is gone, not only empty. */
  readonly declared: boolean
  readonly columns: readonly string[]
  readonly records: readonly SourceRecord[]
  /** Records left out since the last batch, because they were seen before. */
  readonly seen?: number | undefined
  /** Records left out since the last batch, because a taker took them. */
  readonly taken?: number | undefined
  readonly rejects: readonly RejectedRow[]
  /** Bytes consumed so far and in all, where known: for progress. */
  readonly position?: { readonly done: number; readonly total: number } | undefined
}

export interface Reading {
  /** Runs once, front to back. Ends early when the signal of `ConnectorContext` aborts. */
  batches(): AsyncIterable<RecordBatch>
  /** After the last batch: how sure it is that this was everything. */
  evidence(): Evidence
}

export interface ReadOptions {
  /** Read this instead of the configured source: a path, or `-` for standard input. */
  readonly input?: string | undefined
  /** Stop after so many records (peek); the evidence is then `partial`. */
  readonly limit?: number | undefined
  /**
   * Records that the last read saw. A connector that can tell a record's end without parsing it hashes the record's bytes with the key and whatever
   * else decides their meaning (columns, separator); one that is known is marked, counted and not handed over. Others hand over all.
   */
  readonly seen?: SeenSlots | undefined
  /** Who may take records as they stand in the source, by its columns. */
  readonly taker?: ((columns: readonly string[], form: RecordForm) => RecordTaker | undefined) | undefined
}

/** How records stand in a source of bytes. */
export interface RecordForm {
  /** The number of the source's file, from 0. */
  readonly file: number
  readonly separator: number
  readonly quote: number
}

export interface RecordTaker {
  /** Takes the record at `from`, with the halves of its hash, and gives where the next one begins; -1: it has to be parsed. One that is taken is one line. */
  take(bytes: Buffer, from: number, line: number, low: number, high: number): number
}

export interface PackOptions {
  readonly input?: string | undefined
  /** As in `ReadOptions`; asked for once, when a thread that reads is on its way: loading them takes as long as its start. */
  readonly seen: () => SeenSlots
  /** Records wait for others of their account, in this file where memory does not hold them all; whoever gives it removes it. */
  readonly waiting?: string | undefined
}

export interface Connection {
  /** One sentence about what answered: `1.2 MB, UTF-8, separator ";", 11 columns`. */
  test(): Promise<string>
  accounts(options?: ReadOptions): Promise<Reading>
  /** The same as accounts that are ready for the stage. Absent: whoever reads maps the records. */
  packed?(meaning: AccountMeaning, options: PackOptions): Promise<PackedReading>
  /**
   * Rows of the source as they stand in it, byte for byte, so that they can be corrected and read again with `input`. `digest`: what the
   * source was when they were chosen. @throws UserError IQ2010 when it has changed since, or the rows are gone
   */
  extract?(rows: ExtractRequest): Promise<Buffer>
  /** The source is byte for byte what gave this evidence. Absent: it cannot be told without reading it. */
  isSame?(last: Evidence): Promise<boolean>
  close(): Promise<void>
}

export interface ExtractRequest {
  readonly rows: readonly { readonly file: string; readonly line: number }[]
  /** SHA-256 (hex) of the source; undefined: not known. */
  readonly digest: string | undefined
}

export interface ConnectorContext<Settings> {
  /** Checked settings with references resolved. */
  readonly settings: Settings
  /** Relative paths in settings start here. */
  readonly folder: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly stdin?: NodeJS.ReadableStream | undefined
}

export interface Connector<Settings = unknown> {
  readonly name: string
  readonly summary: string
  readonly connection: ZodType<Settings>
  /** @throws UserError for settings that cannot work, ConnectorError when the system does not answer */
  open(context: ConnectorContext<Settings>): Promise<Connection>
}

/** The one shape of a connector: ties the settings' type of the schema to that of `open`, then forgets it for the registry. */
export function defineConnector<Settings>(connector: Connector<Settings>): Connector {
  return connector as unknown as Connector
}
