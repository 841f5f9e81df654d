import { createHash } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import type { TaskDefinition } from '../model/task-definition.ts'
import { described } from './application.ts'
import { refuseLiteralSecrets } from './expressions.ts'
import { buildSchedules } from './schedule.ts'
import { taskSchema } from './schema.ts'
import { check, type ParsedFile } from './text.ts'

/** A task's file as its definition. @throws UserError with the place of the first fault */
export function buildTask(
  parsed: ParsedFile,
  { shipped, timeZone }: { readonly shipped: boolean; readonly timeZone: string },
): TaskDefinition {
  const raw = check(parsed, taskSchema)
  refuseLiteralSecrets(parsed, raw.notify, ['notify'])
  const { kind: _, timeout, title, description, ...rest } = raw
  return {
    ...rest,
    ...described({ title, description }),
    timeoutMs: timeout,
    arguments: raw.arguments as JsonObject,
    guards: raw.guards as JsonObject,
    notify: { ...raw.notify, rules: raw.notify.rules.map((rule) => ({ ...rule, tasks: [raw.name] })) },
    blackout: raw.blackout.map((one) => ({ ...one, timeZone: one.timeZone ?? timeZone })),
    schedule: buildSchedules(parsed, raw, timeZone),
    file: parsed.file,
    text: parsed.text,
    sha256: createHash('sha256').update(parsed.text).digest('hex'),
    shipped,
  }
}
