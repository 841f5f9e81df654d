import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applying, bigFeed } from './big-feed.ts'
import type { FaultFigure, Measured } from './figure.ts'
import { must, type Tool } from './tool.ts'

/** What the tool makes under the widest umask: also what a run has open, seen by killing one in the middle of its work. */
async function measure(tool: Tool): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-modes-'))
  const cwd = join(folder, 'project')
  const outputs = ['safe.db', 'run.plan', 'results.jsonl']
  try {
    bigFeed(cwd, 20_000)
    const [command, words] = tool.command(['run', 't', '--progress', 'jsonl'])
    const quoted = [command, ...words].map((word) => `'${word}'`).join(' ')
    const child = spawn('sh', ['-c', `umask 000; exec ${quoted}`], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    const closed = once(child, 'close')
    await applying(child.stdout)
    child.kill('SIGKILL')
    await closed
    const seen = [...loose(join(cwd, 'var'))]
    const files = readdirSync(join(cwd, 'var'), { recursive: true }).length
    const wide = (...args: string[]) => tool.run(cwd, args, { before: ['sh', '-c', 'umask 000; exec "$@"', 'sh'] })
    await wide('run', 't', '--resume')
    await wide('store', 'backup', 'safe.db')
    await wide('plan', 't', '--out', 'run.plan')
    await wide('results', 'export', '--out', 'results.jsonl')
    seen.push(...loose(join(cwd, 'var')), ...outputs.flatMap((name) => loose(join(cwd, name))))
    const wrong = [...new Set(seen)].map((path) => `${path.slice(cwd.length + 1)} may be read or written by others`)
    return { value: `${files} files of a killed run, ${outputs.length} outputs; ${wrong.length} loose`, wrong }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Files and folders below that others may read or write. @throws Error where there is nothing to look at */
const loose = (path: string): string[] =>
  must('find', path, '-perm', '/077')
    .split('\n')
    .filter((line) => line !== '')

export const modes: FaultFigure = {
  id: 'F18',
  what: 'modes of everything that is made under umask 000, a killed run’s files too',
  goal: 'no bit for group or others',
  measure,
}
