import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageFolder } from '../base/package.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import type { CommandContext } from './command.ts'
import { shortId } from './render/result.ts'
import { safe } from './terminal.ts'

/** What a run that was let go says goes here; nobody else reads it. */
const logFile = (store: string, pid: number): string => join(dirname(store), 'log', `detached-${pid}.log`)

/**
 * Runs the same command line in a process of its own that outlives this one; ends as soon as the run has its result.
 * Where it ends before that, what it said is said here, with its exit code.
 */
export async function detach(context: CommandContext, argv: readonly string[]): Promise<number> {
  const app = await context.app()
  const log = logFile(app.project.store, process.pid)
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 })
  const out = openSync(log, 'w', 0o600)
  const child = spawn(
    process.execPath,
    [join(packageFolder, 'bin', 'iqtask.js'), ...argv.filter((word) => word !== '--detach')],
    { cwd: context.terminal.cwd, env: { ...context.terminal.env }, detached: true, stdio: ['ignore', out, out] },
  )
  closeSync(out)
  child.unref()
  const ended = once(child, 'exit').then(([code]) => (code as number | null) ?? 1)
  for (;;) {
    const code = await Promise.race([ended, sleep(50)])
    const result = app
      .storeIfExists()
      ?.results.list({ limit: 20 })
      .items.find((one) => one.pid === child.pid)
    if (result !== undefined) return told(context, result, log)
    if (code === undefined) continue
    context.terminal.err(safe(readFileSync(log, 'utf8')))
    return code
  }
}

async function told(context: CommandContext, result: TaskResultDocument, log: string): Promise<number> {
  const id = shortId(result.id)
  await context.printer.document(
    result,
    () =>
      `${result.task} runs: result ${result.id}\n  iqtask watch ${id}    iqtask stop ${id}    what it says: ${log}\n`,
  )
  return 0
}
