import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError } from '../base/errors.ts'

/**
 * Writes a file for people or programs, 0600: whole or absent, never half, and never over one that is there.
 * @throws UserError IQ1002
 */
export function writeOutput(cwd: string, name: string, pieces: Iterable<string | Buffer>): void {
  const file = resolve(cwd, name)
  const temporary = `${file}.tmp-${process.pid}`
  try {
    // the name is taken at once, so that two writers never think it free
    closeSync(openSync(file, 'wx', 0o600))
  } catch (cause) {
    throw new UserError(`${name} cannot be written: ${(cause as Error).message}`, {
      code: 'IQ1002',
      hint: 'name a file that does not exist yet, in a folder that does',
      cause,
    })
  }
  try {
    const handle = openSync(temporary, 'wx', 0o600)
    for (const piece of pieces) writeFileSync(handle, piece)
    fsyncSync(handle)
    closeSync(handle)
    renameSync(temporary, file)
    const folder = openSync(dirname(file), 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch (error) {
    rmSync(temporary, { force: true })
    rmSync(file, { force: true })
    throw error
  }
}
