import { IqtaskError } from '../../base/errors.ts'
import type { ErrorDocument } from '../../model/documents.ts'
import { safe } from '../terminal.ts'
import type { Style } from './style.ts'
import { wrapped } from './table.ts'

/** An error as the JSON document of stderr. */
export function errorDocument(error: unknown): ErrorDocument {
  const known = error instanceof IqtaskError ? error : undefined
  const place = known?.place
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : null
  return {
    schema: 'iqtask/Error/1',
    code: known?.code ?? 'IQ9001',
    message: error instanceof Error ? error.message : String(error),
    hint: known?.hint ?? null,
    place: place === undefined ? null : { file: place.file, line: place.line ?? null, column: place.column ?? null },
    cause,
  }
}

/** An error for people: what, where, what to do. A bug shows its stack and asks to be reported. */
export function renderError(error: unknown, style: Style, wrapAt = Number.POSITIVE_INFINITY): string {
  const document = errorDocument(error)
  const { place } = document
  const where =
    place === null ? '' : `  ${[place.file, place.line, place.column].filter((part) => part !== null).join(':')}\n`
  const hint = document.hint === null ? '' : `  ${safe(document.hint)}\n`
  const sentence = `${style.red('✖')} ${safe(document.message)} ${style.dim(`(${document.code})`)}`
  const head = `${wrapped(sentence, wrapAt, 2)}\n`
  if (error instanceof IqtaskError) return `${head}${safe(where)}${hint}`
  const stack = error instanceof Error ? `${error.stack ?? ''}\n` : ''
  return `${head}${safe(stack)}  this is a bug in iqtask: please report it with the lines above\n`
}
