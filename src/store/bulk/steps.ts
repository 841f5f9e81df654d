import type { Database } from '../database.ts'

/** Lets signals and timers in between two pieces of long work. @throws AbortError when the run has to stop */
export type Pause = () => Promise<void>

/** A running statement cannot be stopped: long ones go over so many rows of the stage at a time. */
const sliceRows = 100_000

/** Does the pieces that `steps` yields between, each in a transaction of its own, with a pause after each. */
export async function inSteps(db: Database, steps: Generator<void>, pause: Pause): Promise<void> {
  for (let done: boolean | undefined = false; done !== true; ) {
    db.exec('begin')
    try {
      done = steps.next().done
      db.exec('commit')
    } catch (error) {
      db.exec('rollback')
      throw error
    }
    await pause()
  }
}

/** The rows of the stage in slices: `@lo < id and id <= @hi`. */
export function* slicesOf(db: Database, size = sliceRows): Generator<{ readonly lo: number; readonly hi: number }> {
  const top = Number(db.statement('select max(id) from st.s').pluck().get() ?? 0)
  for (let lo = 0; lo < top; lo += size) yield { lo, hi: lo + size }
}
