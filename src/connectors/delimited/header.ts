import { ConnectorError } from '../../base/errors.ts'
import type { Decoder } from '../decode.ts'
import type { DelimitedSettings } from './delimited.ts'

/** Of comma, semicolon, tab and bar the one that the header line holds most often outside quotes; comma for a single column. */
export function detectSeparator(line: string, quote: string): string {
  const counts = new Map<string, number>([',', ';', '\t', '|'].map((separator) => [separator, 0]))
  let quoted = false
  for (const char of line) {
    if (char === quote) quoted = !quoted
    else if (!quoted && counts.has(char)) counts.set(char, (counts.get(char) ?? 0) + 1)
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1])
  return best === undefined || best[1] === 0 ? ',' : best[0]
}

/** Undefined where bytes do not tell the records: UTF-16, lines that end with CR alone, a separator beyond ASCII. */
export function separatorOf(head: Buffer, decoder: Decoder, settings: DelimitedSettings): string | undefined {
  if (!head.includes(10) || decoder.encoding.startsWith('utf-16')) return undefined
  const first = decoder.decode(head.subarray(0, head.indexOf(10) + 1), false)
  const separator = settings.separator ?? detectSeparator(first.split(/[\r\n]/, 1)[0] ?? '', settings.quote)
  return separator.charCodeAt(0) > 127 || settings.quote.charCodeAt(0) > 127 ? undefined : separator
}

/** The columns' names. @throws ConnectorError IQ2003 for one that is empty or given twice */
export function columnNames(values: readonly string[], file: string): string[] {
  const names = values.map((value) => value.trim().normalize('NFC'))
  const seen = new Map<string, number>()
  names.forEach((name, index) => {
    const refuse = (what: string): never => {
      throw new ConnectorError(`${file}: ${what}`, {
        code: 'IQ2003',
        place: { file, line: 1 },
        hint: 'mend the header, or name the columns: connection: { header: false, columns: [...] }',
      })
    }
    if (name === '') refuse(`column ${index + 1} of the header has no name`)
    if (name.includes('\0') || !name.isWellFormed())
      refuse(`column ${index + 1} of the header holds bytes that are no text`)
    const other = seen.get(name)
    if (other !== undefined) refuse(`the header names "${name}" twice, in columns ${other} and ${index + 1}`)
    seen.set(name, index + 1)
  })
  return names
}
