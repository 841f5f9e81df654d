import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Where units are that were made on this machine: for all, and for one user. */
export const systemdFolders = (env: Env): { readonly system: string; readonly user: string } => ({
  system: '/etc/systemd/system',
  user: join(env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), '.config'), 'systemd/user'),
})

export interface Systemctl {
  /** False: systemd does not run here, or looks for units elsewhere. */
  readonly runs: boolean
  /** The commands that start these timers, for whoever has to type them. */
  enabling(timers: readonly string[]): string
  /** Timers that are new are enabled, those that go are disabled. @throws UserError IQ5006 */
  enable(timers: readonly string[]): void
  disable(timers: readonly string[]): void
}

export function systemctlOf(env: Env, folder: string): Systemctl {
  const { system, user } = systemdFolders(env)
  const scope = folder === user ? ['--user'] : []
  const ours = folder === system || folder === user
  const systemctl = (...args: readonly string[]): void => {
    const words = [...scope, ...args]
    const { status, stderr, error } = spawnSync('systemctl', words, { env: { ...env, LC_ALL: 'C' }, encoding: 'utf8' })
    if (status === 0) return
    throw new UserError(`systemctl ${words.join(' ')} failed: ${error?.message ?? stderr.trim()}`, {
      code: 'IQ5006',
      hint: `the files are in ${folder}; when it is mended, type that again`,
    })
  }
  const typed = ['systemctl', ...scope].join(' ')
  const link = (timers: readonly string[]): string =>
    `${typed} link ${timers.flatMap((timer) => [timer, timer.replace(/timer$/, 'service')].map((name) => join(folder, name))).join(' ')} && `
  return {
    runs: ours && existsSync('/run/systemd/system'),
    enabling: (timers) =>
      `${typed} daemon-reload && ${ours ? '' : link(timers)}${typed} enable --now ${timers.join(' ')}`,
    enable(timers) {
      systemctl('daemon-reload')
      if (timers.length > 0) systemctl('enable', '--now', ...timers)
    },
    disable(timers) {
      if (timers.length > 0) systemctl('disable', '--now', ...timers)
    },
  }
}
