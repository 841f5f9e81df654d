import { workerData } from 'node:worker_threads'
import { askedSlot, doneSlot, ended, endSlot, pagesSlot, type ThreadOfCheckpoints } from './checkpoint-slots.ts'
import { openForCheckpoints } from './driver.ts'

/** The thread of `checkpointer.ts`: it waits until it is asked. */
const { path, slots } = workerData as ThreadOfCheckpoints
let connection: ReturnType<typeof openForCheckpoints> | undefined
try {
  connection = openForCheckpoints(path)
  for (let done = 0; Atomics.load(slots, endSlot) === 0; ) {
    Atomics.wait(slots, askedSlot, done)
    done = Atomics.load(slots, askedSlot)
    Atomics.store(slots, pagesSlot, connection.checkpoint())
    Atomics.store(slots, doneSlot, done)
    Atomics.notify(slots, doneSlot)
  }
} finally {
  connection?.close()
  Atomics.store(slots, doneSlot, ended)
  Atomics.notify(slots, doneSlot)
}
