import { UserError } from '../base/errors.ts'
import { compileExpression } from '../model/expression.ts'
import { isReference, secretKeys } from './secret-fields.ts'
import type { ParsedFile } from './text.ts'

/** Compiles, and tells an error's place. @throws UserError IQ1106 */
export function compileAt(
  parsed: ParsedFile,
  path: readonly PropertyKey[],
  expr: string,
  variables: readonly string[],
): void {
  try {
    compileExpression(expr, { variables })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { code: error.code, hint: error.hint, place: parsed.place(path), cause: error })
  }
}

/** A secret field takes only a reference: what is in the file is in git, in backups, in mail. @throws UserError IQ1107 */
export function refuseLiteralSecrets(parsed: ParsedFile, value: unknown, path: readonly PropertyKey[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const here = [...path, key]
    if (secretKeys.test(key) && typeof member === 'string' && !isReference(member))
      throw new UserError(`${here.join('.')} is a secret written out`, {
        code: 'IQ1107',
        place: parsed.place(here),
        hint: `write a reference: ${key}: "\${env:NAME}" or "\${file:PATH}"`,
      })
    refuseLiteralSecrets(parsed, member, here)
  }
}
