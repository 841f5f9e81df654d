import type { RunEvent } from '../app.ts'
import { renderCount } from './render/values.ts'
import { safe, type Terminal } from './terminal.ts'

export const progressModes = ['auto', 'plain', 'jsonl', 'none'] as const
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressView {
  event(event: RunEvent): void
  end(): void
}

const plainEveryMs = 10_000

/** How a run is watched: a spinner on a terminal, a line every ten seconds elsewhere, or the events themselves. */
export async function createProgress(terminal: Terminal, mode: ProgressMode): Promise<ProgressView> {
  if (mode === 'none') return { event: () => undefined, end: () => undefined }
  if (mode === 'jsonl')
    return { event: (event) => void terminal.out(`${JSON.stringify(event)}\n`), end: () => undefined }
  if (mode === 'auto' && terminal.errIsTerminal && terminal.errStream !== undefined && terminal.env.TERM !== 'dumb')
    return spinner(terminal.errStream)
  let last = performance.now()
  return {
    event(event) {
      if (event.type !== 'progress' || performance.now() - last < plainEveryMs) return
      last = performance.now()
      terminal.err(`${describe(event)}\n`)
    },
    end: () => undefined,
  }
}

const describe = (event: Extract<RunEvent, { type: 'progress' }>): string =>
  safe(`${event.section}  ${event.phase}  ${renderCount(event.done)}`)

async function spinner(stream: NodeJS.WritableStream): Promise<ProgressView> {
  const { default: ora } = await import('ora')
  const view = ora({ stream, discardStdin: false })
  return {
    event(event) {
      if (event.type === 'started') view.start(`${event.task}  result ${event.id.slice(0, 12)}`)
      if (event.type === 'progress') view.text = describe(event)
    },
    end: () => void view.stop(),
  }
}
