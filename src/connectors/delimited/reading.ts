import { ConnectorError } from '../../base/errors.ts'
import type { Evidence, Reject } from '../../model/result.ts'
import type { ConnectorContext, Reading, RecordBatch, SourceRecord } from '../connector.ts'
import { escapedByte } from '../decode.ts'
import { judgeEvidence } from '../evidence.ts'
import type { TextSource } from '../text-source.ts'
import type { DelimitedSettings } from './delimited.ts'
import { columnNames, detectSeparator } from './header.ts'
import { createScanner, type Scanned, type Scanner } from './scan.ts'

const batchSize = 1000
/** Characters of one record: more means that a quote was never closed. */
const recordLimit = 16 * 1024 * 1024
const fragmentLength = 200

interface State {
  scanner: Scanner | undefined
  columns: readonly string[] | undefined
  rows: number
  cut: string | undefined
  /** With a trailer configured the last record waits: it may be the trailer. */
  held: Scanned | undefined
  trailerRows: number | undefined
}

export function createDelimitedReading(
  context: ConnectorContext<DelimitedSettings>,
  source: TextSource,
  limit: number | undefined,
): Reading {
  const { settings, signal } = context
  const state: State = {
    scanner: undefined,
    columns: settings.columns,
    rows: 0,
    cut: undefined,
    held: undefined,
    trailerRows: undefined,
  }
  const trailer = trailerOf(settings)
  let evidence: Evidence | undefined

  async function* batches(): AsyncGenerator<RecordBatch> {
    let first = ''
    for await (const text of source.texts()) {
      if (signal.aborted || (limit !== undefined && state.rows >= limit)) {
        state.cut = 'stopped early'
        break
      }
      first += state.scanner === undefined ? text : ''
      // the separator can be told only from a whole line
      if (state.scanner === undefined && !/[\r\n]/.test(first)) continue
      const piece = state.scanner === undefined ? first : text
      yield* handOver(scannerFor(first).push(piece))
      guardSize()
    }
    if (signal.aborted) state.cut = 'stopped early'
    if (state.cut === undefined) {
      if (state.scanner === undefined && first !== '') yield* handOver(scannerFor(first).push(first))
      yield* finish()
    }
    if (state.cut === undefined && state.scanner === undefined)
      throw new ConnectorError(`${source.file} is empty`, { code: 'IQ2002', hint: 'not even a header is there' })
    // the columns are told also where no row follows them
    if (state.rows === 0 && state.columns !== undefined) yield batchOf([], [])
    const { digest, unchanged } = source.end()
    const { rows, cut, trailerRows } = state
    evidence = judgeEvidence(settings.evidence, {
      file: source.file,
      folder: context.folder,
      rows,
      digest,
      unchanged,
      cut,
      trailerRows,
    })
  }

  const scannerFor = (text: string): Scanner => {
    state.scanner ??= createScanner(
      settings.separator ?? detectSeparator(text.split(/[\r\n]/, 1)[0] ?? '', settings.quote),
      settings.quote,
    )
    return state.scanner
  }
  const guardSize = (): void => {
    if ((state.scanner?.pending() ?? 0) <= recordLimit) return
    const line = state.scanner?.openQuoteLine()
    throw new ConnectorError(
      line === undefined
        ? `${source.file}: a record is longer than 16 Mi characters`
        : `${source.file}: the quote opened in line ${line} is not closed within 16 Mi characters`,
      { code: 'IQ2108', place: { file: source.file, line }, hint: 'check separator, quote and encoding' },
    )
  }
  function* finish(): Generator<RecordBatch> {
    const { scanner } = state
    if (scanner === undefined) return
    yield* handOver(scanner.end())
    const line = scanner.openQuoteLine()
    if (line !== undefined) {
      state.cut = 'the file ends inside a quoted field'
      const reason = `the quoted field that begins in line ${line} does not end`
      yield batchOf([], [{ code: 'IQ2107', reason, file: source.file, line, untrusted: true }])
    }
    const { held } = state
    state.held = undefined
    if (held === undefined) return
    const rows = trailer?.exec(held.text)?.groups?.rows
    if (rows === undefined) yield* handOver([held], true)
    else state.trailerRows = Number(rows)
  }
  const batchOf = (records: SourceRecord[], rejects: RecordBatch['rejects']): RecordBatch => {
    state.rows += records.length + rejects.length
    return {
      file: source.file,
      declared: true,
      columns: state.columns ?? [],
      records,
      rejects,
      position: source.position,
    }
  }

  function* handOver(scanned: Scanned[], all = false): Generator<RecordBatch> {
    if (state.columns === undefined || (settings.header && state.rows === 0 && !headerDone)) {
      const header = scanned.shift()
      if (header === undefined) return
      headerDone = true
      const names = columnNames(header.values, source.file)
      state.columns = settings.columns ?? names
    }
    const records = trailer === undefined || all ? scanned : hold(scanned)
    for (let at = 0; at < records.length; at += batchSize) {
      const room = limit === undefined ? batchSize : Math.min(batchSize, limit - state.rows)
      if (room < Math.min(batchSize, records.length - at)) state.cut = 'stopped early'
      if (room <= 0) break
      yield toBatch(records.slice(at, at + room))
    }
  }
  let headerDone = !settings.header
  const hold = (scanned: Scanned[]): Scanned[] => {
    const records = state.held === undefined ? scanned : [state.held, ...scanned]
    state.held = records.pop()
    return records
  }
  const toBatch = (scanned: readonly Scanned[]): RecordBatch => {
    const records: SourceRecord[] = []
    const rejects: (Reject & { untrusted: boolean })[] = []
    const columns = state.columns ?? []
    for (const one of scanned) {
      const fault = faultOf(one, columns)
      if (fault === undefined) records.push(one)
      else rejects.push({ ...fault, file: source.file, line: one.line, fragment: shown(one.text), untrusted: true })
    }
    return batchOf(records, rejects)
  }
  return {
    batches,
    evidence: () => evidence ?? { level: 'partial', reason: state.cut ?? 'not read to its end' },
  }
}

const shown = (text: string): string => text.slice(0, fragmentLength).toWellFormed().replaceAll('\0', '\uFFFD')

function trailerOf(settings: DelimitedSettings): RegExp | undefined {
  if (settings.evidence === undefined || !('trailer' in settings.evidence)) return undefined
  const { trailer } = settings.evidence
  try {
    return new RegExp(trailer, 'u')
  } catch (error) {
    throw new ConnectorError(`connection.evidence.trailer is no regular expression: ${(error as Error).message}`, {
      code: 'IQ2005',
      hint: 'for example "^END;(?<rows>[0-9]+)$"',
      cause: error,
    })
  }
}

function faultOf(record: Scanned, columns: readonly string[]): Pick<Reject, 'code' | 'reason' | 'column'> | undefined {
  if (record.fault !== undefined) return { code: 'IQ2107', reason: record.fault }
  if (record.values.length !== columns.length)
    return {
      code: 'IQ2103',
      reason: `${record.values.length} fields where the header has ${columns.length}`,
    }
  if (!record.text.includes('\0') && record.text.isWellFormed()) return undefined
  const index = record.values.findIndex((value) => value.includes('\0') || !value.isWellFormed())
  const column = columns[index]
  return { code: 'IQ2106', column, reason: `${column ?? 'the row'} holds ${unkept(record.values[index] ?? '')}` }
}

/** What cannot be kept, and where in the field it is. */
function unkept(value: string): string {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === 0) return `a NUL at character ${at + 1}`
    const byte = escapedByte(code)
    if (byte !== undefined && !/[\ud800-\udbff]/.test(value[at - 1] ?? ''))
      return `a byte that is no text (0x${byte.toString(16)}) at character ${at + 1}; is the encoding right?`
  }
  return 'half of a character pair'
}
