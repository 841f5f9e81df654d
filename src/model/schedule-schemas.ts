import { z } from 'zod'
import { count, document, type Fields, object, text, time } from './document-parts.ts'
import type { ConversionDocument, ScheduleDocument } from './documents.ts'
import { installTargets } from './install-target.ts'
import { runStatuses } from './result.ts'

const schedule = document('Schedule', {
  id: text,
  task: text,
  cron: text,
  timeZone: text,
  wakeUp: text,
  enabled: z.boolean(),
  installed: z.boolean().nullable(),
  targets: z.array(z.enum(installTargets)),
  drifted: z.boolean(),
  next: z.array(time),
  last: object({
    nominal: time,
    outcome: z.enum(['run', 'missed']),
    status: z.enum(runStatuses).nullable(),
    result: text.nullable(),
  }).nullable(),
  missed: count,
  paused: z.boolean(),
  pausedUntil: time.nullable(),
  averageMs: count.nullable(),
  deviationMs: count.nullable(),
  overlap: text.nullable(),
} satisfies Fields<ScheduleDocument>)

const conversion = document('Conversion', {
  quartz: text.nullable(),
  cron: text.nullable(),
  kind: z.enum(['exact', 'gate', 'refused']),
  reason: text,
  text: text.nullable(),
  timeZone: text,
  next: z.array(time),
} satisfies Fields<ConversionDocument>)

/** The documents of `iqtask schedule`; a fire holds the result of its run. */
export const scheduleSchemas = (result: z.ZodType) =>
  ({
    schedule,
    conversion,
    fire: document('Fire', {
      id: text,
      did: z.enum(['ran', 'nothing', 'missed']),
      reason: text,
      nominal: time.nullable(),
      missed: count,
      result: result.nullable(),
    }),
    'schedule-installation': document('ScheduleInstallation', {
      target: text,
      changed: z.boolean(),
      lines: z.array(text),
      diff: z.array(text),
      backup: text.nullable(),
      files: z.array(text),
    }),
    'schedule-diff': document('ScheduleDiff', { drifted: z.boolean(), diff: z.array(text) }),
    'schedule-files': document('ScheduleFiles', { files: z.array(object({ name: text, text })) }),
    'schedule-test': document('ScheduleTest', { id: text, command: text, exitCode: count, stdout: text, stderr: text }),
  }) as const
