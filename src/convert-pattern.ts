import { systemClock } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import { describePattern } from './describe-pattern.ts'
import { renderCron } from './model/cron-fields.ts'
import type { ConversionDocument } from './model/documents.ts'
import { convertQuartz } from './model/quartz.ts'
import { neverFires, neverFiresError, parsePattern, type TaskSchedule } from './model/schedule.ts'
import { occurrencesOf } from './task/schedule.ts'

/** Tells by its looks what a pattern is, and what becomes of it; a refusal is an answer too. */
export function convertPattern(given: string, timeZone: string): ConversionDocument {
  const written = { kind: kindOf(given), text: given.trim() }
  const about = {
    schema: 'iqtask/Conversion/1' as const,
    quartz: written.kind === 'quartz' ? written.text : null,
    timeZone,
  }
  try {
    const pattern = parsePattern(written)
    const found = { pattern, timeZone, exclude: [] }
    if (neverFires(found)) throw neverFiresError(written.text)
    const next: string[] = []
    const { next: after } = occurrencesOf(found)
    for (let at = after(systemClock.now()); at !== undefined && next.length < 5; at = after(at))
      next.push(at.toISOString())
    return { ...about, ...judge(written, pattern), text: describePattern({ written, pattern }), next }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const reason = error.hint === undefined ? error.message : `${error.message} (${error.hint})`
    return { ...about, cron: null, kind: 'refused', reason, text: null, next: [] }
  }
}

function judge(
  written: TaskSchedule['written'],
  pattern: TaskSchedule['pattern'],
): Pick<ConversionDocument, 'cron' | 'kind' | 'reason'> {
  if (pattern.kind === 'interval')
    return {
      cron: null,
      kind: 'gate',
      reason: 'an interval in elapsed time: the line wakes up more often, and iqtask lets only the right times through',
    }
  const cron = renderCron(pattern.fields)
  if (written.kind === 'quartz') {
    const { kind, reason } = convertQuartz(written.text)
    return { cron, kind, reason }
  }
  if (pattern.gates.length === 0) return { cron, kind: 'exact', reason: 'every field says the same in a crontab' }
  return { cron, kind: 'gate', reason: 'the line wakes up on more days, and iqtask lets only the right ones through' }
}

function kindOf(text: string): TaskSchedule['written']['kind'] {
  const fields = text.trim().split(/\s+/)
  if (/^[\d*@]/.test(text.trim()) && !/^\d+[smhdw]/.test(text.trim())) return fields.length >= 6 ? 'quartz' : 'cron'
  return 'every'
}
