import type { Reject } from '../../model/result.ts'
import { escapedByte } from '../decode.ts'
import type { Scanned } from './scan.ts'

/** Why a record is none, whatever it means. */
export function faultOf(
  record: Scanned,
  columns: readonly string[],
): Pick<Reject, 'code' | 'reason' | 'column'> | undefined {
  if (record.fault !== undefined) return { code: 'IQ2107', reason: record.fault }
  if (record.values.length !== columns.length)
    return {
      code: 'IQ2103',
      reason: `${record.values.length} fields where the header has ${columns.length}`,
    }
  if (!record.text.includes('\0') && record.text.isWellFormed()) return undefined
  const index = record.values.findIndex((value) => value.includes('\0') || !value.isWellFormed())
  const column = columns[index]
  return { code: 'IQ2106', column, reason: `${column ?? 'the row'} holds ${unkept(record.values[index] ?? '')}` }
}

/** What cannot be kept, and where in the field it is. */
function unkept(value: string): string {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code === 0) return `a NUL at character ${at + 1}`
    const byte = escapedByte(code)
    if (byte !== undefined && !/[\ud800-\udbff]/.test(value[at - 1] ?? ''))
      return `a byte that is no text (0x${byte.toString(16)}) at character ${at + 1}; is the encoding right?`
  }
  return 'half of a character pair'
}
