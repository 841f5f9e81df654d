import type { z } from 'zod'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { neverFires, neverFiresError, parsePattern, patternKinds, type TaskSchedule } from '../model/schedule.ts'
import type { taskSchema } from './schema.ts'
import type { ParsedFile } from './text.ts'

type Raw = Pick<z.output<typeof taskSchema>, 'name' | 'schedule'>

/** The schedules of a task's file. @throws UserError with the place of the first fault */
export function buildSchedules(
  parsed: ParsedFile,
  { name: task, schedule: all }: Raw,
  projectZone: string,
): TaskSchedule[] {
  const names = new Set<string>()
  return all.map((raw, index) => {
    const at = (code: 'IQ1104' | 'IQ1110', key: string, message: string): UserError =>
      new UserError(message, {
        code,
        place: parsed.place(['schedule', index, key]),
        hint: 'iqtask schema TaskDefinition lists the keys',
      })
    const { name, cron, quartz, every, timeZone = projectZone, startDeadline, catchUpWindow, jitter, ...rest } = raw
    if (names.has(name)) throw at('IQ1110', 'name', `two schedules of ${task} are named "${name}"`)
    names.add(name)
    const texts = { cron, quartz, every }
    const [kind, second] = patternKinds.filter((one) => texts[one] !== undefined)
    if (kind === undefined || second !== undefined)
      throw at('IQ1104', second ?? 'name', `the schedule "${name}" needs exactly one of cron, quartz and every`)
    if (raw.from !== undefined && raw.until !== undefined && raw.from > raw.until)
      throw at('IQ1104', 'until', `the schedule "${name}" ends before it begins`)
    const written = { kind, text: texts[kind] ?? '' }
    return placed(parsed, ['schedule', index, kind], () => {
      const schedule: TaskSchedule = {
        ...rest,
        id: `${task}/${name}`,
        task,
        name,
        written,
        pattern: parsePattern(written),
        timeZone,
        startDeadlineMs: startDeadline,
        catchUpWindowMs: catchUpWindow,
        jitterMs: jitter,
        arguments: raw.arguments as JsonObject,
      }
      if (neverFires(schedule)) throw neverFiresError(written.text)
      return schedule
    })
  })
}

function placed<Result>(parsed: ParsedFile, path: readonly PropertyKey[], work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { code: error.code, hint: error.hint, place: parsed.place(path), cause: error })
  }
}
