import type { App } from '../app.ts'
import { UserError } from '../base/errors.ts'
import { type CommandContext, type OptionValues, shellWord } from './command.ts'
import { exitCodeOf } from './exit-code.ts'
import { fieldsOf, outputOf, parseInvocation } from './program.ts'
import { errorDocument, renderError } from './render/error.ts'
import { createPrinter } from './render/printer.ts'
import { styleOf } from './render/style.ts'
import { timesIn } from './render/values.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Runs one command line; gives its exit code. Never throws, never ends the process. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  let app: App | undefined
  const wantsJson = argv.includes('--json')
  const color = !argv.includes('--no-color')
  try {
    if (argv[0] === '__complete') return await completeInto(terminal, argv.slice(1))
    const invocation = await parseInvocation(argv, terminal)
    if (invocation === undefined) return 0
    const { command, args, options } = invocation
    const context: CommandContext = {
      argv,
      terminal,
      printer: createPrinter(terminal, { output: outputOf(options), fields: fieldsOf(options) }),
      style: styleOf(terminal, terminal.outIsTerminal, color),
      errorStyle: styleOf(terminal, terminal.errIsTerminal, color),
      times: timesIn(options.utc === true ? 'UTC' : undefined),
      async app() {
        app ??= await openProject(terminal, options)
        return app
      },
    }
    return (await command.run(context, args, options)) ?? 0
  } catch (thrown) {
    const error = app === undefined ? await withTask(thrown, argv, terminal) : app.explain(thrown)
    terminal.err(
      wantsJson
        ? `${JSON.stringify(errorDocument(error))}\n`
        : renderError(error, styleOf(terminal, terminal.errIsTerminal, color), terminal.errColumns || undefined),
    )
    return exitCodeOf(error)
  } finally {
    await app?.close()
  }
}

/** `iqtask aggregation`: a task, not a command. */
async function withTask(error: unknown, argv: readonly string[], terminal: Terminal): Promise<unknown> {
  const [name = ''] = argv
  if (!(error instanceof UserError) || error.code !== 'IQ1001' || name.startsWith('-')) return error
  const { commandNames } = await import('./commands/index.ts')
  if (commandNames.includes(name)) return error
  let app: App | undefined
  try {
    app = await openProject(terminal, {})
    if (!app.project.tasks.names().includes(name)) return error
    const hint = `it is a task: iqtask ${['run', ...argv].map(shellWord).join(' ')}`
    return new UserError(error.message, { code: error.code, hint, cause: error })
  } catch {
    // no project here
    return error
  } finally {
    await app?.close()
  }
}

async function openProject(terminal: Terminal, options: OptionValues): Promise<App> {
  const { openApp } = await import('../app.ts')
  const { project, config } = options as { project?: string; config?: string }
  return openApp({ cwd: terminal.cwd, env: terminal.env, project, config })
}

/** Asked by the shell at every Tab; whatever goes wrong, it gets no answer rather than a noise in the line that is being typed. */
async function completeInto(terminal: Terminal, words: readonly string[]): Promise<number> {
  const { complete } = await import('./completion.ts')
  let app: App | undefined
  try {
    const open = async (): Promise<App> => {
      app ??= await openProject(terminal, {})
      return app
    }
    const found = await complete(words, open)
    await terminal.out(found.map((one) => `${one}\n`).join(''))
  } catch {
    return 1
  } finally {
    await app?.close()
  }
  return 0
}

/** The whole process: `bin/iqtask.js` calls it. */
export async function runProcess(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), processTerminal(processStreams()))
}

const processStreams = () => ({
  env: process.env,
  cwd: () => process.cwd(),
  // opening it takes a while, and few commands read it
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
})
