/** One line of `iqtask doctor`. */
export interface Finding {
  /** What was looked at: `store`, `secrets hr`. */
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly text: string
  /** What to type or to change. */
  readonly mend: string | null
  /** Mends it (`--fix`). */
  readonly fix?: (() => void) | undefined
}

export const ok = (name: string, text: string): Finding => ({ name, status: 'ok', text, mend: null })
export const warn = (name: string, text: string, mend: string, fix?: () => void): Finding => ({
  name,
  status: 'warn',
  text,
  mend,
  fix,
})
export const fail = (name: string, text: string, mend: string, fix?: () => void): Finding => ({
  name,
  status: 'fail',
  text,
  mend,
  fix,
})
