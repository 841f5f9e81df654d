import { recordsWasm } from './records-wasm.ts'

/** Finds records in bytes, and hashes them, a million in an eighth of a second: code in JavaScript needs eight times as long, most of it for calls. */
export interface RecordFinder {
  /** Where the bytes are to be written; another one after `reserve`. */
  readonly bytes: Buffer
  /** Where in `bytes` they may begin. */
  readonly first: number
  /** Makes room for bytes up to there; what is there stays. */
  reserve(end: number): void
  /** 16 bytes that the hashes depend on. */
  setKey(key: Buffer): void
  /** Whole records of these bytes, at most so many, four numbers each: where it ends, its lines, the halves of its hash. Good until the next call. */
  find(start: number, end: number, most: number): Int32Array
}

/** What is used of it; the types of browsers have the rest. */
declare global {
  namespace WebAssembly {
    const Module: new (code: Uint8Array) => object
    const Instance: new (module: object) => { readonly exports: unknown }
  }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  cut(at: number, to: number, separator: number, quote: number, most: number): number
}

const page = 65_536
const foundAt = 1024
/** Bytes are looked at in sixteens. */
const beyond = 16
/** So many records are found at once, at most. */
export const mostRecords = (page - foundAt) / 16

let compiled: object | undefined

export function createRecordFinder(separator: number, quote: number): RecordFinder {
  compiled ??= new WebAssembly.Module(Buffer.from(recordsWasm, 'base64'))
  const { memory, cut } = new WebAssembly.Instance(compiled).exports as Exports
  let bytes = Buffer.from(memory.buffer)
  let found = new Int32Array(memory.buffer, foundAt, 4 * mostRecords)
  return {
    get bytes() {
      return bytes
    },
    first: page,
    reserve(end) {
      const missing = Math.ceil((end + beyond - bytes.length) / page)
      if (missing <= 0) return
      memory.grow(missing)
      bytes = Buffer.from(memory.buffer)
      found = new Int32Array(memory.buffer, foundAt, 4 * mostRecords)
    },
    setKey: (key) => void key.copy(bytes, 0, 0, 16),
    find: (start, end, most) => found.subarray(0, 4 * cut(start, end, separator, quote, Math.min(most, mostRecords))),
  }
}
