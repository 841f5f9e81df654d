import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applying, bigFeed } from './big-feed.ts'
import type { FaultFigure, Measured, Size } from './figure.ts'
import { integrityOf } from './scenario.ts'
import type { Tool } from './tool.ts'

const backups: Readonly<Record<Size, number>> = { sample: 2, usual: 10, all: 50 }

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const cwd = mkdtempSync(join(tmpdir(), 'iqtask-backup-'))
  // one long run in small chunks: it writes all the time
  bigFeed(cwd, size === 'sample' ? 20_000 : 100_000)
  const [command, words] = tool.command(['run', 't', '--progress', 'jsonl'])
  const writer = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(writer, 'close') as Promise<[number | null]>
  const wrong: string[] = []
  let during = 0
  try {
    await applying(writer.stdout)
    writer.stdout.resume()
    for (let n = 1; n <= backups[size]; n++) {
      const name = `safe-${n}.db`
      if (writer.exitCode === null) during++
      const done = await tool.run(cwd, ['store', 'backup', name])
      if (done.status !== 0) wrong.push(`backup ${n} ended with ${done.status}: ${done.stderr}`)
      else if (integrityOf(join(cwd, name)) !== 'ok') wrong.push(`backup ${n} is not whole`)
    }
    const [status] = await ended
    if (status !== 0) wrong.push(`the run beside the backups ended with ${status}`)
    if (during === 0) wrong.push('no backup was made while the run wrote')
    return {
      value: `${backups[size]} backups, ${during} of them begun while a run wrote; ${wrong.length} wrong`,
      wrong,
    }
  } finally {
    if (writer.exitCode === null) writer.kill('SIGKILL')
    await ended
    rmSync(cwd, { recursive: true, force: true })
  }
}

export const backupsUnderLoad: FaultFigure = {
  id: 'F23',
  what: 'backups while a run writes',
  goal: 'every one completes and is whole; the run is not disturbed',
  measure,
}
