import { afterAll, describe, expect, it } from 'vitest'
import { machineHas } from '../helpers/machine.ts'
import { calls, disturb, type FaultBench, faults, openFaultBench } from './harness.ts'

const there = machineHas('strace')
let bench: FaultBench | undefined
const opened = (): FaultBench => {
  bench ??= openFaultBench()
  return bench
}
afterAll(() => bench?.close())

/** Spread over all the calls of a kind: the first, the last and some between. `npm run faults` takes every one. */
const sample = (count: number, size: number): number[] =>
  count <= size
    ? Array.from({ length: count }, (_, i) => i + 1)
    : Array.from({ length: size }, (_, i) => 1 + Math.round((i * (count - 1)) / (size - 1)))

describe.skipIf(!there)('a run that is disturbed on its way to the disk', () => {
  it('leaves a whole store, tells what failed, and resumes to the state of an undisturbed run', () => {
    const wrong: string[] = []
    let fired = 0
    for (const call of calls)
      for (const fault of faults)
        for (const n of sample(opened().counts[call], call === 'pwrite64' ? 5 : call === 'fsync' ? 4 : 2)) {
          const outcome = disturb(opened(), call, n, fault)
          if (outcome.fired) fired++
          if (outcome.wrong !== undefined) wrong.push(`${fault} at ${call} ${n}: ${outcome.wrong}`)
        }
    expect(wrong).toEqual([])
    expect(fired).toBeGreaterThan(30)
  }, 240_000)
})
