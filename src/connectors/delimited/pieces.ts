import { hash } from 'node:crypto'
import type { SeenSlots } from '../../model/seen-records.ts'
import type { Decoder } from '../decode.ts'
import type { TextSource } from '../text-source.ts'
import { type BytesPiece, waitAtMost } from './byte-pieces.ts'
import { RecordCutter, type Region } from './cut.ts'
import type { DelimitedSettings } from './delimited.ts'
import { separatorOf } from './header.ts'

/** A part of a delimited file: text that is to be parsed, or records as bytes. */
export type Piece = TextPiece | RecordsPiece | SeenPiece | BytesPiece

export interface TextPiece {
  readonly text: string
  /** In which it begins, where something before it was left out. */
  readonly line?: number
}

export interface RecordsPiece {
  readonly region: Region
  readonly decoder: Decoder
  readonly separator: number
}

interface SeenPiece {
  /** Records left out before it. */
  readonly seen: number
}

export async function* allPieces(source: TextSource): AsyncGenerator<Piece> {
  for await (const text of source.texts()) yield { text }
}

/**
 * Only what is not known from the last read. Files in which bytes do not tell where a record ends (UTF-16, lines that end with CR alone, a
 * separator beyond ASCII) are handed over whole.
 */
export async function* unseenPieces(
  source: TextSource,
  settings: DelimitedSettings,
  known: SeenSlots,
): AsyncGenerator<Piece> {
  let cutter: RecordCutter | undefined
  let decoder: Decoder | undefined
  for await (const { bytes, decoder: by } of source.pieces()) {
    if (decoder === undefined) cutter = cutterFor(bytes, by, settings, known)
    decoder = by
    if (cutter === undefined) yield { text: by.decode(bytes, false) }
    else yield* cut(cutter, by, bytes)
  }
  if (decoder === undefined) return
  if (cutter === undefined) {
    yield { text: decoder.decode(Buffer.alloc(0), true) }
    return
  }
  // the last line is a line, whether or not it ends like one
  if (cutter.rest().bytes.length > 0) yield* cut(cutter, decoder, Buffer.from('\n'))
  const { bytes, line } = cutter.rest()
  if (bytes.length > 0) yield { text: decoder.decode(bytes.subarray(0, -1), true), line }
}

function* cut(cutter: RecordCutter, decoder: Decoder, bytes: Buffer): Generator<Piece> {
  for (const region of cutter.push(bytes)) yield { region, decoder, separator: cutter.separator }
  yield { seen: cutter.takeSeen() }
  const { bytes: rest, line } = cutter.rest()
  if (rest.length > waitAtMost) yield { text: decoder.decode(rest, false), line }
}

function cutterFor(
  head: Buffer,
  decoder: Decoder,
  settings: DelimitedSettings,
  known: SeenSlots,
): RecordCutter | undefined {
  const separator = separatorOf(head, decoder, settings)
  if (separator === undefined) return undefined
  const meaning = JSON.stringify([separator, settings.quote, decoder.encoding, settings.columns])
  return new RecordCutter({
    separator: separator.charCodeAt(0),
    quote: settings.quote.charCodeAt(0),
    header: settings.header,
    known,
    key: (header) => hash('sha256', Buffer.concat([known.key, Buffer.from(meaning), header]), 'buffer').subarray(0, 16),
  })
}
