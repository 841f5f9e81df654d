import type { Normalization } from './value.ts'

const ways: Readonly<Record<Normalization, (text: string) => string>> = {
  trim: (text) => text.trim(),
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  collapse: (text) => text.replace(/\s+/g, ' '),
  leadingZeros: (text) => text.replace(/^0+(?=\d)/, ''),
}

export const normalize = (text: string, steps: readonly Normalization[]): string =>
  steps.reduce((value, step) => ways[step](value), text.normalize('NFC'))

/** The form in which both sides of a correlation rule are compared; undefined when the value never matches. */
export function evenOut(
  rule: {
    readonly normalize: readonly Normalization[]
    readonly ignoreCase: boolean
    readonly ignoreValues: readonly string[]
  },
  text: string,
): string | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || rule.ignoreValues.includes(trimmed)) return undefined
  const even = normalize(trimmed, rule.normalize)
  return rule.ignoreCase ? even.toLowerCase() : even
}

/** A glob of `*` and `?` as a test, in linear time (the classic backtrack to the last star only). */
export function glob(pattern: string): (text: string) => boolean {
  return (text) => {
    let p = 0
    let t = 0
    let star = -1
    let mark = 0
    while (t < text.length) {
      if (pattern[p] === '*') {
        star = p++
        mark = t
      } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
        p++
        t++
      } else if (star >= 0) {
        p = star + 1
        t = ++mark
      } else return false
    }
    while (pattern[p] === '*') p++
    return p === pattern.length
  }
}
