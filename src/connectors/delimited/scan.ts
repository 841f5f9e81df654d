export interface Scanned {
  readonly line: number
  readonly values: readonly string[]
  /** The record as it stands in the source. */
  readonly text: string
  /** Of its bytes, where they were compared. */
  mac?: Buffer
  /** It is not well-formed; `values` mean nothing. */
  readonly fault?: string
}

export interface Scanner {
  /** Records that this piece of text completes. */
  push(text: string): Scanned[]
  /** The last record, where the text does not end with a newline. */
  end(): Scanned[]
  /** Line in which an open quoted field began; undefined when there is none. */
  openQuoteLine(): number | undefined
  /** Characters waiting for the end of their record. */
  pending(): number
  /** The next text begins in this line: what lies between was left out. */
  skipTo(line: number): void
}

/**
 * Cuts text into records and fields (RFC 4180, with any separator and quote of one character, LF, CR LF or CR). A line without a quote is cut by the
 * engine's own `split`, which is several times faster than looking at characters.
 */
export function createScanner(separator: string, quote: string): Scanner {
  let rest = ''
  let line = 1
  let newline: string | undefined
  let openLine: number | undefined

  const scan = (text: string, last: boolean): Scanned[] => {
    newline ??= newlineOf(text, last)
    if (newline === undefined) {
      rest = text
      return []
    }
    const records: Scanned[] = []
    let at = 0
    let nextQuote = text.indexOf(quote)
    openLine = undefined
    while (at < text.length) {
      if (nextQuote !== -1 && nextQuote < at) nextQuote = text.indexOf(quote, at)
      const found = text.indexOf(newline, at)
      const end = found === -1 ? text.length : found
      if (nextQuote === -1 || nextQuote > end) {
        if (found === -1 && !last) break
        const record = text.slice(at, newline === '\n' && text.charCodeAt(end - 1) === 13 && end > at ? end - 1 : end)
        if (record !== '') records.push({ line, values: record.split(separator), text: record })
        line++
        at = end + 1
        continue
      }
      const quoted = quotedRecord(text, at, separator, quote, newline, last)
      if (quoted === undefined) {
        openLine = line
        break
      }
      const { next, lines, ...record } = quoted
      records.push({ line, ...record })
      line += lines
      at = next
    }
    rest = text.slice(at)
    return records
  }
  return {
    push: (text) => scan(rest === '' ? text : rest + text, false),
    end: () => (rest === '' ? [] : scan(rest, true)),
    openQuoteLine: () => openLine,
    pending: () => rest.length,
    skipTo: (next) => {
      line = next
    },
  }
}

/** LF (with or without CR before it), or CR alone as old systems write it. Undefined: not to be told yet. */
function newlineOf(text: string, last: boolean): string | undefined {
  if (text.includes('\n')) return '\n'
  const cr = text.indexOf('\r')
  // a CR at the very end may be half of CR LF
  if (cr !== -1 && cr < text.length - 1) return '\r'
  return last ? '\n' : undefined
}

interface QuotedRecord {
  readonly values: string[]
  readonly text: string
  readonly fault?: string
  readonly next: number
  readonly lines: number
}

/** A record with quotes in it. Undefined when its end is not in the text. */
function quotedRecord(
  text: string,
  start: number,
  separator: string,
  quote: string,
  newline: string,
  last: boolean,
): QuotedRecord | undefined {
  const values: string[] = []
  let fault: string | undefined
  let at = start
  for (;;) {
    let value = ''
    const quoted = text[at] === quote
    if (quoted) {
      at++
      for (;;) {
        const close = text.indexOf(quote, at)
        if (close === -1) return undefined
        value += text.slice(at, close)
        at = close + 1
        if (at >= text.length && !last) return undefined
        if (text[at] !== quote) break
        value += quote
        at++
      }
    }
    const field = fieldEnd(text, at, separator, newline)
    if (field === -1 && !last) return undefined
    const stop = field === -1 ? text.length : field
    const atNewline = field === -1 || text.startsWith(newline, stop)
    const tail = text.slice(at, atNewline && newline === '\n' && text[stop - 1] === '\r' ? stop - 1 : stop)
    if (quoted && tail !== '') fault ??= 'text follows a closing quote'
    values.push(value + tail)
    at = stop + (atNewline ? newline.length : separator.length)
    if (!atNewline) continue
    const record = text.slice(start, stop)
    const lines = record.split(newline).length
    const clean = record.endsWith('\r') && newline === '\n' ? record.slice(0, -1) : record
    return { values, text: clean, next: at, lines, ...(fault === undefined ? {} : { fault }) }
  }
}

function fieldEnd(text: string, from: number, separator: string, newline: string): number {
  const [one, other] = [separator.charCodeAt(0), newline.charCodeAt(0)]
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === one || code === other) return at
  }
  return -1
}
