/** Control characters of data, made visible: they could move the cursor, recolour or rename the window. Newline and tab of our own stay. */
export const visible = (text: string): string =>
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) =>
    char === '\n' ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )

/** The same on one line, at most `length` characters. */
export function visibleLine(text: string, length: number): string {
  const line = visible(text.replace(/[\s\u2028\u2029]+/g, ' ')).trim()
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}
