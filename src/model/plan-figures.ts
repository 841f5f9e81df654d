/** What a plan would do, in numbers: all that guards look at. Kinds are those of the guards' table (`deletes`, `creates`, …). */
export interface PlanFigures {
  readonly section: string
  readonly privileged: boolean
  /** Accounts (or other objects) there were before: what percentages refer to. */
  readonly population: number
  /** True until the first complete run of this section: giving guards rest. */
  readonly baseline: boolean
  /** By kind; a kind that no guard knows is not judged. */
  readonly changes: Readonly<Record<string, ChangeFigures>>
  readonly read?: SourceFigures | undefined
}

/** How many objects one kind of change touches, next to what earlier runs did. */
export interface ChangeFigures {
  readonly count: number
  /** The first ten of them as people know them. */
  readonly first: readonly string[]
  /** What they are, one and several, where they are not what the guard usually counts. */
  readonly objects?: readonly [string, string] | undefined
  /** What the percentage refers to, where that is not the population. */
  readonly of?: number | undefined
  /** The same count in the last complete runs, latest first, at most thirty, without those that were allowed by name. */
  readonly earlier?: readonly number[] | undefined
  /** Earlier steps of the same sequence: how many they touched, and the population when the first of them began. */
  readonly steps?: { readonly count: number; readonly population: number } | undefined
  /** The last seven days before this plan: how many were touched, and the population when they began. */
  readonly week?: { readonly count: number; readonly population: number } | undefined
}

/** What the read looked like next to earlier ones. */
export interface SourceFigures {
  readonly rows: number
  /** Rows of the last complete reads, latest first, at most thirty. */
  readonly earlier: readonly number[]
  /** Share (0–1) of the keys known before that were seen again; undefined without earlier keys. */
  readonly keysInCommon: number | undefined
  /** Items that are in both reads. */
  readonly common: number
  /** By attribute: by how many fewer of the common items have a value now. */
  readonly emptied: Readonly<Record<string, number>>
  /** Columns of the last read; 0: not known. */
  readonly columnsBefore: number
  readonly columnsGone: readonly string[]
  readonly columnsUsedGone: readonly string[]
  readonly scopeChanged: boolean
  /** ms since the content last changed, and the usual interval between changes. */
  readonly unchangedForMs: number | undefined
  readonly usualIntervalMs: number | undefined
}
