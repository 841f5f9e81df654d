import { spawnSync } from 'node:child_process'
import { homedir, userInfo } from 'node:os'
import type { App } from '../../app.ts'
import type { FireOutcome } from '../../schedules.ts'
import type { Command, CommandContext } from '../command.ts'
import { renderResult, shortId } from '../render/result.ts'
import { safe } from '../terminal.ts'
import { runRequest } from './run.ts'

/** What the crontab's lines call. Silent where nobody looks and all is well: cron mails what is printed. */
export const fire: Command = {
  name: 'fire',
  arguments: '<id>',
  summary: 'run what is due of a schedule, once for each nominal time',
  examples: ['iqtask schedule fire aggregation/nightly'],
  options: [{ flags: '--dry-run', summary: 'a dry run of the task as the schedule would run it, now' }],
  async run(context, [id = ''], options) {
    const app = await context.app()
    const { findSchedule, writeWakeUps } = await import('../../schedules.ts')
    const found = findSchedule(app, id)
    if (options.dryRun === true) {
      const result = await runRequest(context, options, {
        task: found.task,
        trigger: 'schedule',
        set: {},
        arguments: found.arguments,
        dryRun: true,
      })
      await context.printer.document(result, () => renderResult(result, [], context.style))
      return result.exitCode ?? 1
    }
    const outcome = await withSignals(context, (signal) => app.fire(id, { signal }))
    writeWakeUps(app)
    await report(context, outcome)
    return outcome.result?.exitCode ?? 0
  },
}

/** After the machine was off: what each schedule missed is recorded, and made good where it asks for it. */
export const catchup: Command = {
  name: 'catchup',
  summary: 'after an outage: record what was missed, make good what should be',
  examples: ['iqtask schedule catchup'],
  async run(context) {
    const app = await context.app()
    const { allSchedules, writeWakeUps } = await import('../../schedules.ts')
    const outcomes: FireOutcome[] = []
    await withSignals(context, async (signal) => {
      for (const { id } of allSchedules(app)) if (!signal.aborted) outcomes.push(await app.fire(id, { signal }))
    })
    writeWakeUps(app)
    if (context.printer.machine)
      await context.printer.list({ items: outcomes.map(documentOf), total: outcomes.length, columns: [], empty: '' })
    else for (const outcome of outcomes) await report(context, outcome)
    return Math.max(0, ...outcomes.map((outcome) => outcome.result?.exitCode ?? 0))
  },
}

/** The line as cron would run it: another environment than that of a terminal is what most often goes wrong. */
export const test: Command = {
  name: 'test',
  arguments: '<id>',
  summary: 'run the line as cron would: empty environment, /bin/sh, no terminal; the task as a dry run',
  examples: ['iqtask schedule test aggregation/nightly'],
  async run(context, [id = '']) {
    const app = await context.app()
    const { findSchedule } = await import('../../schedules.ts')
    findSchedule(app, id)
    const command = await commandLine(app, id)
    const home = context.terminal.env.HOME ?? homedir()
    const { username } = userInfo()
    const done = spawnSync('/bin/sh', ['-c', command], {
      cwd: home,
      env: { HOME: home, LOGNAME: username, SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    })
    const { stdout, stderr } = done
    const exitCode = done.status ?? 1
    await context.printer.document({ schema: 'iqtask/ScheduleTest/1', id, command, exitCode, stdout, stderr }, () => {
      const sign =
        exitCode === 0 ? context.style.green('✔') : exitCode === 3 ? context.style.yellow('⚠') : context.style.red('✖')
      return `${safe(stdout)}${safe(stderr)}${sign} /bin/sh -c ${safe(command)}\n  ended with ${exitCode}\n`
    })
    return exitCode
  },
}

async function commandLine(app: App, id: string): Promise<string> {
  const { ownProgram } = await import('../../installation.ts')
  const { quotePath } = await import('../../model/crontab-block.ts')
  const { node, entry } = ownProgram()
  return `${[node, entry].map(quotePath).join(' ')} schedule fire ${id} --project ${quotePath(app.project.folder)} --dry-run`
}

async function withSignals<Result>(
  context: CommandContext,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { AbortError } = await import('../../base/errors.ts')
  const controller = new AbortController()
  const release = context.terminal.onSignal((signal) =>
    controller.abort(new AbortError(`the run was stopped by ${signal}`, { code: 'IQ3002', cause: signal })),
  )
  try {
    return await work(controller.signal)
  } finally {
    release()
  }
}

const documentOf = (outcome: FireOutcome) => ({ schema: 'iqtask/Fire/1', ...outcome }) as const

async function report(context: CommandContext, outcome: FireOutcome): Promise<void> {
  const { id, did, reason, result, missed } = outcome
  if (context.printer.machine) return context.printer.document(documentOf(outcome), () => '')
  const lost = missed === 0 ? '' : `, ${missed} missed`
  const line = `${id}: ${did === 'ran' ? `${result?.status ?? ''} (result ${shortId(result?.id ?? '')})` : did} ${reason}${lost}\n`
  if (context.terminal.outIsTerminal) await context.terminal.out(safe(line))
  else if (missed > 0 || (result !== null && result.status !== 'success')) context.terminal.err(safe(line))
}
