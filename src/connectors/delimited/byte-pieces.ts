import type { Decoder } from '../decode.ts'
import type { TextSource } from '../text-source.ts'
import type { DelimitedSettings } from './delimited.ts'
import { separatorOf } from './header.ts'
import type { TextPiece } from './pieces.ts'

/** Bytes from the beginning of a record on; whoever takes records from them says how far that went. */
export interface BytesPiece {
  readonly bytes: Buffer
  readonly decoder: Decoder
  readonly separator: number
  /** Where the first record begins that was not taken, and in which line. */
  at: number
  line: number
}

/** Bytes that wait for the end of their record; more than that is handed over, so that the reader can tell what is wrong. */
export const waitAtMost = 17 * 1024 * 1024

/** All bytes, for who takes records as they stand; what is not taken comes again, with what follows it. */
export async function* bytePieces(
  source: TextSource,
  settings: DelimitedSettings,
): AsyncGenerator<TextPiece | BytesPiece> {
  let waiting: WaitingBytes | undefined
  let decoder: Decoder | undefined
  for await (const { bytes, decoder: by } of source.pieces()) {
    if (decoder === undefined) {
      const separator = separatorOf(bytes, by, settings)
      waiting = separator === undefined ? undefined : new WaitingBytes(by, separator.charCodeAt(0))
    }
    decoder = by
    if (waiting === undefined) yield { text: by.decode(bytes, false) }
    else yield* waiting.push(bytes)
  }
  // the last line is a line, whether or not it ends like one
  if (waiting?.isEmpty === false) yield* waiting.push(lineEnd)
  if (waiting !== undefined) yield* waiting.rest()
  if (decoder !== undefined) yield { text: decoder.decode(Buffer.alloc(0), true) }
}

const lineEnd = Buffer.from('\n')

/** Bytes that wait for whoever takes records from them. */
class WaitingBytes implements BytesPiece {
  readonly decoder: Decoder
  readonly separator: number
  at = 0
  line = 1
  #buffer = Buffer.allocUnsafeSlow(2 << 20)
  #end = 0

  constructor(decoder: Decoder, separator: number) {
    this.decoder = decoder
    this.separator = separator
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  get isEmpty(): boolean {
    return this.at === this.#end
  }

  *push(bytes: Buffer): Generator<TextPiece | BytesPiece> {
    const waits = this.#end - this.at
    const larger =
      waits + bytes.length > this.#buffer.length ? Buffer.allocUnsafeSlow(2 * (waits + bytes.length)) : this.#buffer
    this.#buffer.copy(larger, 0, this.at, this.#end)
    this.#buffer = larger
    bytes.copy(larger, waits)
    this.#end = waits + bytes.length
    this.at = 0
    yield this
    if (this.#end - this.at > waitAtMost) yield* this.rest()
  }

  /** The end of a record that does not end. */
  *rest(): Generator<TextPiece | BytesPiece> {
    const { bytes, at, line } = this
    this.at = this.#end
    if (at < bytes.length) yield { text: this.decoder.decode(bytes.subarray(at), false), line }
  }
}
