import { createHash } from 'node:crypto'
import { toDate } from './convert.ts'
import type { RawValue } from './value.ts'

/** What a column of a feed holds, measured row by row in bounded memory. */
export interface ColumnFacts {
  readonly name: string
  readonly rows: number
  readonly filled: number
  /** Rows whose value had come before. Undefined: there were too many values to keep, or so many repeats that it does not matter. */
  readonly repeats: number | undefined
  /** The most frequent values with their counts; all of them where there are few. Undefined: too many to count. */
  readonly values: readonly (readonly [value: string, count: number])[] | undefined
  /** Every filled value is one of these. */
  readonly uuid: boolean
  readonly boolean: boolean
  /** Digits only, and whether some begin with a zero or are longer than a double can hold: then they are names, not amounts. */
  readonly digits: boolean
  readonly leadingZeros: boolean
  /** Patterns that the values fit, ISO as `ISO`; several where the data do not tell them apart. */
  readonly dates: readonly string[]
  /** Values that the first of these patterns does not fit. */
  readonly undated: number
  /** A list in the source itself (JSON), or the separator inside a cell with the share of cells that hold it. */
  readonly list:
    | { readonly separator: string | undefined; readonly share: number; readonly distinct: number }
    | undefined
}

export interface ColumnProfile {
  add(value: RawValue): void
  facts(rows: number): ColumnFacts
}

const uuidForm = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i
const booleans = /^(true|false|yes|no|y|n|t|f|0|1)$/i
const datePatterns = [
  'ISO',
  'dd.MM.yyyy',
  'dd/MM/yyyy',
  'MM/dd/yyyy',
  'yyyy/MM/dd',
  'dd-MM-yyyy',
  'yyyyMMdd',
  'dd.MM.yyyy HH:mm',
  'dd.MM.yyyy HH:mm:ss',
  'dd/MM/yyyy HH:mm',
  'yyyyMMddHHmmss',
] as const
const separators = ['|', ';', ',', ' '] as const
/** Values kept to tell whether any comes twice, and to count how often each comes. */
const keptMost = 2_000_000
const countedMost = 1_000
/** So many wrong values leave a column what it is. */
export const strayShare = 0.02
/** A rarer separator is a part of the text. */
const listShare = 0.02

export function profileColumn(name: string): ColumnProfile {
  let filled = 0
  const twice = createTwice(keptMost)
  let counts: Map<string, number> | undefined = new Map()
  let dates: readonly DateTally[] = datePatterns.map((format) => ({ format, misses: 0 }))
  let [uuid, boolean, digits, leadingZeros] = [true, true, true, false]
  const lists = createLists()
  return {
    add(raw) {
      if (raw === undefined || raw === '' || (Array.isArray(raw) && raw.length === 0)) return
      filled++
      lists.add(raw)
      const text = Array.isArray(raw) ? raw.join('|') : String(raw)
      twice.add(text)
      counts = counted(counts, text)
      uuid &&= uuidForm.test(text)
      boolean &&= booleans.test(text)
      digits &&= /^\d+$/.test(text)
      leadingZeros ||= /^0\d/.test(text) || (/^\d+$/.test(text) && text.length > 15)
      if (dates.length > 0) dates = dated(dates, text.trim(), filled)
    },
    facts: (rows) => ({
      name,
      rows,
      filled,
      repeats: twice.repeats(),
      values: counts === undefined ? undefined : [...counts].sort((a, b) => b[1] - a[1]).slice(0, 20),
      uuid: filled > 0 && uuid,
      boolean: filled > 0 && boolean,
      digits: filled > 0 && digits,
      leadingZeros,
      dates: filled > 0 ? dates.map(({ format }) => format) : [],
      undated: dates[0]?.misses ?? 0,
      list: lists.facts(filled),
    }),
  }
}

interface DateTally {
  readonly format: string
  readonly misses: number
}

/** A few wrong values do not make a column of dates something else. */
function dated(dates: readonly DateTally[], text: string, filled: number): DateTally[] {
  const most = Math.max(3, filled * strayShare)
  return dates
    .map(({ format, misses }) => ({
      format,
      misses: misses + (toDate(text, format === 'ISO' ? undefined : format) === undefined ? 1 : 0),
    }))
    .filter(({ misses }) => misses <= most && misses < filled)
    .sort((a, b) => a.misses - b.misses)
}

/** Counts values that came before, by 6 bytes of their digests; undefined once there were more than it keeps. */
export function createTwice(most: number): { add(text: string): void; repeats(): number | undefined } {
  let seen: Set<number> | undefined = new Set()
  let repeats: number | undefined = 0
  let added = 0
  return {
    add(text) {
      if (seen === undefined) return
      const key = createHash('sha1').update(text).digest().readUIntBE(0, 6)
      added++
      if (!seen.has(key)) seen.add(key)
      else if (repeats !== undefined) repeats++
      const many = added > 1_000 && (repeats ?? 0) * 4 > added
      if (many || seen.size > most) [repeats, seen] = [undefined, undefined]
    },
    repeats: () => repeats,
  }
}

function counted(counts: Map<string, number> | undefined, text: string): Map<string, number> | undefined {
  if (counts === undefined) return undefined
  counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts.size > countedMost ? undefined : counts
}

interface ListTally {
  cells: number
  tokens: number
  distinct: Set<string>
}

/** A list's tokens come again and again; the words of a text do not. */
function createLists() {
  const own: ListTally = { cells: 0, tokens: 0, distinct: new Set() }
  const bySeparator = new Map(
    separators.map((separator) => [separator, { cells: 0, tokens: 0, distinct: new Set<string>() }]),
  )
  const tally = (to: ListTally, tokens: readonly string[]): void => {
    to.cells++
    to.tokens += tokens.length
    if (to.distinct.size < countedMost * 10) for (const token of tokens) to.distinct.add(token)
  }
  return {
    add(raw: RawValue): void {
      if (Array.isArray(raw)) {
        tally(own, raw)
        return
      }
      const text = String(raw)
      for (const [separator, to] of bySeparator) if (text.includes(separator)) tally(to, text.split(separator))
    },
    facts(filled: number): ColumnFacts['list'] {
      if (own.cells > 0) return { separator: undefined, share: own.cells / filled, distinct: own.distinct.size }
      const likely = [...bySeparator].filter(
        ([, { cells, tokens, distinct }]) => cells / filled >= listShare && distinct.size * 2 <= tokens,
      )
      const [best] = likely.sort((a, b) => b[1].cells - a[1].cells)
      // words of a text and parts of a name recur too: what people separate by blanks or commas is left to them
      if (best === undefined || best[0] === ' ' || best[0] === ',') return undefined
      return { separator: best[0], share: best[1].cells / filled, distinct: best[1].distinct.size }
    },
  }
}
