import { createHash, hash as hashOf } from 'node:crypto'
import { createReadStream, type Stats, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { addAbortSignal, pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ConnectorError } from '../base/errors.ts'
import { createDecoder, type Decoder, type Encoding } from './decode.ts'

/** A text file or stream, read once, front to back, in pieces. */
export interface TextSource {
  readonly file: string
  /** Known after the first piece. */
  readonly encoding: Encoding | undefined
  readonly position: { readonly done: number; readonly total: number } | undefined
  texts(): AsyncGenerator<string>
  /** The same as bytes, without the byte order mark, for who decodes only some of them. A piece is good until the next one is asked for. */
  pieces(): AsyncGenerator<{ readonly bytes: Buffer; readonly decoder: Decoder }>
  /**
   * After the last piece: SHA-256 (hex) of the bytes as they lie in the source, that of its length and first bytes where it is a file, and whether
   * it stayed as it was meanwhile.
   */
  end(): { readonly digest: string; readonly beginning: string | undefined; readonly unchanged: boolean }
}

export interface TextSourceOptions {
  readonly file: string
  readonly encoding?: Encoding | undefined
  readonly stdin?: NodeJS.ReadableStream | undefined
  /** Ends the reading at once, also one that waits for bytes. */
  readonly signal: AbortSignal
}

const pieceSize = 1024 * 1024

/** @throws ConnectorError IQ2001 for what is absent, unreadable or no file */
export function openTextSource(options: TextSourceOptions): TextSource {
  const { file } = options
  const before = options.stdin === undefined ? statOf(file) : undefined
  const hash = createHash('sha256')
  let done = 0
  let digest = ''
  let beginning: string | undefined
  let encoding: Encoding | undefined

  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const chunk of before?.isFile() ? wholeFile(file, options.signal) : stream(options)) {
      if (done === 0 && before?.isFile()) beginning = beginningOf(before.size, chunk)
      hash.update(chunk)
      done += chunk.length
      yield chunk
    }
    digest = hash.digest('hex')
  }
  async function* pieces(): AsyncGenerator<{ bytes: Buffer; decoder: Decoder }> {
    try {
      let decoder: Decoder | undefined
      for await (let chunk of unzipped(bytes())) {
        if (decoder === undefined) {
          decoder = createDecoder(chunk, options.encoding)
          encoding = decoder.encoding
          chunk = chunk.subarray(decoder.bom)
        }
        yield { bytes: chunk, decoder }
      }
    } catch (error) {
      if (options.signal.aborted) return
      throw error instanceof ConnectorError ? error : readFault(file, error)
    }
  }
  return {
    file,
    get encoding() {
      return encoding
    },
    get position() {
      return before === undefined ? undefined : { done, total: before.size }
    },
    pieces,
    async *texts() {
      let last: Decoder | undefined
      for await (const { bytes, decoder } of pieces()) {
        last = decoder
        yield decoder.decode(bytes, false)
      }
      if (last !== undefined && !options.signal.aborted) yield last.decode(Buffer.alloc(0), true)
    },
    end: () => ({
      digest,
      beginning,
      unchanged: before === undefined || same(before, statSync(file, { throwIfNoEntry: false })),
    }),
  }
}

const beginningSize = 64 * 1024

/** Files that differ mostly differ in this. */
const beginningOf = (size: number, head: Buffer): string | undefined =>
  head.length < Math.min(size, beginningSize)
    ? undefined
    : hashOf('sha256', Buffer.concat([Buffer.from(`${size} `), head.subarray(0, beginningSize)]))

/** The same of a file that was not opened yet. */
export async function beginningOfFile(file: string): Promise<string | undefined> {
  const size = statOf(file).size
  return beginningOf(size, await headOf(file, beginningSize))
}

/** Two buffers for all pieces: one is read while the other is used, which ends when the next piece is asked for. */
async function* wholeFile(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const handle = await open(file)
  const read = (buffer: Buffer) => handle.read(buffer, 0, pieceSize)
  let [buffer, other] = [Buffer.allocUnsafeSlow(pieceSize), Buffer.allocUnsafeSlow(pieceSize)]
  let reading = read(buffer)
  try {
    while (!signal.aborted) {
      const { bytesRead } = await reading
      if (bytesRead === 0) return
      reading = read(other)
      // told when its piece is asked for
      reading.catch(() => undefined)
      yield buffer.subarray(0, bytesRead)
      ;[buffer, other] = [other, buffer]
    }
    signal.throwIfAborted()
  } finally {
    await reading.catch(() => undefined)
    await handle.close()
  }
}

async function* stream({ file, stdin, signal }: TextSourceOptions): AsyncGenerator<Buffer> {
  const raw = stdin ?? createReadStream(file, { highWaterMark: pieceSize })
  addAbortSignal(signal, raw as Readable)
  for await (const piece of raw as AsyncIterable<Buffer | string>)
    yield typeof piece === 'string' ? Buffer.from(piece) : piece
}

const same = (before: Stats, after: Stats | undefined): boolean =>
  after !== undefined && before.ino === after.ino && before.size === after.size && before.mtimeMs === after.mtimeMs

function statOf(file: string): Stats {
  try {
    const stat = statSync(file)
    if (stat.isFile() || stat.isFIFO() || stat.isCharacterDevice()) return stat
  } catch (error) {
    throw readFault(file, error)
  }
  throw new ConnectorError(`${file} is a directory, not a file`, {
    code: 'IQ2001',
    hint: 'connection.file names the file to read',
  })
}

function readFault(file: string, error: unknown): ConnectorError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return new ConnectorError(`there is no file ${file}`, {
      code: 'IQ2001',
      hint: 'connection.file is relative to the application’s file',
      cause: error,
    })
  if (code === 'EACCES')
    return new ConnectorError(`${file} may not be read`, { code: 'IQ2001', hint: 'check its mode', cause: error })
  return new ConnectorError(`${file} could not be read to its end: ${message}`, {
    code: 'IQ2004',
    hint: 'fetch the file again',
    cause: error,
  })
}

/** The first two bytes tell gzip, whatever the name says. */
async function* unzipped(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    const first = await source.next()
    if (first.done === true) return
    const whole = async function* (): AsyncGenerator<Buffer> {
      yield first.value
      yield* source
    }
    if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
      yield* whole()
      return
    }
    const gunzip = createGunzip()
    // a failure on either side destroys the other, and ends the loop below with the error
    pipeline(Readable.from(copies(whole())), gunzip, () => undefined)
    yield* gunzip as AsyncIterable<Buffer>
  } finally {
    await source.return(undefined)
  }
}

/** A stream holds pieces back. */
async function* copies(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

/** The first bytes of a file, for looking at it. */
export async function headOf(file: string, size: number): Promise<Buffer> {
  statOf(file)
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
