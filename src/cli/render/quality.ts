import { counted } from '../../base/plural.ts'
import type { Quality } from '../../model/quality.ts'
import { safe } from '../terminal.ts'
import { renderCount } from './values.ts'

const most = 3
const quoted = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(', ')

/** One line an application: what is remarkable, most telling first. */
export function renderQuality(quality: Readonly<Record<string, Quality>>): string[] {
  return Object.entries(quality).map(([application, found]) => {
    const looked =
      found.sampled === found.accounts
        ? ''
        : ` (${renderCount(found.sampled)} of ${counted(found.accounts, 'account')} looked at)`
    const remarks = [
      ...found.datesBeyondReason.map(
        (one) => `${renderCount(one.count)} × ${one.attribute} beyond reason: ${quoted(one.first)}`,
      ),
      ...found.sharedKeys.map((one) => `${one.attribute} shared: ${quoted(one.first)}`),
      ...found.confusableNames.slice(0, most).map((names) => `look the same: ${quoted(names)}`),
      ...Object.entries(found.empty)
        .sort(([, a], [, b]) => b - a)
        .slice(0, most)
        .map(([attribute, share]) => `${attribute} empty in ${(100 * share).toFixed(1)} %`),
    ]
    return safe(`  quality  ${application}: ${remarks.join('; ') || 'nothing remarkable'}${looked}`)
  })
}
