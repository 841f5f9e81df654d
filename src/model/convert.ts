import type { Code } from '../base/codes.ts'
import type { AttributeType, RawValue } from './value.ts'

export type Converted =
  | { readonly value: string | number | boolean | undefined }
  | { readonly code: Code; readonly reason: string }

const yes = new Set(['true', 'yes', 'y', 't', '1'])
const no = new Set(['false', 'no', 'n', 'f', '0'])

/** Most text is; then it needs no look at NUL, pairs or normal forms. */
export const isPlainText = (text: string): boolean => plain.test(text)
const plain = /^[\x01-\x7f]*$/

/** Text as it is kept: NFC. Undefined when it cannot be kept (NUL, lone surrogate). */
export function keptText(text: string): string | undefined {
  if (isPlainText(text)) return text
  return text.includes('\0') || !text.isWellFormed() ? undefined : text.normalize('NFC')
}

/** One cell or JSON scalar as the attribute's type; absent for an empty one. */
export function convert(name: string, raw: RawValue, type: AttributeType, format: string | undefined): Converted {
  if (raw === undefined || raw === '') return { value: undefined }
  const text = keptText(typeof raw === 'object' ? raw.join('|') : String(raw))
  if (text === undefined)
    return { code: 'IQ2106', reason: `${name} holds a character that cannot be kept (NUL or half of a pair)` }
  if (type === 'string') return { value: text }
  const value = type === 'number' ? toNumber(text) : type === 'boolean' ? toBoolean(text) : toDate(text.trim(), format)
  if (value === undefined)
    return { code: 'IQ2104', reason: `${name} is not a ${type}: ${JSON.stringify(text.slice(0, 60))}` }
  return { value }
}

/** Digits with leading zeros and integers beyond 2^53 stay text: they are names, not amounts. */
function toNumber(text: string): number | string | undefined {
  if (!/^-?(\d+)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return undefined
  if (/^-?0\d/.test(text)) return text
  const value = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value
}

function toBoolean(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase()
  return yes.has(lower) ? true : no.has(lower) ? false : undefined
}

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/
const isoDateTime = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/

/** ISO 8601 or the given pattern (`dd/MM/yyyy HH:mm`). A date-time without an offset is taken as UTC. */
export function toDate(text: string, format: string | undefined): string | undefined {
  if (format !== undefined) return byPattern(text, format)
  const day = isoDate.exec(text)
  if (day !== null) return dateText(Number(day[1]), Number(day[2]), Number(day[3]))
  const time = isoDateTime.exec(text)
  if (time === null || dateText(Number(time[1]), Number(time[2]), Number(time[3])) === undefined) return undefined
  const moment = new Date(time[7] === undefined ? `${text.replace(' ', 'T')}Z` : text.replace(' ', 'T'))
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString()
}

function dateText(year: number, month: number, day: number): string | undefined {
  // without a calendar: every month has these
  if (year >= 1000 && month >= 1 && month <= 12 && day >= 1 && day <= 28)
    return `${year}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`
  const date = new Date(0)
  // Date.UTC would take the year 26 for 1926
  date.setUTCFullYear(year, month - 1, day)
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? date.toISOString().slice(0, 10)
    : undefined
}

function byPattern(text: string, format: string): string | undefined {
  const parts: Record<string, number> = { yyyy: 0, MM: 0, dd: 0, HH: 0, mm: 0, ss: 0 }
  let at = 0
  for (const [token] of format.matchAll(/yyyy|MM|dd|HH|mm|ss|./g)) {
    const piece = text.slice(at, at + token.length)
    if (token in parts) {
      if (!/^\d+$/.test(piece)) return undefined
      parts[token] = Number(piece)
    } else if (piece !== token) return undefined
    at += token.length
  }
  const { yyyy = 0, MM = 0, dd = 0, HH = 0, mm = 0, ss = 0 } = parts
  const day = at === text.length ? dateText(yyyy, MM, dd) : undefined
  if (day === undefined || HH > 23 || mm > 59 || ss > 59) return undefined
  if (!/HH|mm|ss/.test(format)) return day
  const time = [HH, mm, ss].map((part) => String(part).padStart(2, '0')).join(':')
  return `${day}T${time}.000Z`
}
