import { type IqtaskError, UserError } from '../../base/errors.ts'
import type { ConversionDocument, ScheduleDocument } from '../../model/documents.ts'
import { type CommandContext, type CommandGroup, type OptionValues, text } from '../command.ts'
import { safe } from '../terminal.ts'
import { catchup, fire, test } from './schedule-fire.ts'
import { diff, exportVerb, install, uninstall } from './schedule-install.ts'
import { pause, postpone, resume, stateOf, status } from './schedule-state.ts'

export const schedule: CommandGroup = {
  name: 'schedule',
  summary: 'when tasks run: the operating system wakes iqtask up',
  commands: [
    {
      name: 'list',
      summary: 'the schedules of all tasks',
      examples: ['iqtask schedule', 'iqtask schedule list --json'],
      run: list,
    },
    {
      name: 'next',
      arguments: '[id...]',
      summary: 'what fires next, with the zone, jumps of the clocks, blackouts and collisions',
      examples: ['iqtask schedule next -n 5', 'iqtask schedule next aggregation/nightly --from 2026-10-24'],
      options: [
        { flags: '-n, --count <n>', summary: 'so many; default 10' },
        { flags: '--from <time>', summary: 'after this time instead of now' },
      ],
      run: next,
    },
    install,
    uninstall,
    diff,
    exportVerb,
    status,
    pause,
    resume,
    postpone,
    {
      name: 'convert',
      arguments: '<pattern>',
      summary: 'a pattern of Quartz (IdentityIQ), cron or words: as crontab fields, as a sentence, the next times',
      examples: [
        "iqtask schedule convert '0 30 2 ? * MON-FRI'",
        'iqtask schedule convert "month on last-workday at 22:00"',
      ],
      options: [{ flags: '--time-zone <zone>', summary: 'an IANA name; default: that of the project' }],
      run: convert,
    },
    test,
    fire,
    catchup,
  ],
}

async function list(context: CommandContext): Promise<undefined> {
  const app = await context.app()
  const { allSchedules, faultyTasks } = await import('../../schedules.ts')
  const { installedNow } = await import('../../installed.ts')
  const { describeSchedule } = await import('../../schedule-status.ts')
  const all = allSchedules(app)
  warnOfFaulty(context, faultyTasks(app))
  const installed = all.length === 0 ? undefined : installedNow(app, context.terminal.env)
  const items = installed === undefined ? [] : all.map((one) => describeSchedule(app, one, installed))
  await context.printer.list<ScheduleDocument>({
    items,
    total: items.length,
    empty:
      'no task has a schedule; for example, in tasks/aggregation.yaml:\n  schedule: [{ name: nightly, cron: "30 2 * * 1-5" }]',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'SCHEDULE', value: (one) => one.id },
      { title: 'WHEN', value: (one) => one.cron },
      { title: 'ZONE', value: (one) => one.timeZone },
      { title: 'INSTALLED', value: stateOf },
      { title: 'NEXT', value: (one) => context.times.render(one.next[0]) },
      { title: 'WAKE-UP', wide: true, value: (one) => one.wakeUp },
    ],
  })
  return undefined
}

/** What is not shown is said. */
function warnOfFaulty({ terminal }: CommandContext, faults: readonly IqtaskError[]): void {
  for (const { message, place } of faults)
    terminal.err(`⚠ ${safe(`${place?.file}:${place?.line ?? 1}: ${message}`)}; its schedules are not shown\n`)
}

async function next(context: CommandContext, ids: readonly string[], options: OptionValues): Promise<undefined> {
  const app = await context.app()
  const { allSchedules, faultyTasks, findSchedule, nextFires } = await import('../../schedules.ts')
  const count = text(options, 'count') ?? '10'
  if (!/^[1-9]\d{0,3}$/.test(count))
    throw new UserError(`-n is ${JSON.stringify(count)}, expected a whole number from 1`, { code: 'IQ1002' })
  const from = text(options, 'from')
  const start = from === undefined ? app.clock.now() : new Date(from)
  if (Number.isNaN(start.getTime()))
    throw new UserError(`${JSON.stringify(from)} is no time`, {
      code: 'IQ1002',
      hint: 'for example 2026-10-24 or 2026-10-24T18:00Z',
    })
  if (ids.length === 0) warnOfFaulty(context, faultyTasks(app))
  const chosen = ids.length === 0 ? allSchedules(app) : ids.map((id) => findSchedule(app, id))
  const items = nextFires(
    app,
    chosen.filter((one) => one.enabled),
    { from: start, count: Number(count) },
  )
  await context.printer.list({
    items,
    total: items.length,
    empty: 'nothing fires',
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'AT', value: (one) => context.times.render(one.at) },
      { title: 'SCHEDULE', value: (one) => one.id },
      { title: 'THERE', value: (one) => one.local },
      { title: 'NOTE', value: (one) => one.note ?? '' },
    ],
  })
  return undefined
}

async function convert(
  context: CommandContext,
  [pattern = '']: readonly string[],
  options: OptionValues,
): Promise<number> {
  const { convertPattern } = await import('../../convert-pattern.ts')
  const zone = text(options, 'timeZone') ?? (await projectZone(context))
  const { isTimeZone } = await import('../../model/zoned.ts')
  if (!isTimeZone(zone))
    throw new UserError(`${JSON.stringify(zone)} is no IANA time zone`, {
      code: 'IQ1002',
      hint: 'for example Europe/Berlin',
    })
  const done = convertPattern(pattern, zone)
  await context.printer.document(done, () => renderConversion(context, done))
  return done.kind === 'refused' ? 1 : 0
}

function renderConversion({ style, times }: CommandContext, done: ConversionDocument): string {
  const sign = { exact: style.green('✔ exact'), gate: style.yellow('✔ gate'), refused: style.red('✖ refused') }[
    done.kind
  ]
  const shown = [done.cron === null ? sign : `${sign}   ${style.bold(done.cron)}   ${done.timeZone}`, safe(done.reason)]
  if (done.text !== null) shown.push(done.text)
  if (done.next.length > 0) shown.push(`next, in ${times.zone}: ${done.next.map((at) => times.render(at)).join(', ')}`)
  return `${shown.join('\n  ')}\n`
}

/** A pattern can be looked at where there is no project. */
async function projectZone(context: CommandContext): Promise<string> {
  try {
    return (await context.app()).project.timeZone
  } catch (error) {
    if (error instanceof UserError && error.code === 'IQ1003') return Intl.DateTimeFormat().resolvedOptions().timeZone
    throw error
  }
}
