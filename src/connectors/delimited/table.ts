import { readFileSync } from 'node:fs'
import { UserError } from '../../base/errors.ts'
import { detectSeparator } from './header.ts'
import { createScanner } from './scan.ts'

export interface TableRow {
  readonly line: number
  readonly values: Readonly<Record<string, string>>
}

/**
 * Reads a small CSV file that a person edited: a header, UTF-8 with or without BOM, the separator that a spreadsheet chose. Not for feeds.
 * @throws UserError IQ1101 unreadable, IQ1102 not well-formed or without one of the columns, with the line
 */
export function readTable(file: string, required: readonly string[]): TableRow[] {
  const records = scan(file)
  const [header, ...rows] = records
  const names = header?.values ?? []
  const missing = required.find((name) => !names.includes(name))
  if (missing !== undefined)
    throw new UserError(`${file} has no column "${missing}"`, {
      code: 'IQ1102',
      place: { file, line: 1 },
      hint: `it has ${names.join(', ') || 'none'}`,
    })
  return rows.map(({ line, values, fault }) => {
    if (fault !== undefined || values.length !== names.length)
      throw new UserError(fault ?? `${values.length} fields where the header has ${names.length}`, {
        code: 'IQ1102',
        place: { file, line },
      })
    return { line, values: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) }
  })
}

function scan(file: string) {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    throw new UserError(`${file} cannot be read as UTF-8 text`, { code: 'IQ1101', place: { file }, cause })
  }
  const scanner = createScanner(detectSeparator(text.split(/[\r\n]/, 1)[0] ?? '', '"'), '"')
  const records = [...scanner.push(text), ...scanner.end()]
  const line = scanner.openQuoteLine()
  if (line !== undefined) throw new UserError('a quoted field does not end', { code: 'IQ1102', place: { file, line } })
  return records
}
