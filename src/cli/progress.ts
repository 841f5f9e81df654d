import type { RunEvent } from '../app.ts'
import { type LiveSection, renderDone, renderLive, renderRate, renderRest } from './render/live.ts'
import type { Style } from './render/style.ts'
import { safe, type Terminal } from './terminal.ts'

export const progressModes = ['auto', 'plain', 'jsonl', 'none'] as const
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressView {
  event(event: RunEvent): void
  end(): void
}

export interface ProgressOptions {
  readonly mode: ProgressMode
  readonly style: Style
  /** What earlier runs read, by section: for the estimate. */
  readonly usual?: (task: string) => ReadonlyMap<string, number>
  /** Of one clock; for tests. */
  readonly nowMs?: () => number
}

const plainEveryMs = 10_000
/** A tenth of the whole is worth a line, but no more than one a second. */
const plainAtMostEveryMs = 1_000

/** How a run is watched: lines that move on a terminal, one plain line every ten seconds or tenth elsewhere, or the events themselves. */
export async function createProgress(terminal: Terminal, options: ProgressOptions): Promise<ProgressView> {
  const { mode } = options
  if (mode === 'none') return { event: () => undefined, end: () => undefined }
  if (mode === 'jsonl')
    return { event: (event) => void terminal.out(`${JSON.stringify(event)}\n`), end: () => undefined }
  const moves = terminal.errIsTerminal && terminal.errColumns > 0 && terminal.env.TERM !== 'dumb'
  const state = createState(options)
  return mode === 'auto' && moves && terminal.errStream !== undefined
    ? live(terminal, terminal.errStream, state, options.style)
    : plain(terminal, state)
}

interface State {
  readonly title: string
  readonly sections: ReadonlyMap<string, LiveSection>
  readonly nowMs: () => number
  take(event: RunEvent): void
}

function createState({ usual, nowMs = () => performance.now() }: ProgressOptions): State {
  const sections = new Map<string, LiveSection>()
  let known: ReadonlyMap<string, number> = new Map()
  let title = ''
  return {
    get title() {
      return title
    },
    sections,
    nowMs,
    take(event) {
      if (event.type === 'started') {
        title = `${event.task}  result ${event.id.slice(0, 12)}  store ${safe(event.store)}`
        known = usual?.(event.task) ?? known
      }
      if (event.type !== 'progress') return
      const now = nowMs()
      const name = safe(event.section)
      const before = sections.get(name)
      const begins = before === undefined || before.phase !== event.phase
      for (const [other, section] of sections) if (other !== name) sections.set(other, { ...section, over: true })
      // only a read is of a size that earlier runs tell
      const guess = event.total === null && event.phase === 'read' ? known.get(event.section) : undefined
      sections.set(name, {
        phase: event.phase,
        done: event.done,
        total: event.total ?? guess,
        estimated: guess !== undefined,
        startedMs: begins ? now : before.startedMs,
        heardMs: now,
        over: false,
      })
    },
  }
}

function plain(terminal: Terminal, state: State): ProgressView {
  let last = state.nowMs()
  const tenths = new Map<string, number>()
  return {
    event(event) {
      state.take(event)
      if (event.type !== 'progress') return
      const section = state.sections.get(safe(event.section))
      if (section === undefined) return
      const part = `${event.section} ${event.phase}`
      const tenth = section.total === undefined ? 0 : Math.floor((10 * section.done) / Math.max(1, section.total))
      const since = state.nowMs() - last
      const isNext = tenth > (tenths.get(part) ?? 0) && since >= plainAtMostEveryMs
      if (since < plainEveryMs && !isNext) return
      last = state.nowMs()
      tenths.set(part, tenth)
      const parts = [safe(event.section), event.phase, renderDone(section), renderRate(section), renderRest(section)]
      terminal.err(`${parts.filter((part) => part !== '').join('  ')}\n`)
    },
    end: () => undefined,
  }
}

async function live(
  terminal: Terminal,
  stream: NodeJS.WritableStream,
  state: State,
  style: Style,
): Promise<ProgressView> {
  const { default: ora } = await import('ora')
  const view = ora({ stream, discardStdin: false, color: style.level === 0 ? false : 'cyan' })
  return {
    event(event) {
      state.take(event)
      if (event.type === 'started') view.start()
      if (event.type === 'started' || event.type === 'progress')
        view.text = renderLive(state, terminal.errColumns, style)
    },
    end: () => void view.stop(),
  }
}
