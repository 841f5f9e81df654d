import { type Clock, isoText } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { checkStore } from '../store/check.ts'
import type { RunRow } from '../store/runs.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from './process.ts'

/** A run on another host is dead when its heartbeat is older than this. */
export const leaseMs = 60_000
export const heartbeatMs = 1_000

export const runIsAlive = (row: RunRow, now: Date): boolean =>
  isAlive({
    host: row.host,
    pid: row.pid,
    processStart: row.process_start ?? undefined,
    bootId: row.boot_id ?? undefined,
  }) ?? now.getTime() - Date.parse(row.heartbeat_at ?? row.queued_at) < leaseMs

/**
 * Marks runs whose process is gone `terminated`, with the reason. Cheap where none lives; after an unclean end the file is looked at
 * before anything is written.
 * @throws StoreError when the store was damaged
 */
export function endDeadRuns(store: Store, clock: Clock): RunRow[] {
  const dead = (): RunRow[] => store.runs.live().filter((row) => !runIsAlive(row, clock.now()))
  if (dead().length === 0) return []
  const [damage] = checkStore(store, { quick: true })
  if (damage !== undefined)
    throw new StoreError(`a run died, and the store ${store.path} is damaged: ${damage.text}`, {
      code: 'IQ6004',
      hint: 'iqtask store restore BACKUP',
    })
  return store.db.write(() => {
    const found = dead()
    for (const row of found) endDead(store, row, isoText(clock.now()))
    return found
  })
}

function endDead(store: Store, row: RunRow, at: string): void {
  const text = `the process ${row.pid} on ${row.host} is gone; its last sign of life was ${row.heartbeat_at ?? row.queued_at}`
  store.runs.message(row.id, { level: 'error', code: 'IQ3003', text })
  const seq = store.audit.append({
    at,
    actor: row.actor,
    action: 'run.died',
    object: 'result',
    key: row.result_id,
    run: row.result_id,
    body: { task: row.task, reason: text },
  })
  store.runs.end(
    row.id,
    {
      status: 'terminated',
      exitCode: 1,
      stoppedBy: 'crash',
      counts: JSON.parse(row.counts) as Record<string, number>,
      quality: undefined,
      endedAt: at,
      durationMs: Date.parse(row.heartbeat_at ?? row.queued_at) - Date.parse(beganAt(store, row)),
    },
    seq,
  )
}

/** When the process that is gone began to work at it. */
function beganAt(store: Store, row: RunRow): string {
  const [resumed] =
    row.crashes === 0 ? [] : store.audit.list({ action: 'run.resumed', run: row.result_id, limit: 1 }).items
  return resumed?.at ?? row.started_at ?? row.queued_at
}
