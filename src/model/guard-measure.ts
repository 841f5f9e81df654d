import type { GuardName } from './guard-settings.ts'

/** What one guard sees. `value` and `limit` are in the guard's own unit; the text says both, and what is over. */
export interface Measure {
  readonly guard: GuardName
  readonly value: number
  readonly limit: number
  readonly over: boolean
  readonly text: string
  readonly first: readonly string[]
  /** Being over is said, and does not stop. */
  readonly warns?: boolean
}

/** `52 %`, with as many decimals (at most three) as keep it on its side of the limit it is compared with. */
export function share(count: number, of: number, limit: number): string {
  const percent = of === 0 ? (count === 0 ? 0 : 100) : (100 * count) / of
  for (let digits = 0; digits < 3; digits++) {
    const shown = Number(percent.toFixed(digits))
    if (Math.sign(shown - limit) === Math.sign(percent - limit)) return `${shown} %`
  }
  return `${percent.toFixed(3)} %`
}
