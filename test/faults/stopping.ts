import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { applying, bigFeed } from './big-feed.ts'
import { type FaultFigure, type Measured, random, type Size } from './figure.ts'
import { integrityOf, storeOf } from './scenario.ts'
import type { Tool } from './tool.ts'

interface Stopped {
  readonly exitMs: number
  readonly wrong: string | undefined
}

/** Starts the task over a big feed, waits until it applies and a little longer, sends the signals, and measures until it is gone. */
async function stopped(tool: Tool, cwd: string, waitMs: number, signals: number): Promise<Stopped> {
  const [command, words] = tool.command(['run', 't', '--progress', 'jsonl'])
  const child = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  await applying(child.stdout)
  child.stdout.resume()
  await sleep(waitMs)
  const start = performance.now()
  for (let sent = 0; sent < signals; sent++) {
    child.kill('SIGTERM')
    // two at the very same time are one
    if (sent + 1 < signals) await sleep(20)
  }
  // a second signal may find the run over and its listener gone: a shell calls that 143 too
  const [status, signal] = await closed
  const code = signal === 'SIGTERM' ? 143 : status
  const exitMs = performance.now() - start
  const integrity = integrityOf(storeOf(cwd))
  if (integrity !== 'ok') return { exitMs, wrong: `the store is not whole: ${String(integrity)}` }
  return { exitMs, wrong: code === 143 ? undefined : `it ended with ${code} instead of 143` }
}

const trials: Readonly<Record<Size, number>> = { sample: 1, usual: 3, all: 100 }
const accounts: Readonly<Record<Size, number>> = { sample: 30_000, usual: 1_000_000, all: 1_000_000 }

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const cwd = mkdtempSync(join(tmpdir(), 'iqtask-signal-'))
  bigFeed(cwd, accounts[size])
  const next = random(20_260_808)
  const wrong: string[] = []
  const worst = { once: 0, twice: 0 }
  try {
    for (let trial = 0; trial < trials[size]; trial++)
      for (const [kind, signals, limitMs] of [
        ['once', 1, 2_000],
        ['twice', 2, 500],
      ] as const) {
        rmSync(join(cwd, 'var'), { recursive: true, force: true })
        const outcome = await stopped(tool, cwd, next() * 300, signals)
        worst[kind] = Math.max(worst[kind], outcome.exitMs)
        if (outcome.wrong !== undefined) wrong.push(outcome.wrong)
        // how long it takes is no matter of a test: only the table judges it
        if (size !== 'sample' && outcome.exitMs > limitMs)
          wrong.push(`${signals} SIGTERM: gone after ${outcome.exitMs.toFixed(0)} ms, the limit is ${limitMs}`)
      }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
  const value = `${trials[size]} trials over ${accounts[size]} accounts: at most ${worst.once.toFixed(0)} ms, after a second signal ${worst.twice.toFixed(0)} ms`
  return { value, wrong }
}

export const stopping: FaultFigure = {
  id: 'F8',
  what: 'SIGTERM while a run applies, until the process is gone; and with a second one',
  goal: 'exit 143 within 2 s; within 0.5 s after the second',
  measure,
}
