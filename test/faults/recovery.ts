import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applying, bigFeed } from './big-feed.ts'
import type { FaultFigure, Measured, Size } from './figure.ts'
import type { Tool } from './tool.ts'

const accounts: Readonly<Record<Size, number>> = { sample: 30_000, usual: 300_000, all: 3_000_000 }

/** Kills a run in the middle; the next command must find it dead at once, and resume must end it. */
async function measure(tool: Tool, size: Size): Promise<Measured> {
  const cwd = mkdtempSync(join(tmpdir(), 'iqtask-recovery-'))
  bigFeed(cwd, accounts[size])
  const wrong: string[] = []
  try {
    const [command, words] = tool.command(['run', 't', '--progress', 'jsonl'])
    const child = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    const closed = once(child, 'close')
    await applying(child.stdout)
    child.kill('SIGKILL')
    await closed
    const start = performance.now()
    const listed = await tool.run(cwd, ['results', '--json'])
    const seconds = (performance.now() - start) / 1000
    const { items } = JSON.parse(listed.stdout) as { items: { status: string; stoppedBy: string }[] }
    const [latest] = items
    if (latest?.status !== 'terminated' || latest.stoppedBy !== 'crash')
      wrong.push(`the dead run is ${latest?.status}, stopped by ${latest?.stoppedBy}`)
    if (size !== 'sample' && seconds > 1) wrong.push(`it took ${seconds.toFixed(2)} s to find the dead run`)
    const resumed = await tool.run(cwd, ['run', 't', '--resume', '--json'])
    const { counts } = JSON.parse(resumed.stdout) as { counts: Record<string, number> }
    if (counts.created !== accounts[size]) wrong.push(`the resumed run counts ${counts.created} accounts`)
    return {
      value: `${seconds.toFixed(2)} s from the start of the next command over ${accounts[size]} accounts`,
      wrong,
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

export const recovery: FaultFigure = {
  id: 'F7',
  what: 'a run is killed; the next command finds it dead, and it resumes',
  goal: 'found within 1 s; the resumed run counts everything once',
  measure,
}
