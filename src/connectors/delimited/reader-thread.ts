import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { hashRows } from '../../model/block-hashes.ts'
import { addSeen, memoryOfSlots, type SeenSlots } from '../../model/seen-records.ts'
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
  const seen = await new Promise<SeenSlots>((resolve) => {
    let table: SeenSlots
    port.on('message', (message: ToThread) => {
      if ('seen' in message) table = message.seen
      else if ('macs' in message) {
        if (message.macs === undefined) resolve(table)
        else add(table, message.macs)
      } else if ('stop' in message) abort.abort()
      else {
        wanted++
        for (const block of received(message.used)) reading?.recycle(block)
      }
      wake()
    })
  })
  const context = { settings, folder, clock: systemClock, signal: abort.signal }
  reading = packDelimited(context, meaning, { input, seen: () => ({ seen, pages: [] }), waiting })
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
  say({ evidence: reading.evidence(), seen }, memoryOfSlots(seen))
} catch (error) {
  say({ failure: failureOf(error) }, [])
} finally {
  port.close()
}

function add(table: SeenSlots, macs: Int32Array<ArrayBuffer>): void {
  addSeen(table, macs)
  // the collector would come for it only when there is much more
  macs.buffer.transfer(0)
  say({ added: true }, [])
}

function say(message: FromThread, memory: readonly ArrayBuffer[]): void {
  port?.postMessage(message, memory)
}
