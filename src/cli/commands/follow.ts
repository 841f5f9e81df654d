import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../app.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { Message } from '../../model/result.ts'
import type { Command, CommandContext } from '../command.ts'
import { createProgress, progressModes } from '../progress.ts'
import { safe } from '../terminal.ts'
import { printResults, progressMode, usualReads } from './run.ts'
import { existingStore } from './store.ts'

const everyMs = 250
const lives = (result: TaskResultDocument): boolean => result.status === 'queued' || result.status === 'running'

/** The run that is meant where none is named: one that lives, else the last. */
function runOf(app: App, reference: string | undefined): TaskResultDocument {
  const { results } = existingStore(app)
  const [live] = reference === undefined ? results.list({ status: ['running', 'queued'], limit: 1 }).items : []
  return live ?? results.find(reference ?? 'latest')
}

/** As it stands now; a run whose process is gone is found and ended. */
function again(app: App, { id }: TaskResultDocument): TaskResultDocument {
  app.findDead()
  return existingStore(app).results.find(id)
}

export const watch: Command = {
  name: 'watch',
  arguments: '[id]',
  summary: 'look on while a run lives; ends with its result and exit code. Ctrl-C ends the looking, not the run',
  examples: ['iqtask watch', 'iqtask watch aggregation@latest', 'iqtask watch 01JD8Q --json'],
  options: [{ flags: '--progress <mode>', summary: 'how progress is shown', choices: progressModes }],
  async run(context, [reference], options) {
    const app = await context.app()
    let result = runOf(app, reference)
    const mode = progressMode(context, options)
    const view = await createProgress(context.terminal, {
      mode,
      style: context.errorStyle,
      usual: (task) => usualReads(app, task),
    })
    try {
      view.event({ type: 'started', id: result.id, task: result.task, store: app.project.store })
      while (lives(result)) {
        const { section, phase, done } = result.progress ?? {}
        if (section !== undefined)
          view.event({
            type: 'progress',
            section: String(section),
            phase: String(phase),
            done: Number(done),
            total: null,
          })
        await sleep(everyMs)
        result = again(app, result)
      }
      view.event({ type: 'result', result })
    } finally {
      view.end()
    }
    if (mode !== 'jsonl') await printResults(context, [result])
    return result.exitCode ?? 1
  },
}

export const logs: Command = {
  name: 'logs',
  arguments: '[id]',
  summary: 'what a run said, in the order it was said',
  examples: ['iqtask logs', 'iqtask logs aggregation@latest', 'iqtask logs 01JD8Q -f --output jsonl'],
  options: [{ flags: '-f, --follow', summary: 'go on while the run lives' }],
  async run(context, [reference], options) {
    const app = await context.app()
    let result = runOf(app, reference)
    if (options.follow !== true) {
      const items = result.messages
      await context.printer.list({ items, total: items.length, empty: `${result.task} said nothing`, columns })
      return undefined
    }
    let said = 0
    for (;;) {
      for (const message of result.messages.slice(said)) await say(context, message)
      said = result.messages.length
      if (!lives(result)) return undefined
      await sleep(everyMs)
      result = again(app, result)
    }
  },
}

const columns = [
  { title: 'LEVEL', value: (message: Message) => message.level },
  { title: 'CODE', value: (message: Message) => message.code },
  { title: 'ABOUT', value: (message: Message) => message.item ?? '–' },
  { title: 'TEXT', value: (message: Message) => message.text },
]

/** A stream has no end to align columns by: one object a line for machines, one line for people. */
const say = (context: CommandContext, message: Message): Promise<boolean> =>
  context.terminal.out(
    context.printer.machine
      ? `${JSON.stringify(message)}\n`
      : safe(
          `${message.level.padEnd(7)}  ${message.code}  ${message.item === undefined ? '' : `${message.item}: `}${message.text}\n`,
        ),
  )
