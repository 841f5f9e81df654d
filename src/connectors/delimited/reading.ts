import { ConnectorError } from '../../base/errors.ts'
import type { Reject } from '../../model/result.ts'
import type { SeenSlots } from '../../model/seen-records.ts'
import type { ConnectorContext, ReadOptions, RecordBatch, RecordTaker, SourceRecord } from '../connector.ts'
import { type FileFacts, trailerOf } from '../evidence.ts'
import type { FileReading } from '../files.ts'
import type { TextSource } from '../text-source.ts'
import { type BytesPiece, bytePieces } from './byte-pieces.ts'
import { recordEnd, recordsEnd } from './cut.ts'
import type { DelimitedSettings } from './delimited.ts'
import { faultOf } from './fault.ts'
import { columnNames, detectSeparator } from './header.ts'
import { allPieces, type Piece, type RecordsPiece, unseenPieces } from './pieces.ts'
import { createScanner, type Scanned, type Scanner } from './scan.ts'

const batchSize = 1000
const newline = 10
/** Characters of one record: more means that a quote was never closed. */
const recordLimit = 16 * 1024 * 1024
const fragmentLength = 200

/** One read of a delimited file, front to back. */
export class DelimitedReading implements FileReading {
  readonly #context: ConnectorContext<DelimitedSettings>
  readonly #source: TextSource
  readonly #limit: number
  readonly #trailer: RegExp | undefined
  #scanner: Scanner | undefined
  #columns: readonly string[] | undefined
  #headerDone: boolean
  #rows = 0
  /** Records that were taken and not told of: a batch for each region would cost more than the rest of them. */
  #untold = 0
  /** Why this is known to be only a part. */
  #cut: string | undefined
  /** With a trailer configured the last record waits: it may be the trailer. */
  #held: Scanned | undefined
  #trailerRows: number | undefined

  readonly #seen: SeenSlots | undefined
  readonly #takers: ReadOptions['taker']
  /** Of the source's files this one. */
  readonly #number: number
  #taker: { readonly by: RecordTaker | undefined } | undefined

  constructor(
    context: ConnectorContext<DelimitedSettings>,
    source: TextSource,
    { limit, seen, taker }: ReadOptions,
    number = 0,
  ) {
    this.#context = context
    this.#source = source
    this.#seen = seen
    this.#takers = taker
    this.#number = number
    this.#limit = limit ?? Number.POSITIVE_INFINITY
    this.#trailer = trailerOf(context.settings.evidence)
    this.#columns = context.settings.columns
    this.#headerDone = !context.settings.header
  }

  async *batches(): AsyncGenerator<RecordBatch> {
    let head = ''
    for await (const piece of this.#pieces()) {
      if (this.#context.signal.aborted || this.#rows >= this.#limit) break
      if ('seen' in piece) {
        if (piece.seen + this.#untold > 0) yield this.#batch([], [], { seen: piece.seen, taken: this.#tellTaken() })
        continue
      }
      if ('region' in piece) {
        yield* this.#records(piece)
        continue
      }
      if ('bytes' in piece) {
        yield* this.#taken(piece)
        continue
      }
      let { text } = piece
      if (this.#scanner === undefined) {
        head += text
        // the separator can be told only from a whole line
        if (!/[\r\n]/.test(head)) continue
        text = head
      }
      const scanner = this.#scanner ?? this.#openScanner(head)
      if (piece.line !== undefined) scanner.skipTo(piece.line)
      yield* this.#handOver(scanner.push(text))
      this.#refuseEndlessRecord()
    }
    if (this.#context.signal.aborted || this.#rows >= this.#limit) this.#cut ??= 'stopped early'
    else {
      if (this.#scanner === undefined && head !== '') yield* this.#handOver(this.#openScanner(head).push(head))
      if (this.#scanner === undefined)
        throw new ConnectorError(`${this.#source.file} is empty`, {
          code: 'IQ2002',
          hint: 'not even a header is there',
        })
      yield* this.#finish(this.#scanner)
    }
    // the columns are told also where no row follows them
    if (this.#rows === 0 && this.#columns !== undefined) yield this.#batch([], [])
  }

  /** Whole records: those that the taker does not want are parsed. */
  *#records({ region, decoder, separator }: RecordsPiece): Generator<RecordBatch> {
    const { bytes, macs } = region
    const parse = (from: number, to: number, line: number, of: readonly number[]): Generator<RecordBatch> =>
      this.#handOver(withMacs(this.#scan(decoder.decode(bytes.subarray(from, to), false), line), of))
    const quote = this.#context.settings.quote.charCodeAt(0)
    const taker = this.#takerFor(separator, quote)
    if (taker === undefined) {
      yield* parse(0, bytes.length, region.line, macs)
      return
    }
    let [line, at] = [region.line, 0]
    for (let i = 0; i < macs.length; i += 2) {
      const [low, high] = [macs[i] ?? 0, macs[i + 1] ?? 0]
      const next = taker.take(bytes, at, line, low, high)
      if (next !== -1) {
        at = next
        line++
        if (++this.#untold < batchSize) continue
      }
      if (this.#untold > 0) yield this.#batch([], [], { taken: this.#tellTaken() })
      if (next !== -1) continue
      const end = recordEnd(bytes, at, separator, quote)
      yield* parse(at, end, line, [low, high])
      for (; at < end; at++) if (bytes[at] === newline) line++
    }
  }

  #tellTaken(): number {
    const taken = this.#untold
    this.#untold = 0
    return taken
  }

  /** Records that the taker wants, as far as they are whole; without one, everything is parsed. */
  *#taken(piece: BytesPiece): Generator<RecordBatch> {
    const { bytes, decoder, separator } = piece
    const quote = this.#context.settings.quote.charCodeAt(0)
    let taken = 0
    let refused = 1
    while (piece.at < bytes.length) {
      const taker = this.#takerFor(separator, quote)
      const next = taker?.take(bytes, piece.at, piece.line, 0, 0) ?? -1
      if (next !== -1) {
        piece.at = next
        piece.line++
        refused = 1
        if (++taken < batchSize) continue
      }
      if (taken > 0) yield this.#batch([], [], { taken })
      taken = 0
      if (next !== -1) continue
      const whole = this.#headerDone && taker === undefined
      const end = whole ? bytes.length : recordsEnd(bytes, piece.at, separator, quote, refused)
      if (end === piece.at) return
      // where one is refused, those after it may well be
      if (this.#headerDone) refused = Math.min(2 * refused, batchSize)
      yield* this.#handOver(this.#scan(decoder.decode(bytes.subarray(piece.at, end), false), piece.line))
      for (; piece.at < end; piece.at++) if (bytes[piece.at] === newline) piece.line++
    }
    if (taken > 0) yield this.#batch([], [], { taken })
  }

  #scan(text: string, line: number): Scanned[] {
    const scanner = this.#scanner ?? this.#openScanner(text)
    if (scanner.pending() === 0) scanner.skipTo(line)
    return scanner.push(text)
  }

  #takerFor(separator: number, quote: number): RecordTaker | undefined {
    if (!this.#headerDone || this.#columns === undefined) return undefined
    this.#taker ??= { by: this.#takers?.(this.#columns, { file: this.#number, separator, quote }) }
    return this.#taker.by
  }

  /** A trailer can be told from a record only by its place at the end. */
  #pieces(): AsyncIterable<Piece> {
    const { settings } = this.#context
    if (this.#trailer !== undefined) return allPieces(this.#source)
    if (this.#seen !== undefined) return unseenPieces(this.#source, settings, this.#seen)
    return this.#takers === undefined ? allPieces(this.#source) : bytePieces(this.#source, settings)
  }

  facts(): FileFacts {
    const { file } = this.#source
    return { file, rows: this.#rows, ...this.#source.end(), cut: this.#cut, trailerRows: this.#trailerRows }
  }

  #openScanner(head: string): Scanner {
    const { separator, quote } = this.#context.settings
    this.#scanner = createScanner(separator ?? detectSeparator(head.split(/[\r\n]/, 1)[0] ?? '', quote), quote)
    return this.#scanner
  }

  #refuseEndlessRecord(): void {
    if ((this.#scanner?.pending() ?? 0) <= recordLimit) return
    const { file } = this.#source
    const line = this.#scanner?.openQuoteLine()
    throw new ConnectorError(
      line === undefined
        ? `${file}: a record is longer than 16 Mi characters`
        : `${file}: the quote opened in line ${line} is not closed within 16 Mi characters`,
      { code: 'IQ2108', place: { file, line }, hint: 'check separator, quote and encoding' },
    )
  }

  *#finish(scanner: Scanner): Generator<RecordBatch> {
    yield* this.#handOver(scanner.end())
    const line = scanner.openQuoteLine()
    if (line !== undefined) {
      this.#cut = 'the file ends inside a quoted field'
      const reason = `the quoted field that begins in line ${line} does not end`
      yield this.#batch([], [{ code: 'IQ2107', reason, file: this.#source.file, line, untrusted: true }])
    }
    const held = this.#held
    this.#held = undefined
    if (held === undefined) return
    const rows = this.#trailer?.exec(held.text)?.groups?.rows
    if (rows === undefined) yield this.#toBatch([held])
    else this.#trailerRows = Number(rows)
  }

  *#handOver(scanned: Scanned[]): Generator<RecordBatch> {
    if (!this.#headerDone) {
      const header = scanned.shift()
      if (header === undefined) return
      this.#headerDone = true
      this.#columns = this.#context.settings.columns ?? columnNames(header.values, this.#source.file)
    }
    const records = this.#trailer === undefined ? scanned : this.#holdLast(scanned)
    for (let at = 0; at < records.length && this.#rows < this.#limit; ) {
      const end = Math.min(records.length, at + batchSize, at + this.#limit - this.#rows)
      yield this.#toBatch(records.slice(at, end))
      at = end
    }
  }

  #holdLast(scanned: Scanned[]): Scanned[] {
    const records = this.#held === undefined ? scanned : [this.#held, ...scanned]
    this.#held = records.pop()
    return records
  }

  #toBatch(scanned: readonly Scanned[]): RecordBatch {
    const records: SourceRecord[] = []
    const rejects: (Reject & { untrusted: boolean })[] = []
    const columns = this.#columns ?? []
    const { file } = this.#source
    for (const one of scanned) {
      const fault = faultOf(one, columns)
      if (fault === undefined) records.push(one)
      else rejects.push({ ...fault, file, line: one.line, fragment: shown(one.text), untrusted: true })
    }
    return this.#batch(records, rejects)
  }

  #batch(
    records: readonly SourceRecord[],
    rejects: RecordBatch['rejects'],
    { seen = 0, taken = 0 }: Pick<RecordBatch, 'seen' | 'taken'> = {},
  ): RecordBatch {
    this.#rows += records.length + rejects.length + seen + taken
    const { file, position } = this.#source
    return { file, declared: true, columns: this.#columns ?? [], records, rejects, seen, taken, position }
  }
}

/** Bytes and text are cut by the same rules; a hash at the wrong record would hide a change. */
function withMacs(scanned: Scanned[], macs: readonly number[]): Scanned[] {
  if (macs.length !== 2 * scanned.length)
    throw new Error(`${macs.length / 2} records by their bytes are ${scanned.length} by their text`)
  scanned.forEach((one, index) => {
    const [low, high] = [macs[2 * index] ?? 0, macs[2 * index + 1] ?? 0]
    if ((low | high) !== 0) one.mac = Buffer.from(Int32Array.of(low, high).buffer)
  })
  return scanned
}

const shown = (text: string): string => text.slice(0, fragmentLength).toWellFormed().replaceAll('\0', '\uFFFD')
