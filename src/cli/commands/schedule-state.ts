import type { App } from '../../app.ts'
import { parseDuration, renderDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import type { ScheduleDocument } from '../../model/documents.ts'
import { type Command, type CommandContext, text } from '../command.ts'
import { safe } from '../terminal.ts'

export const stateOf = (one: ScheduleDocument): string => {
  if (!one.enabled) return 'off'
  if (one.paused) return 'paused'
  return one.installed === null ? '?' : one.drifted ? 'drifted' : one.installed ? one.targets.join(', ') : 'no'
}

export const status: Command = {
  name: 'status',
  arguments: '[id...]',
  summary: 'installed, drifted, last, next, missed, how long it takes, and whether it is likely to overlap',
  examples: ['iqtask schedule status', 'iqtask schedule status --json'],
  async run(context, ids) {
    const app = await context.app()
    const { allSchedules, findSchedule } = await import('../../schedules.ts')
    const { installedNow } = await import('../../installed.ts')
    const { describeSchedule } = await import('../../schedule-status.ts')
    const installed = installedNow(app, context.terminal.env)
    const chosen = ids.length === 0 ? allSchedules(app) : ids.map((id) => findSchedule(app, id))
    const items = chosen.map((one) => describeSchedule(app, one, installed))
    for (const { text: fault, mend } of installed.faults) context.terminal.err(`⚠ ${safe(fault)}: ${safe(mend)}\n`)
    const { times } = context
    await context.printer.list<ScheduleDocument>({
      items,
      total: items.length,
      empty: 'no task has a schedule',
      footer: `Times in ${times.zone}; missed in the last 30 days`,
      columns: [
        { title: 'SCHEDULE', value: (one) => one.id },
        { title: 'INSTALLED', value: stateOf },
        {
          title: 'LAST',
          value: (one) =>
            one.last === null ? '–' : `${times.render(one.last.nominal)} ${one.last.status ?? one.last.outcome}`,
        },
        { title: 'NEXT', value: (one) => times.render(one.next[0]) },
        { title: 'MISSED', align: 'right', value: (one) => String(one.missed) },
        {
          title: 'TAKES',
          align: 'right',
          value: (one) =>
            one.averageMs === null ? '–' : `${renderDuration(one.averageMs)} ± ${renderDuration(one.deviationMs ?? 0)}`,
        },
        { title: 'NOTE', value: noteOf },
      ],
    })
    return undefined
  },
}

const noteOf = (one: ScheduleDocument): string =>
  [one.overlap, one.pausedUntil === null ? undefined : `paused until ${one.pausedUntil}`]
    .filter((note) => note != null)
    .join('; ')

export const pause: Command = {
  name: 'pause',
  arguments: '<id...>',
  summary: 'fire no more until it is resumed; nothing of that time counts as missed',
  examples: [
    'iqtask schedule pause aggregation/nightly',
    'iqtask schedule pause aggregation/nightly --until 2026-12-28',
  ],
  options: [{ flags: '--until <time>', summary: 'resume by itself then' }],
  run: async (context, ids, options) =>
    change(context, ids, text(options, 'until') === undefined ? null : moment(text(options, 'until') ?? '')),
}

export const postpone: Command = {
  name: 'postpone',
  arguments: '<id>',
  summary: 'fire not before a time: what falls before it is left out, and not missed',
  examples: [
    'iqtask schedule postpone aggregation/nightly --by 12h',
    'iqtask schedule postpone aggregation/nightly --until 2026-12-01T06:00Z',
  ],
  options: [
    { flags: '--by <duration>', summary: 'so long from now' },
    { flags: '--until <time>', summary: 'until this time' },
  ],
  async run(context, ids, options) {
    const by = text(options, 'by')
    const until = text(options, 'until')
    if ((by === undefined) === (until === undefined))
      throw new UserError('postpone needs --by or --until', { code: 'IQ1002', hint: '--by 12h' })
    const ms = by === undefined ? 0 : parseDuration(by)
    if (ms === undefined)
      throw new UserError(`--by is ${JSON.stringify(by)}, expected a duration such as 12h`, { code: 'IQ1002' })
    const app = await context.app()
    return change(
      context,
      ids,
      until === undefined ? new Date(app.clock.now().getTime() + ms).toISOString() : moment(until),
    )
  },
}

export const resume: Command = {
  name: 'resume',
  arguments: '<id...>',
  summary: 'fire again, from now on',
  examples: ['iqtask schedule resume aggregation/nightly'],
  run: async (context, ids) => change(context, ids, undefined),
}

function moment(given: string): string {
  const at = new Date(given)
  if (Number.isNaN(at.getTime()))
    throw new UserError(`${JSON.stringify(given)} is no time`, {
      code: 'IQ1002',
      hint: 'for example 2026-12-28 or 2026-12-28T06:00Z',
    })
  return at.toISOString()
}

/** Pauses until a time or (null) for good; undefined resumes. */
async function change(
  context: CommandContext,
  ids: readonly string[],
  until: string | null | undefined,
): Promise<undefined> {
  const app: App = await context.app()
  const { findSchedule, holdSchedule } = await import('../../schedules.ts')
  const { installedNow } = await import('../../installed.ts')
  const { describeSchedule } = await import('../../schedule-status.ts')
  const chosen = ids.map((id) => findSchedule(app, id))
  for (const one of chosen) holdSchedule(app, one, until)
  const installed = installedNow(app, context.terminal.env)
  const items = chosen.map((one) => describeSchedule(app, one, installed))
  if (context.printer.machine) await context.printer.list({ items, total: items.length, columns: [], empty: '' })
  else
    for (const one of items)
      await context.terminal.out(
        `${one.id}: ${one.paused ? `paused${one.pausedUntil === null ? '' : ` until ${context.times.render(one.pausedUntil)} ${context.times.zone}`}` : `fires again, next ${context.times.render(one.next[0])} ${context.times.zone}`}\n`,
      )
  return undefined
}
