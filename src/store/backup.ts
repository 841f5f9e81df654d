import { existsSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../base/errors.ts'
import { renameDurably, syncPath } from './durable.ts'
import { storeFault } from './open.ts'
import type { Store } from './store.ts'
import { verifyCopy } from './verify-copy.ts'

export interface Backup {
  readonly path: string
  readonly bytes: number
  /** The last audit event in it. */
  readonly auditSeq: number
}

/**
 * A consistent copy while the store is in use: written beside the target, verified, made durable, then renamed. 0600.
 * @throws UserError IQ1002 when the target exists or its folder does not; StoreError when the copy is not sound or the disk is full
 */
export function backupStore(store: Store, target: string): Backup {
  const refuse = (why: string, hint: string): never => {
    throw new UserError(`${target} ${why}`, { code: 'IQ1002', hint })
  }
  if (existsSync(target)) refuse('exists already', 'give the backup a name of its own')
  if (!existsSync(dirname(target))) refuse('is in a folder that does not exist', 'make the folder first')
  const temporary = `${target}.tmp-${process.pid}`
  const umask = process.umask(0o077)
  try {
    rmSync(temporary, { force: true })
    store.db.statement('vacuum into ?').run(temporary)
    const { auditSeq } = verifyCopy(temporary, target)
    syncPath(temporary)
    renameDurably(temporary, target)
    return { path: target, bytes: statSync(target).size, auditSeq }
  } catch (error) {
    throw storeFault(error, target)
  } finally {
    process.umask(umask)
    rmSync(temporary, { force: true })
  }
}
