import { closeSync, constants, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Makes what was written to a file or a folder survive a power cut. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Renames, and makes the new name survive a power cut; both in one folder. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  syncPath(dirname(to))
}

/** Writes a small file, whole or absent, never half; 0600 unless told, whatever the umask. */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.tmp-${process.pid}`
  rmSync(temporary, { force: true })
  const handle = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    fchmodSync(handle, mode)
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameDurably(temporary, path)
}
