/** What a plan would do, in numbers: all that guards look at. Kinds are those of the guards' table (`deletes`, `creates`, …). */
export interface PlanFigures {
  readonly section: string
  readonly privileged: boolean
  /** Accounts (or other objects) there were before: what percentages refer to. */
  readonly population: number
  /** True until the first complete run of this section: giving guards rest. */
  readonly baseline: boolean
  /** How many objects each kind of change touches, and the first ten of them as people know them. */
  readonly changes: Readonly<Record<string, { readonly count: number; readonly first: readonly string[] }>>
  readonly read?: SourceFigures | undefined
}

/** What the read looked like next to earlier ones. */
export interface SourceFigures {
  readonly rows: number
  /** Rows of the last complete reads, latest first, at most thirty. */
  readonly earlier: readonly number[]
  /** Share (0–1) of the keys known before that were seen again; undefined without earlier keys. */
  readonly keysInCommon: number | undefined
  /** Share (0–1) of items without a value, before and now, by attribute. */
  readonly empty: Readonly<Record<string, { readonly before: number; readonly now: number }>>
  readonly columnsGone: readonly string[]
  readonly columnsUsedGone: readonly string[]
  readonly scopeChanged: boolean
  /** ms since the content last changed, and the usual interval between changes. */
  readonly unchangedForMs: number | undefined
  readonly usualIntervalMs: number | undefined
}
