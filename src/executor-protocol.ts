import type { Json, JsonObject } from './base/json.ts'
import type { MessageLevel } from './model/result.ts'

/** What the tool and the process of an executor say to each other, one JSON message at a time. */
export type ToHost =
  | { readonly type: 'load'; readonly file: string }
  | {
      readonly type: 'run'
      readonly args: JsonObject
      readonly run: { readonly id: string; readonly task: string; readonly startedAt: string }
      readonly now: string
      readonly dryRun: boolean
    }
  | { readonly type: 'answer'; readonly id: number; readonly value: Json }
  | { readonly type: 'refused'; readonly id: number; readonly message: string }
  | { readonly type: 'abort'; readonly reason: string }

export type Question =
  | {
      readonly ask: 'open'
      readonly view: 'accounts' | 'identities' | 'entitlements' | 'records'
      readonly filter: JsonObject
    }
  | { readonly ask: 'next'; readonly cursor: number }
  | { readonly ask: 'evidence'; readonly cursor: number }
  | { readonly ask: 'close'; readonly cursor: number }
  | { readonly ask: 'plan'; readonly change: JsonObject }

export type FromHost =
  | { readonly type: 'ready' }
  | ({ readonly type: 'loaded' } & Declared)
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
  | { readonly type: 'log'; readonly level: MessageLevel; readonly text: string; readonly item?: string | undefined }
  | { readonly type: 'reject'; readonly item: string; readonly reason: string }
  | { readonly type: 'progress'; readonly done: number; readonly total: number | null }
  | { readonly type: 'count'; readonly name: string; readonly by: number }
  | { readonly type: 'done'; readonly read: number }
  | ({ readonly type: 'failed' } & Failure)

/** An executor as its file declares it. */
export interface Declared {
  readonly name: string
  readonly summary: string
  readonly counts: Readonly<Record<string, string>>
  /** JSON Schema of its arguments. */
  readonly schema: JsonObject
}

export interface Failure {
  readonly message: string
  /** `user`: for its author or caller to mend, told without a stack. */
  readonly kind: 'user' | 'bug'
  readonly hint?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
}
