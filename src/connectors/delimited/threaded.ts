import { on } from 'node:events'
import { statSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../../base/thread.ts'
import type { AccountBlock } from '../../model/account-block.ts'
import type { Evidence } from '../../model/result.ts'
import { memoryOfSlots } from '../../model/seen-records.ts'
import type { ConnectorContext, PackOptions } from '../connector.ts'
import { filesOf } from '../files.ts'
import type { AccountMeaning, PackedReading } from '../packing.ts'
import type { DelimitedSettings } from './delimited.ts'
import { errorOf, type FromThread, memoryOf, received, type ThreadTask, type ToThread } from './thread-messages.ts'

/** Bytes from which on a thread is worth its start. */
const worthFrom = 4 * 1024 * 1024

/** A source of files that are so large that a thread of its own should read them. */
export function isWorthThread(context: ConnectorContext<DelimitedSettings>, { input }: PackOptions): boolean {
  if (input === '-') return false
  const files = input === undefined ? filesOf(context) : [input]
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0) >= worthFrom
}

/** The same as `packDelimited`, by a thread that reads ahead of whoever stages. */
export function packOnThread(
  { settings, folder, signal }: ConnectorContext<DelimitedSettings>,
  meaning: AccountMeaning,
  options: PackOptions,
): PackedReading {
  let evidence: Evidence = { level: 'partial', reason: 'not read to its end' }
  let used: AccountBlock[] = []
  const task: ThreadTask = { settings, folder, meaning, input: options.input, waiting: options.waiting }
  return {
    async *batches() {
      // what it leaves behind dies young; the whole process stays small
      const limits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 192 }
      const thread = startThread(import.meta.url, './reader-thread', task, limits)
      const tell = (message: ToThread, memory: ArrayBuffer[]): void => thread.postMessage(message, memory)
      const stop = (): void => tell({ stop: true }, [])
      signal.addEventListener('abort', stop)
      try {
        const seen = options.seen()
        tell({ seen }, memoryOfSlots(seen))
        for await (const message of messagesOf(thread)) {
          if ('failure' in message) throw errorOf(message.failure)
          if ('evidence' in message) {
            evidence = message.evidence
            Object.assign(seen, message.seen)
            return
          }
          yield { ...message.batch, blocks: received(message.batch.blocks) }
          tell({ used }, memoryOf(used))
          used = []
        }
        throw new Error('the thread that reads ended before its source did')
      } finally {
        signal.removeEventListener('abort', stop)
        await thread.terminate()
      }
    },
    evidence: () => evidence,
    recycle: (block) => void used.push(block),
  }
}

async function* messagesOf(thread: Worker): AsyncGenerator<FromThread> {
  for await (const [message] of on(thread, 'message', { close: ['exit'] })) yield message as FromThread
}
