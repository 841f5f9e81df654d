import { renderDuration } from '../../base/duration.ts'
import type { Style } from './style.ts'
import { displayWidth, sized } from './table.ts'
import { renderCount } from './values.ts'

/** What is known of a run that goes on. Times in ms of one clock. */
export interface LiveRun {
  readonly title: string
  readonly sections: ReadonlyMap<string, LiveSection>
}

export interface LiveSection {
  readonly phase: string
  readonly done: number
  /** Undefined: not known, and no earlier run tells. */
  readonly total: number | undefined
  /** The total is what earlier runs read. */
  readonly estimated: boolean
  /** When the phase began, and when it was last heard of. */
  readonly startedMs: number
  readonly heardMs: number
  /** Another section, or another phase of this one, has begun since. */
  readonly over: boolean
}

const barWidth = 16

/** `6.1k/s`: of the phase, since it began. */
export function renderRate({ done, startedMs, heardMs }: LiveSection): string {
  const seconds = (heardMs - startedMs) / 1000
  if (seconds < 0.2 || done === 0) return ''
  const rate = done / seconds
  return rate >= 1000 ? `${(rate / 1000).toFixed(1)}k/s` : `${rate.toFixed(0)}/s`
}

export function renderRest({ done, total, startedMs, heardMs, over }: LiveSection): string {
  if (over || total === undefined || done === 0 || done >= total || heardMs - startedMs < 1000) return ''
  return `eta ${renderDuration(((heardMs - startedMs) / done) * (total - done))}`
}

/** `24,400 / ~51,000`: the sign says that earlier runs tell. */
export function renderDone({ done, total, estimated, over }: LiveSection): string {
  if (over || total === undefined) return renderCount(done)
  return `${renderCount(done)} / ${estimated ? '~' : ''}${renderCount(Math.max(done, total))}`
}

function renderBar({ done, total, over }: LiveSection): string {
  if (total === undefined && !over) return ' '.repeat(barWidth)
  const full = over ? barWidth : Math.min(barWidth, Math.floor((barWidth * done) / Math.max(1, total ?? 1)))
  return '█'.repeat(full) + '░'.repeat(barWidth - full)
}

/** One line a section, none wider than the terminal; a narrow one goes without bars. */
export function renderLive(run: LiveRun, columns: number, style: Style): string {
  const rows = [...run.sections].map(([name, section]) => ({ name, section, done: renderDone(section) }))
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth))
  const names = Math.min(widest(rows.map((row) => row.name)), 24)
  const phases = widest(rows.map((row) => row.section.phase))
  const dones = widest(rows.map((row) => row.done))
  const lines = rows.map(({ name, section, done }) => {
    const bar = columns < 64 ? '' : `${renderBar(section)}  `
    const parts = [
      `  ${sized(name, names)}  ${sized(section.phase, phases)}  ${bar}${sized(done, dones)}`,
      renderRate(section),
      renderRest(section),
    ]
    return sized(parts.filter((part) => part !== '').join('  '), columns - 1).trimEnd()
  })
  return [style.bold(sized(run.title, columns - 3).trimEnd()), ...lines].join('\n')
}
