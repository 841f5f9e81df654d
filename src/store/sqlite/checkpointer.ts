import { startThread } from '../../base/thread.ts'
import { askedSlot, doneSlot, ended, endSlot, pagesSlot, type ThreadOfCheckpoints } from './checkpoint-slots.ts'
import type { SqliteConnection } from './driver.ts'

/** While much is written: what is committed is moved from the WAL into the store by a thread of its own, beside the next transaction. */
export interface Checkpointer {
  /** After each transaction. */
  committed(): void
  /** Whoever writes next does it alone again; the thread still moves what there is. */
  end(): void
  /** Waits until the thread has closed the store, after the end: whoever closes it last removes the WAL. */
  closed(): void
}

/** Changes from which on a thread is worth its start; of many small writers at once none has one. */
const worthFrom = 5_000
/** Pages in the WAL (64 MiB) at which the writer waits for the thread, so that the WAL begins anew. */
const longest = 16_384
/** Transactions that are moved together: the thread syncs what it moves, and the writer's commits wait behind that. */
const together = 4
/** SQLite's own. */
const alonePages = 1000
/** A thread that is not heard of for so long is gone. */
const patienceMs = 5_000

/** `changes`: that are to come, in many transactions. */
export function createCheckpointer(connection: SqliteConnection, path: string, changes: number): Checkpointer {
  let slots: Int32Array<SharedArrayBuffer> | undefined
  let ending: typeof slots
  let waiting = 0

  const begin = (): void => {
    slots = new Int32Array(new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT))
    const workerData: ThreadOfCheckpoints = { path, slots }
    const thread = startThread(import.meta.url, './checkpoint-thread', workerData, { maxYoungGenerationSizeMb: 2 })
    // the WAL stays whole without it, and the writer notices
    thread.on('error', () => undefined)
    thread.unref()
    connection.pragma('wal_autocheckpoint = 0')
  }

  const stop = (): void => {
    slots = undefined
    connection.pragma(`wal_autocheckpoint = ${alonePages}`)
  }

  /** Waits until the thread says so; false: it does not answer. */
  const waited = (shared: Int32Array<SharedArrayBuffer>, isSo: (done: number) => boolean): boolean => {
    for (;;) {
      const done = Atomics.load(shared, doneSlot)
      if (done === ended || isSo(done)) return true
      if (Atomics.wait(shared, doneSlot, done, patienceMs) === 'timed-out') return false
    }
  }

  const ask = (shared: Int32Array<SharedArrayBuffer>): void => {
    Atomics.add(shared, askedSlot, 1)
    Atomics.notify(shared, askedSlot)
  }

  if (changes >= worthFrom) begin()
  return {
    committed() {
      if (slots === undefined) return
      const done = Atomics.load(slots, doneSlot)
      if (done === ended) stop()
      else if (done === Atomics.load(slots, askedSlot) && ++waiting % together === 0) ask(slots)
      if (slots === undefined || Atomics.load(slots, pagesSlot) < longest) return
      const asked = Atomics.load(slots, askedSlot)
      if (!waited(slots, (now) => now === asked)) {
        stop()
        return
      }
      rest(connection)
      // the thread has nothing to do, and tells again when it is asked
      Atomics.store(slots, pagesSlot, 0)
    },
    end() {
      if (slots === undefined) return
      Atomics.store(slots, endSlot, 1)
      ask(slots)
      ending = slots
      stop()
    },
    closed() {
      if (ending !== undefined) waited(ending, () => false)
      ending = undefined
    },
  }
}

/** The few pages that came meanwhile. Where it fails, everything is still in the WAL, and the next commit says what is wrong. */
function rest(connection: SqliteConnection): void {
  try {
    connection.pragma('wal_checkpoint(PASSIVE)')
  } catch {}
}
