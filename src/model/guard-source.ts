import { parseDuration, renderDuration } from '../base/duration.ts'
import { counted, grouped } from '../base/plural.ts'
import { type Measure, share } from './guard-measure.ts'
import type { GuardSettings, Thresholds } from './guard-settings.ts'
import type { PlanFigures, SourceFigures } from './plan-figures.ts'

const dayMs = 86_400_000

/** The guards over what was read: does it look like the source that is known, and like all of it? */
export function sourceMeasures(figures: PlanFigures, settings: GuardSettings): Measure[] {
  const { read } = figures
  if (read === undefined) return []
  const own = (guard: keyof GuardSettings): Thresholds => {
    const written = settings[guard]
    return written === 'off' || written === undefined ? {} : written
  }
  return [
    emptySource(read, figures.population),
    shrunkenSource(read, own('shrunkenSource').percent ?? 80),
    emptiedAttribute(read, own('emptiedAttribute'), figures),
    renamedAttributes(read, own('renamedAttributes').percent ?? 50),
    otherSource(read, own('otherSource').percent ?? 50),
    scopeChanged(read),
    staleSource(read, parseDuration(own('staleSource').maxAge ?? '')),
  ].filter((measure) => measure !== undefined)
}

function emptySource({ rows, earlier }: SourceFigures, population: number): Measure {
  const before = Math.max(population, earlier[0] ?? 0)
  const over = rows === 0 && before > 0
  const text = over ? `nothing was read, where there were ${grouped(before)}` : `${grouped(rows)} read`
  return { guard: 'emptySource', value: rows, limit: before > 0 ? 1 : 0, over, text, first: [] }
}

/** `limit` is the least number of rows that passes. */
function shrunkenSource({ rows, earlier }: SourceFigures, percent: number): Measure | undefined {
  const last = earlier.slice(0, 5)
  if (last.length === 0) return undefined
  const usual = median(last)
  const limit = Math.ceil((percent * usual) / 100)
  const reads = last.length === 1 ? 'the last read' : `the median of the last ${last.length} reads`
  const verb = last.length === 1 ? 'were in' : 'is'
  const text = `${grouped(rows)} read, ${grouped(Math.round(usual))} ${verb} ${reads} (${share(rows, usual, percent)}; limit ${percent} %)`
  return { guard: 'shrunkenSource', value: rows, limit, over: rows < limit, text, first: [] }
}

/** An attribute that few items lost is no sign of a broken column: the same least numbers as for the destructive kinds. */
function emptiedAttribute(read: SourceFigures, own: Thresholds, figures: PlanFigures): Measure | undefined {
  if (read.common === 0) return undefined
  const narrow = figures.privileged || figures.population < 50
  const { percent = 20, atLeast = narrow ? 2 : 5 } = own
  const limit = Math.max(Math.floor((percent * read.common) / 100), atLeast - 1, 0)
  const worst = Object.entries(read.emptied).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  const [name, count] = worst[0] ?? ['', 0]
  const text =
    count > 0
      ? `"${name}" lost its value in ${grouped(count)} of ${grouped(read.common)} (${share(count, read.common, percent)}; limit ${percent} %)`
      : 'no attribute lost its values'
  const first = worst.filter(([, lost]) => lost > limit).map(([attribute]) => attribute)
  return { guard: 'emptiedAttribute', value: count, limit, over: count > limit, text, first: first.slice(0, 10) }
}

function renamedAttributes(read: SourceFigures, percent: number): Measure | undefined {
  const { columnsBefore, columnsGone, columnsUsedGone } = read
  if (columnsBefore === 0) return undefined
  const used = columnsUsedGone.length > 0
  const limit = used ? 0 : Math.floor((percent * columnsBefore) / 100)
  const value = used ? columnsUsedGone.length : columnsGone.length
  const columns = used
    ? counted(value, 'column in use is', 'columns in use are')
    : counted(value, 'column is', 'columns are')
  const text = `${columns} gone from the ${grouped(columnsBefore)} of the last read`
  const first = (used ? columnsUsedGone : columnsGone).slice(0, 10)
  return { guard: 'renamedAttributes', value, limit, over: value > limit, text, first }
}

/** `value` and `limit` in percent; the limit is the least that passes. */
function otherSource({ keysInCommon }: SourceFigures, percent: number): Measure | undefined {
  if (keysInCommon === undefined) return undefined
  const value = 100 * keysInCommon
  const text = `${share(keysInCommon, 1, percent)} of the known accounts are in it (limit ${percent} %)`
  return { guard: 'otherSource', value, limit: percent, over: value < percent, text, first: [] }
}

/** Never stops: the read just detects nothing missing, unless allowed. */
function scopeChanged(read: SourceFigures): Measure {
  const text = read.scopeChanged
    ? 'filter, query or path differ from the last read: nothing is taken for missing in this one'
    : 'the same filter, query and path as in the last read'
  const value = read.scopeChanged ? 1 : 0
  return { guard: 'scopeChanged', value, limit: 0, over: read.scopeChanged, text, first: [], warns: true }
}

/** `value` and `limit` in ms. */
function staleSource(read: SourceFigures, maxAge: number | undefined): Measure | undefined {
  const { unchangedForMs: value, usualIntervalMs } = read
  const limit = maxAge ?? (usualIntervalMs === undefined ? undefined : Math.max(dayMs, 3 * usualIntervalMs))
  if (value === undefined || limit === undefined) return undefined
  const text = `the content has not changed for ${renderDuration(value)} (limit ${renderDuration(limit)})`
  return { guard: 'staleSource', value, limit, over: value > limit, text, first: [], warns: true }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
