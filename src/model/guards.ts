import { changeMeasures } from './guard-changes.ts'
import type { Measure } from './guard-measure.ts'
import { type GuardName, type GuardSettings, guardNames } from './guard-settings.ts'
import { sourceMeasures } from './guard-source.ts'
import type { PlanFigures } from './plan-figures.ts'
import type { GuardVerdict, GuardVerdictKind } from './result.ts'

export interface JudgeOptions {
  /** Guards that may not stop this run (`--allow`). */
  readonly allow: readonly GuardName[]
  /** `checkDeletedThreshold`: narrows the guard `deletes` to so many. */
  readonly deletesAtMost?: number | undefined
}

/**
 * Judges a whole plan before its first write (domain §3): one verdict for each guard that the figures speak of, and one for
 * each that is switched off. A plan with a `tripped` verdict is not applied.
 */
export function judge(figures: PlanFigures, settings: GuardSettings, options: JudgeOptions): readonly GuardVerdict[] {
  const measures = [...sourceMeasures(figures, settings), ...changeMeasures(figures, settings, options.deletesAtMost)]
  const byName = new Map(measures.map((measure) => [measure.guard, measure]))
  const verdicts: GuardVerdict[] = []
  for (const name of guardNames) {
    const measure = byName.get(name)
    if (settings[name] === 'off') verdicts.push(switchedOff(name, figures.section, measure))
    else if (measure !== undefined) verdicts.push(verdictOf(measure, figures.section, options.allow))
  }
  return verdicts
}

function verdictOf(measure: Measure, application: string, allow: readonly GuardName[]): GuardVerdict {
  const { guard, value, limit, text, first } = measure
  const stops: GuardVerdictKind = measure.warns === true ? 'warning' : 'tripped'
  const verdict = !measure.over ? 'passed' : allow.includes(guard) ? 'allowed' : stops
  return { guard, application, value, limit, verdict, text, first: measure.over ? first : [] }
}

function switchedOff(guard: GuardName, application: string, measure: Measure | undefined): GuardVerdict {
  const { value = 0, limit = 0, first = [] } = measure ?? {}
  const missed = measure?.over === true
  const text = missed ? `switched off; it would have spoken: ${measure.text}` : 'switched off'
  return { guard, application, value, limit, verdict: 'off', text, first: missed ? first : [] }
}
