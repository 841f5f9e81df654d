/** What is remarkable about an application's accounts, whatever the rules say of each. */
export interface Quality {
  readonly accounts: number
  /** How many of them were looked at. */
  readonly sampled: number
  /** Share of the accounts without a value, by attribute that some have. */
  readonly empty: Readonly<Record<string, number>>
  /** Attributes that tell accounts apart, but for these: how many values too few, and values that several have. */
  readonly sharedKeys: readonly Remark[]
  /** Before 1900, or from 2100 on. */
  readonly datesBeyondReason: readonly Remark[]
  /** Names that differ and look the same. */
  readonly confusableNames: readonly (readonly string[])[]
}

interface Remark {
  readonly attribute: string
  readonly count: number
  readonly first: readonly string[]
}

/** Letters of other alphabets that are drawn like Latin ones, and figures that are taken for letters. */
const twins: Readonly<Record<string, string>> = Object.fromEntries(
  [...'аaеeоoрpсcхxуyіiјjѕsвbнhкkмmтtαaοoρpνvιiκkτt0o1l'].flatMap((letter, index, all) =>
    index % 2 === 0 ? [[letter, all[index + 1] ?? letter]] : [],
  ),
)

/** What a name looks like at a glance: without case, accents, alphabet and doubled blanks. */
const glance = (name: string): string =>
  [...name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()]
    .map((letter) => twins[letter] ?? letter)
    .join('')
    .replace(/[\s\u200b-\u200d\u2060\ufeff]+/g, ' ')
    .trim()

/** Groups of names that differ and look the same; at most twenty. */
export function confusableNames(names: Iterable<string>): string[][] {
  const groups = new Map<string, Set<string>>()
  for (const name of names) {
    const key = glance(name)
    groups.set(key, (groups.get(key) ?? new Set()).add(name))
  }
  return [...groups.values()]
    .filter((group) => group.size > 1)
    .map((group) => [...group].sort())
    .sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))
    .slice(0, 20)
}
