import type { ZodType, z } from 'zod'
import type { AccountDocument, EntitlementDocument, IdentityDocument } from './model/documents.ts'
import type { Counts, Evidence } from './model/result.ts'
import type { StoreChange } from './model/store-change.ts'

export { ItemError, UserError } from './base/errors.ts'

/** What an executor of a project's own is given: it looks, and plans; the framework guards, makes the changes, and keeps the result. */
export interface ExecutorContext {
  readonly run: { readonly id: string; readonly task: string; readonly startedAt: Date }
  readonly dryRun: boolean
  /** Aborts when the run has to stop; what does not listen is ended a little later. */
  readonly signal: AbortSignal
  readonly clock: { now(): Date }
  /** The store as it was when the run began; by name, a page at a time. */
  accounts(filter?: AccountQuery): AsyncIterable<AccountDocument>
  identities(filter?: IdentityQuery): AsyncIterable<IdentityDocument>
  entitlements(filter?: EntitlementQuery): AsyncIterable<EntitlementDocument>
  /** Reads an application where it is, with its connector; the framework opens it, and closes it after the run. */
  connect(application: string): Promise<ApplicationReader>
  /** Plans a change. False: it is so already. Rejects what cannot be done, with the reason. */
  plan(change: StoreChange): Promise<boolean>
  /** Works through items: counts them, stops when the run has to, keeps an item that throws an ItemError as a reject. */
  items<Item>(source: AsyncIterable<Item> | Iterable<Item>, work: (item: Item) => Promise<void> | void): Promise<void>
  readonly log: Readonly<Record<'info' | 'warning' | 'error', (text: string, item?: string) => void>>
  /** Adds to a count of the result that the executor has declared. */
  count(name: string, by?: number): void
  progress(done: number, total?: number): void
}

export interface ApplicationReader {
  /** Its records as they stand in the source, before any mapping; a row that is none is kept as a reject. */
  records(): AsyncIterable<ApplicationRecord>
  /** How sure the source is that the records read last were all of them; once they are read to the end. */
  evidence(): Evidence
}

export interface ApplicationRecord {
  readonly line: number
  /** By column; what is empty is left out. */
  readonly values: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

export interface AccountQuery {
  readonly application?: string
  readonly state?: 'active' | 'missing' | 'gone'
  readonly text?: string
  readonly uncorrelated?: boolean
  /** `APPLICATION:ATTRIBUTE:VALUE` */
  readonly holds?: string
}

export interface IdentityQuery {
  readonly status?: string
  readonly text?: string
}

export interface EntitlementQuery {
  readonly application?: string
  readonly attribute?: string
  readonly state?: 'active' | 'gone'
  readonly tag?: string
  readonly text?: string
}

export interface CustomExecutor<Schema extends ZodType = ZodType> {
  readonly name: string
  readonly summary: string
  readonly arguments: Schema
  /** Counts of its own, with their meaning in one sentence. */
  readonly counts?: Readonly<Record<keyof Counts, string>>
  run(ctx: ExecutorContext, args: z.output<Schema>): Promise<void>
}

/** Declares an executor: the default export of a file that a task names (`executor: ./clean-up.ts`). */
export const defineExecutor = <Schema extends ZodType>(executor: CustomExecutor<Schema>): CustomExecutor<Schema> =>
  executor
