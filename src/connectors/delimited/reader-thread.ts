import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { packDelimited } from './packed.ts'
import { type FromThread, failureOf, memoryOf, received, type ThreadTask, type ToThread } from './thread-messages.ts'

/** The thread that reads, maps and packs; `threaded.ts` starts it. */
const port = parentPort
if (port === null) throw new Error('this is the code of a thread')
const { settings, folder, meaning, options } = workerData as ThreadTask
const abort = new AbortController()
/** Batches that may be on their way: the reader is ahead of the stage by so many, not more. */
let wanted = 4
let wake = (): void => undefined

try {
  const reading = packDelimited({ settings, folder, clock: systemClock, signal: abort.signal }, meaning, options)
  port.on('message', (message: ToThread) => {
    if ('stop' in message) abort.abort()
    else {
      wanted++
      for (const block of received(message.used)) reading.recycle(block)
    }
    wake()
  })
  for await (const batch of reading.batches()) {
    while (wanted === 0 && !abort.signal.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    wanted--
    say({ batch }, memoryOf(batch.blocks))
  }
  say({ evidence: reading.evidence() }, [])
} catch (error) {
  say({ failure: failureOf(error) }, [])
} finally {
  port.close()
}

function say(message: FromThread, memory: readonly ArrayBuffer[]): void {
  port?.postMessage(message, memory)
}
