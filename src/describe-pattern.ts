import { toString as sentenceOf } from 'cronstrue'
import { renderCron } from './model/cron-fields.ts'
import type { TaskSchedule } from './model/schedule.ts'

/** A pattern as an English sentence. */
export function describePattern({ written, pattern }: Pick<TaskSchedule, 'written' | 'pattern'>): string {
  if (written.kind === 'every') return `Every ${written.text}`
  const options = { use24HourTimeFormat: true, verbose: false }
  if (written.kind === 'quartz') return sentenceOf(written.text, { ...options, dayOfWeekStartIndexZero: false })
  return pattern.kind === 'calendar' ? sentenceOf(renderCron(pattern.fields), options) : written.text
}
