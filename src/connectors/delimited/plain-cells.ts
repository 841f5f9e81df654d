import type { CellKind } from '../../model/plain-account.ts'

type Accepts = (b: Buffer, start: number, end: number) => boolean

const digit = (b: Buffer, at: number): number => {
  const value = (b[at] ?? 0) - 48
  return value >= 0 && value <= 9 ? value : -1000
}
const dash = 45

/** `2026-11-24`, of days that every month has: no calendar is needed. */
const isDay: Accepts = (b, start, end) => {
  if (end - start !== 10 || b[start + 4] !== dash || b[start + 7] !== dash) return false
  const month = digit(b, start + 5) * 10 + digit(b, start + 6)
  const day = digit(b, start + 8) * 10 + digit(b, start + 9)
  const year = digit(b, start) + digit(b, start + 1) + digit(b, start + 2) + digit(b, start + 3)
  return year > 0 && digit(b, start) > 0 && month >= 1 && month <= 12 && day >= 1 && day <= 28
}

/** Whole numbers as JSON writes them, small enough for a double. */
const isAmount: Accepts = (b, start, end) => {
  if (end - start > 15 || (b[start] === 48 && end - start > 1)) return false
  for (let i = start; i < end; i++) if (digit(b, i) < 0) return false
  return true
}

const isTruth: Accepts = (b, start, end) => {
  const text = b.toString('latin1', start, end)
  return text === 'true' || text === 'false'
}

/** Which cells are in the commonest form of their kind, where they read the same before and after they are converted. */
export const plainCells: Readonly<Partial<Record<CellKind, Accepts>>> = {
  date: isDay,
  number: isAmount,
  boolean: isTruth,
}

const said = new Map<string, boolean>([
  ...['true', 'yes', 'y', 't', '1'].map((text) => [text, true] as const),
  ...['false', 'no', 'n', 'f', '0'].map((text) => [text, false] as const),
])

/** What a cell says as a flag; undefined where it is not in its commonest form. */
export const plainTruth = (b: Buffer, start: number, end: number): boolean | undefined =>
  start === end ? false : said.get(b.toString('latin1', start, end))
