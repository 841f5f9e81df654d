import type { App } from '../../app.ts'
import { parseDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { runStatuses } from '../../model/result.ts'
import { type OptionValues, text } from '../command.ts'

/** `--task --status --since --until` as the store takes them. @throws UserError IQ1002 */
export function resultFilter(app: App, options: OptionValues) {
  const status = text(options, 'status')?.split(',')
  const unknown = status?.find((one) => !(runStatuses as readonly string[]).includes(one))
  if (unknown !== undefined)
    throw new UserError(`there is no status "${unknown}"`, { code: 'IQ1002', hint: `one of ${runStatuses.join(', ')}` })
  const task = text(options, 'task')
  // one that was deleted is still known by its runs
  if (task !== undefined && (app.storeIfExists()?.results.list({ task, limit: 1 }).total ?? 0) === 0)
    app.project.tasks.get(task)
  const now = app.clock.now()
  return {
    task,
    status,
    since: moment(text(options, 'since'), now),
    until: moment(text(options, 'until'), now),
  }
}

/** `7d` ago, or an ISO date, as UTC ISO text. */
function moment(given: string | undefined, now: Date): string | undefined {
  if (given === undefined) return undefined
  const ago = parseDuration(given)
  if (ago !== undefined) return new Date(now.getTime() - ago).toISOString()
  const date = new Date(given)
  if (Number.isNaN(date.getTime()))
    throw new UserError(`${JSON.stringify(given)} is no time`, { code: 'IQ1002', hint: 'for example 7d or 2026-11-24' })
  return date.toISOString()
}
