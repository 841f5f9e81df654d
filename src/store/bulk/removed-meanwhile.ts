import { BusyError } from '../../base/errors.ts'

/** Something that a plan stands on is not there any more. @throws BusyError always */
export function refuseRemoved(what: string): never {
  throw new BusyError(`${what} was removed while this run was reading`, { code: 'IQ3001', hint: 'run again' })
}
