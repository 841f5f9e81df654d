import { AbortError, BusyError, GuardError, StoreError, UserError } from '../base/errors.ts'

/** house: 0 success · 1 error or bug · 2 usage · 3 warnings · 4 guard · 5 busy · 6 store · 130/143 stopped by a signal. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return 2
  if (error instanceof GuardError) return 4
  if (error instanceof BusyError) return 5
  if (error instanceof StoreError) return 6
  if (error instanceof AbortError) return error.cause === 'SIGINT' ? 130 : error.cause === 'SIGTERM' ? 143 : 1
  return 1
}
