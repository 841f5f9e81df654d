import { isoText } from '../../src/base/clock.ts'
import { newId } from '../../src/base/id.ts'
import type { RunStatus } from '../../src/model/result.ts'
import type { Runs } from '../../src/store/runs.ts'

/** A result of `aggregation` that did nothing but end so; inside a write transaction. Gives its number. */
export function endedRun(runs: Runs, at: Date, status: RunStatus = 'success', stoppedBy?: string): number {
  const queuedAt = isoText(at)
  const number = runs.insert({
    resultId: newId(at),
    task: 'aggregation',
    executor: 'account-aggregation',
    trigger: 'schedule',
    actor: {},
    host: 'h',
    pid: 1,
    processStart: undefined,
    bootId: undefined,
    dryRun: false,
    arguments: {},
    definition: { text: '', sha256: '', git: undefined },
    toolVersion: '0',
    queuedAt,
  })
  const end = { status, exitCode: 1, stoppedBy, counts: {}, quality: undefined, endedAt: queuedAt, durationMs: 0 }
  runs.end(number, end, undefined)
  return number
}
