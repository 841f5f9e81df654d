/** One line of a benchmark: what was measured in this run, beside the yardstick of the same run. */
export interface Figure {
  readonly id: string
  /** What is measured, in words. */
  readonly what: string
  readonly value: number
  /** `×` a ratio to a yardstick, `MB`, `s`, `ms`. */
  readonly unit: string
  /** At most; undefined where the figure is only told, not judged. */
  readonly goal: number | undefined
  /** So many times the goal in the small form, whose sizes are too small for it; 10 unless told. */
  readonly slack?: number | undefined
  /** How it came about: the single times, the yardstick's. */
  readonly note: string
}

export interface Suite {
  readonly name: string
  readonly summary: string
  run(options: SuiteOptions): Promise<readonly Figure[]> | readonly Figure[]
}

export interface SuiteOptions {
  /** Everything at a size that ends in a minute: for CI, which fails only on orders of magnitude. */
  readonly small: boolean
  /** 10 M rows too. */
  readonly large: boolean
  /** Only this many accounts, for work on one thing. */
  readonly rows?: number | undefined
}
