import { isAscii, isUtf8 } from 'node:buffer'

export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'latin1', 'windows-1252'] as const
export type Encoding = (typeof encodings)[number]

export interface Decoder {
  readonly encoding: Encoding
  /** Length of the byte order mark at the beginning of the data. */
  readonly bom: number
  /** Text of the bytes so far; an incomplete character waits for the next call. A byte that cannot be decoded becomes U+DC00 + byte. */
  decode(bytes: Buffer, last: boolean): string
}

/** A byte that is no text, as a lone surrogate: it can be found again and never passes for a character. */
const escaped = (byte: number): string => String.fromCharCode(0xdc00 + byte)
export const escapedByte = (code: number): number | undefined =>
  code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : undefined

/** By byte order mark, else by the zero bytes of UTF-16, else UTF-8 (domain: declared or detected). */
export function createDecoder(head: Buffer, declared: Encoding | undefined): Decoder {
  const { encoding, bom } = detect(head)
  const chosen = declared ?? encoding
  return { encoding: chosen, bom: chosen === encoding ? bom : 0, decode: decoders[chosen]() }
}

function detect(head: Buffer): { encoding: Encoding; bom: number } {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', bom: 3 }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', bom: 2 }
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', bom: 2 }
  const sample = head.subarray(0, 4096)
  let even = 0
  let odd = 0
  for (let i = 0; i + 1 < sample.length; i += 2) {
    if (sample[i] === 0) even++
    if (sample[i + 1] === 0) odd++
  }
  const pairs = Math.floor(sample.length / 2)
  if (pairs > 4 && odd > pairs * 0.7 && even < pairs * 0.1) return { encoding: 'utf-16le', bom: 0 }
  if (pairs > 4 && even > pairs * 0.7 && odd < pairs * 0.1) return { encoding: 'utf-16be', bom: 0 }
  return { encoding: 'utf-8', bom: 0 }
}

type Decode = Decoder['decode']

/** Keeps the bytes of an unfinished character for the next call; `tail` says how many there are. */
function carrying(tail: (bytes: Buffer) => number, text: (bytes: Buffer) => string): Decode {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes, last) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const keep = last ? 0 : tail(all)
    // the bytes may be written over
    rest = Buffer.from(all.subarray(all.length - keep))
    return text(all.subarray(0, all.length - keep))
  }
}

/** The bytes that `createDecoder` made this text of, escaped ones as they were. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  return Buffer.concat(
    text.split(/([\udc80-\udcff])/).map((part) => {
      const byte = part.length === 1 ? escapedByte(part.charCodeAt(0)) : undefined
      if (byte !== undefined) return Buffer.from([byte])
      if (encoding === 'utf-8') return Buffer.from(part, 'utf8')
      return Buffer.from(Array.from(part, (char) => (encoding === 'latin1' ? char.charCodeAt(0) : byteOf(char))))
    }),
  )
}

function byteOf(char: string): number {
  const at = char === '\0' ? -1 : high.indexOf(char)
  return at < 0 ? char.charCodeAt(0) : 0x80 + at
}

const decoders: Readonly<Record<Encoding, () => Decode>> = {
  'utf-8': () => carrying(utf8Tail, utf8Text),
  'utf-16le': () => carrying((bytes) => bytes.length % 2, utf16Text),
  'utf-16be': () =>
    carrying(
      (bytes) => bytes.length % 2,
      (bytes) => utf16Text(Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16()),
    ),
  latin1: () => (bytes) => bytes.toString('latin1'),
  'windows-1252': () => windows1252,
}

/** A high surrogate at the end is completed by the scanner: texts are joined before they are cut into records. */
const utf16Text = (bytes: Buffer): string => bytes.toString('utf16le', 0, bytes.length & ~1)

/** Bytes of a character that the end of the buffer cuts in two. */
function utf8Tail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

function utf8Text(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return utf8WithEscapes(bytes)
}

/** Slow and rare: character by character, what fits no rule is escaped. */
function utf8WithEscapes(bytes: Buffer): string {
  let text = ''
  let good = 0
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    if (byte < 0x80 || isUtf8(bytes.subarray(at, Math.min(bytes.length, at + length)))) {
      at += length
      continue
    }
    text += bytes.toString('utf8', good, at) + escaped(byte)
    good = ++at
  }
  return text + bytes.toString('utf8', good, at)
}

// the bytes 0x80–0x9f; 0 where the code page has no character (unicode.org, CP1252.TXT)
const high = '€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ'

function windows1252(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1')
  return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (char) => {
    const code = char.charCodeAt(0)
    const mapped = high[code - 0x80] ?? '\0'
    return mapped === '\0' ? escaped(code) : mapped
  })
}
