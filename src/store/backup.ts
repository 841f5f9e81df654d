import { existsSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { renameDurably, syncPath } from '../base/durable.ts'
import { UserError } from '../base/errors.ts'
import { storeFault } from './fault.ts'
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
export function backupStore(store: Pick<Store, 'db'>, target: string): Backup {
  const refuse = (why: string, hint: string): never => {
    throw new UserError(`${target} ${why}`, { code: 'IQ1002', hint })
  }
  if (existsSync(target)) refuse('exists already', 'give the backup a name of its own')
  if (!existsSync(dirname(target))) refuse('is in a folder that does not exist', 'make the folder first')
  try {
    return writeVerified(target, target, (temporary) => store.db.statement('vacuum into ?').run(temporary))
  } catch (error) {
    throw storeFault(error, target)
  }
}

/** Written beside the target by `copy`, verified, made durable, then renamed; 0600. `said`: the store's name in errors. */
export function writeVerified(target: string, said: string, copy: (temporary: string) => unknown): Backup {
  const temporary = `${target}.tmp-${process.pid}`
  const umask = process.umask(0o077)
  try {
    rmSync(temporary, { force: true })
    copy(temporary)
    const { auditSeq } = verifyCopy(temporary, said)
    syncPath(temporary)
    renameDurably(temporary, target)
    return { path: target, bytes: statSync(target).size, auditSeq }
  } finally {
    process.umask(umask)
    rmSync(temporary, { force: true })
  }
}
