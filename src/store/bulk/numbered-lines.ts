import { giveBack } from '../../model/bytes.ts'

const [newline, marked, minus, zero, nine] = [10, 43, 45, 48, 57] as const

export const isDigit = (byte: number): boolean => byte >= zero && byte <= nine

/** An SQL aggregate over rows with a number, a condition and a text without line breaks: one piece of bytes, so that a row is no call. */
export const numberedLines = (number: string, isMarked: string, text: string): string =>
  `cast(group_concat(${number} || iif(${isMarked}, '+', '/') || ${text}, char(10)) as blob)`

export type TellLine = (number: number, isMarked: boolean, start: number, end: number) => void

/** Plain variables: there are millions. The bytes are given back afterwards. */
export function eachLine(bytes: Buffer<ArrayBuffer>, tell: TellLine): void {
  for (let i = 0; i < bytes.length; i++) {
    const sign = bytes[i] === minus ? -1 : 1
    if (sign < 0) i++
    let number = 0
    for (; isDigit(bytes[i] ?? 0); i++) number = number * 10 + (bytes[i] ?? 0) - zero
    const isMarked = bytes[i] === marked
    const start = ++i
    i = bytes.indexOf(newline, i)
    if (i === -1) i = bytes.length
    tell(sign * number, isMarked, start, i)
  }
  giveBack(bytes)
}
