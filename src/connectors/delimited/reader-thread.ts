import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { hashRows } from '../../model/block-hashes.ts'
import { memoryOfSlots, type SeenSlots } from '../../model/seen-records.ts'
import type { PackedReading } from '../packing.ts'
import { packDelimited } from './packed.ts'
import { type FromThread, failureOf, memoryOf, received, type ThreadTask, type ToThread } from './thread-messages.ts'

/** The thread that reads, maps and packs; `threaded.ts` starts it. */
const port = parentPort
if (port === null) throw new Error('this is the code of a thread')
const { settings, folder, meaning, input, waiting } = workerData as ThreadTask
const abort = new AbortController()
/** Batches that may be on their way: the reader is ahead of the stage by so many, not more. */
let wanted = 4
let wake = (): void => undefined
let reading: PackedReading | undefined

try {
  const slots = await new Promise<SeenSlots>((resolve) => {
    port.on('message', (message: ToThread) => {
      if ('seen' in message) resolve(message.seen)
      else if ('stop' in message) abort.abort()
      else {
        wanted++
        for (const block of received(message.used)) reading?.recycle(block)
      }
      wake()
    })
  })
  const context = { settings, folder, clock: systemClock, signal: abort.signal }
  reading = packDelimited(context, meaning, { input, seen: () => slots, waiting })
  for await (const batch of reading.batches()) {
    // there is time for it
    if (wanted === 0) batch.blocks.forEach(hashRows)
    while (wanted === 0 && !abort.signal.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    wanted--
    say({ batch }, memoryOf(batch.blocks))
  }
  say({ evidence: reading.evidence(), seen: slots }, memoryOfSlots(slots))
} catch (error) {
  say({ failure: failureOf(error) }, [])
} finally {
  port.close()
}

function say(message: FromThread, memory: readonly ArrayBuffer[]): void {
  port?.postMessage(message, memory)
}
