import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { JsonObject } from '../base/json.ts'

/** Who a process is, so that a later one can tell whether it still lives: a pid alone is used again. */
export interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** Clock ticks since boot at which the process started (`/proc/PID/stat`, field 22); undefined outside Linux. */
  readonly processStart: string | undefined
  readonly bootId: string | undefined
}

const text = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

export const bootId = (): string | undefined => text('/proc/sys/kernel/random/boot_id')

/** Undefined when there is no such process, or it is a zombie. */
export function processStart(pid: number): string | undefined {
  // the name in parentheses may hold anything, also parentheses
  const fields = text(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

export const ownProcess = (): ProcessIdentity => ({
  host: hostname(),
  pid: process.pid,
  processStart: processStart(process.pid),
  bootId: bootId(),
})

/** Is it running? Undefined: this machine cannot tell, another host's clock must decide. */
export function isAlive(other: ProcessIdentity): boolean | undefined {
  const own = ownProcess()
  if (other.host !== own.host) return undefined
  if (other.bootId !== undefined && other.bootId !== own.bootId) return false
  if (other.processStart !== undefined) return processStart(other.pid) === other.processStart
  try {
    process.kill(other.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The OS user; under sudo the caller too, and the login uid that survives `su` (Linux audit). */
export function currentActor(env: Readonly<Record<string, string | undefined>>): JsonObject {
  const { username, uid } = userInfo()
  const login = text('/proc/self/loginuid')
  return {
    user: username,
    uid,
    ...(env.SUDO_USER === undefined ? {} : { sudoUser: env.SUDO_USER, sudoUid: Number(env.SUDO_UID) }),
    // 4294967295: never logged in
    ...(login === undefined || login === '4294967295' ? {} : { loginUid: Number(login) }),
  }
}
