import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../base/errors.ts'

/**
 * A file that is run as code must be the user's own (or root's), and nobody else may write it or replace it in its folder.
 * @throws UserError IQ1109
 */
export function refuseForeignCode(file: string): void {
  const uid = process.getuid?.()
  if (uid === undefined) return
  for (const path of [file, dirname(file)]) {
    const { mode, uid: owner } = statSync(path)
    const fault =
      owner !== uid && owner !== 0
        ? `belongs to another user (uid ${owner})`
        : (mode & 0o022) !== 0
          ? `may be written by others (mode ${(mode & 0o777).toString(8)})`
          : undefined
    if (fault !== undefined)
      throw new UserError(`${path} ${fault}, so the code in ${file} is not run`, {
        code: 'IQ1109',
        place: { file },
        hint: `chmod go-w ${path}`,
      })
  }
}
