import { UserError } from '../../base/errors.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { Command, CommandContext } from '../command.ts'
import { progressModes } from '../progress.ts'
import { paintStatus, shortId, statusText } from '../render/result.ts'
import { runRequest } from './run.ts'
import { existingStore } from './store.ts'

/** Runs that live: who runs what since when. Looking also finds the runs that died. */
export const ps: Command = {
  name: 'ps',
  summary: 'runs that live',
  examples: ['iqtask ps', 'iqtask ps --json'],
  async run(context) {
    const app = await context.app()
    const store = app.storeIfExists()
    const found = store?.results.list({ status: ['queued', 'running'] }) ?? { items: [], total: 0 }
    await list(context, found, 'nothing runs')
    return undefined
  },
}

async function list(
  context: CommandContext,
  found: { items: TaskResultDocument[]; total: number },
  empty: string,
): Promise<void> {
  await context.printer.list({
    ...found,
    empty,
    footer: `Times in ${context.times.zone}`,
    columns: [
      { title: 'RESULT', value: (result) => shortId(result.id) },
      { title: 'TASK', value: (result) => result.task },
      {
        title: 'STATUS',
        value: statusText,
        paint: (shown, result) => paintStatus(shown, result, context.style),
      },
      { title: 'SINCE', value: (result) => context.times.render(result.startedAt ?? result.queuedAt) },
      { title: 'PROCESS', align: 'right', value: (result) => String(result.pid) },
      { title: 'HOST', value: (result) => result.host },
      { title: 'BY', value: (result) => String(result.actor.user ?? '–') },
    ],
  })
}

/** Asks a run to end at its next chunk; it hears it with its next heartbeat. */
export const stop: Command = {
  name: 'stop',
  arguments: '<id>',
  summary: 'end a run at its next chunk; it can be resumed',
  examples: ['iqtask stop 01JD8Q', 'iqtask stop aggregation@latest'],
  async run(context, [reference = '']) {
    const app = await context.app()
    const store = existingStore(app)
    const result = store.results.find(reference)
    if (result.status !== 'running' && result.status !== 'queued')
      throw new UserError(`${shortId(result.id)} does not run any more: it is ${result.status}`, {
        code: 'IQ1006',
        hint: 'iqtask ps lists what runs',
      })
    const by = String(app.actor.user)
    store.requestStop(result.id, `the run was stopped by ${by}`, app.clock.now(), JSON.stringify(app.actor))
    await context.printer.document(
      { schema: 'iqtask/StopRequest/1', id: result.id, requested: true },
      () => `${shortId(result.id)} was asked to stop\n`,
    )
    return undefined
  },
}

/** Every run that died: found, and resumed one after the other. */
export const recover: Command = {
  name: 'recover',
  summary: 'find the runs that died and resume them',
  examples: ['iqtask recover', 'iqtask recover --dry-run'],
  options: [
    { flags: '--dry-run', summary: 'only list them' },
    { flags: '--progress <mode>', summary: 'how progress is shown', choices: progressModes },
  ],
  async run(context, _args, options) {
    const app = await context.app()
    const store = app.storeIfExists()
    const all = store?.runs.broken() ?? []
    // a step goes on when its sequence does
    const broken = all.filter((row) => !all.some((other) => other.id === row.parent))
    const found = broken.flatMap((row) => (store === undefined ? [] : [store.results.find(row.result_id)]))
    if (options.dryRun === true || found.length === 0) {
      await list(context, { items: found, total: found.length }, 'no run died')
      return undefined
    }
    const results: TaskResultDocument[] = []
    for (const { task } of found) {
      const result = await runRequest(context, options, { task, trigger: 'manual', set: {}, resume: true })
      results.push(result)
      if (result.status === 'terminated') break
    }
    await list(context, { items: results, total: results.length }, '')
    return Math.max(...results.map((result) => result.exitCode ?? 1))
  },
}
