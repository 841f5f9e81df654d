import { closeSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../../base/errors.ts'
import { type GroupBytes, sizeOf } from './group-bytes.ts'

const pieceSize = 256 * 1024

/** Runs of groups, each in the order of its keys, one after the other in a file that nobody believes after a crash. */
export class GroupFile {
  readonly #path: string
  #handle: number | undefined
  #end = 0
  readonly #runs: { readonly from: number; readonly to: number }[] = []

  constructor(path: string) {
    this.#path = path
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  write(groups: Iterable<GroupBytes>): void {
    const handle = this.#opened()
    const from = this.#end
    let piece = Buffer.allocUnsafeSlow(pieceSize)
    let filled = 0
    const flush = (): void => {
      writeAll(handle, piece.subarray(0, filled), this.#end, this.#path)
      this.#end += filled
      filled = 0
    }
    for (const group of groups) {
      const size = sizeOf(group)
      if (filled + size > piece.length) flush()
      if (size > piece.length) piece = Buffer.allocUnsafeSlow(size)
      group.bytes.copy(piece, filled, group.at, group.at + size)
      filled += size
    }
    flush()
    this.#runs.push({ from, to: this.#end })
  }

  runs(): Iterator<GroupBytes>[] {
    return this.#runs.map(({ from, to }) => readRun(this.#opened(), from, to))
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }

  #opened(): number {
    if (this.#handle !== undefined) return this.#handle
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    this.#handle = openSync(this.#path, 'w+', 0o600)
    return this.#handle
  }
}

function writeAll(handle: number, bytes: Buffer, from: number, path: string): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, bytes.length - done, from + done)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StoreError(`records that wait for others of their account cannot be written to ${path} (${code})`, {
      code: 'IQ6006',
      hint: 'free space, then run again',
      cause,
    })
  }
}

/** The groups of a run, each good until the next. */
function* readRun(handle: number, from: number, to: number): Generator<GroupBytes> {
  let bytes = Buffer.allocUnsafeSlow(pieceSize)
  let [at, end, read] = [0, 0, from]
  for (;;) {
    const size = end - at < 4 ? undefined : bytes.readUInt32LE(at)
    if (size !== undefined && size <= end - at) {
      yield { bytes, at }
      at += size
      continue
    }
    if (read === to) return
    const larger = size !== undefined && size > bytes.length ? Buffer.allocUnsafeSlow(size) : bytes
    bytes.copy(larger, 0, at, end)
    bytes = larger
    end -= at
    at = 0
    const got = readSync(handle, bytes, end, Math.min(bytes.length - end, to - read), read)
    if (got === 0) throw new Error('rows that wait for others of their account are gone')
    end += got
    read += got
  }
}
