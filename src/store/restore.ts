import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { type Clock, isoText } from '../base/clock.ts'
import { renameDurably, syncPath } from '../base/durable.ts'
import { BusyError, StoreError, UserError } from '../base/errors.ts'
import { storeFault } from './fault.ts'
import { openStore } from './open.ts'
import type { RunRow } from './runs.ts'
import { openConnection } from './sqlite/driver.ts'
import { verifyCopy } from './verify-copy.ts'

export interface RestoreOptions {
  readonly backup: string
  /** Where the store is. */
  readonly path: string
  readonly clock: Clock
  /** Who restores: for the audit trail. */
  readonly actor: string
  /** Is the process of this queued or running result still there? */
  readonly isLive: (row: RunRow) => boolean
}

export interface Restored {
  /** Where the store that was replaced lies now; undefined when there was none. */
  readonly before: string | undefined
  /** The last audit event of the backup. */
  readonly auditSeq: number
}

/**
 * Puts a backup in the store's place. The backup is copied and verified before anything is touched; the swap is one rename, so
 * that there is a whole store at any time; the old one stays beside it as `.before-restore`.
 * @throws StoreError when the backup is not sound; BusyError while a run or another process holds the store
 */
export function restoreStore(options: RestoreOptions): Restored {
  const { backup, path } = options
  const fresh = `${path}.restore-${process.pid}`
  const umask = process.umask(0o077)
  try {
    refuseUnfit(backup)
    copyFileSync(backup, fresh)
    const { auditSeq } = verifyCopy(fresh, backup)
    syncPath(fresh)
    const before = setAside(options)
    renameDurably(fresh, path)
    record(options, auditSeq)
    return { before, auditSeq }
  } catch (error) {
    throw storeFault(error, path)
  } finally {
    process.umask(umask)
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(fresh + end, { force: true })
  }
}

/** @throws UserError where it is no backup at all */
export function refuseUnfit(backup: string): void {
  const refuse = (why: string): never => {
    throw new UserError(`${backup} ${why}`, { code: 'IQ1002', hint: 'give a file that `iqtask store backup` wrote' })
  }
  if (!existsSync(backup)) refuse('does not exist')
  if (existsSync(`${backup}-wal`)) refuse('is a store in use: a part of it is still in its log')
}

/** A second name for the old store, which stays in its place until the swap. */
function setAside(options: RestoreOptions): string | undefined {
  const { path } = options
  if (!existsSync(path)) return undefined
  const aside = `${path}.before-restore`
  for (const end of ['', '-wal', '-shm']) rmSync(aside + end, { force: true })
  foldWal(options)
  // of a store too damaged to be opened: beside the restored one they would be taken for its own
  for (const end of ['-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, aside + end)
  try {
    linkSync(path, aside)
  } catch {
    copyFileSync(path, aside)
    syncPath(aside)
  }
  return aside
}

/** Leaves the old store as one file without a log. Needs it exclusively, so that nobody else has it open. */
function foldWal({ path, clock, isLive }: RestoreOptions): void {
  try {
    const store = openStore({ path, clock })
    const live = store.runs.live().find(isLive)
    store.close()
    if (live !== undefined)
      throw new BusyError(`${live.task} is running (result ${live.result_id}, process ${live.pid})`, {
        code: 'IQ3001',
        hint: `iqtask stop ${live.result_id}`,
      })
  } catch (error) {
    // a damaged or foreign store is what restores are for
    if (error instanceof StoreError) return
    throw error
  }
  const connection = openConnection(path, { busyTimeoutMs: 1_000, cacheKib: 1_000 })
  try {
    if (connection.pragma('journal_mode = delete', { simple: true }) !== 'delete')
      throw new BusyError(`the store ${path} is open in another process`, {
        code: 'IQ6005',
        hint: 'wait for it to end',
      })
  } finally {
    connection.close()
  }
}

function record({ backup, path, clock, actor }: RestoreOptions, auditSeq: number): void {
  const store = openStore({ path, clock })
  try {
    store.db.write(() =>
      store.audit.append({
        at: isoText(clock.now()),
        actor,
        action: 'store.restored',
        object: 'store',
        key: backup,
        run: null,
        body: { auditSeq },
      }),
    )
  } finally {
    store.close()
  }
}
