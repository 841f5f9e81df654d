import { BusyError, StoreError } from '../base/errors.ts'

/** SQLite's error in the words of the tool; others pass through. */
export function storeFault(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new BusyError(`the store ${path} is locked by another process`, {
      code: 'IQ6005',
      hint: 'wait for it to end',
      cause: error,
    })
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new StoreError(`the store ${path} is damaged or no database`, {
      code: 'IQ6004',
      hint: 'restore a backup',
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new StoreError(`the disk of the store ${path} is full or failing (${code})`, {
      code: 'IQ6006',
      hint: 'free space, then run again',
      cause: error,
    })
  }
  if (
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_READONLY') ||
    code === 'EACCES' ||
    code === 'EROFS'
  ) {
    return new StoreError(`the store ${path} cannot be opened for writing`, {
      code: 'IQ6001',
      hint: 'check the owner and mode of file and folder',
      cause: error,
    })
  }
  return error
}
