import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { App } from './app.ts'
import { IqtaskError, UserError } from './base/errors.ts'
import { blockId, scratchOf, wantedFiles } from './installation.ts'
import { findBlock } from './model/crontab-block.ts'
import {
  diffTarget,
  type FileTarget,
  fileTargets,
  type InstalledFile,
  type InstallTarget,
  isInstalled,
  type TargetState,
} from './model/install-target.ts'
import { faultyTasks } from './schedules.ts'
import { crontabTable } from './task/crontab.ts'
import { systemctlOf, systemdFolders } from './task/systemctl.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What iqtask wrote last, and where. */
interface Known {
  readonly folder: string
  readonly files: Readonly<Record<string, string>>
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/** The folder of a target's files: where they are already, else the one of this machine. */
export function folderOf(app: App, env: Env, target: FileTarget): string {
  const known = knownOf(app, target)
  if (known !== undefined) return known.folder
  if (target === 'cron.d') return '/etc/cron.d'
  const { system, user } = systemdFolders(env)
  return process.getuid?.() === 0 ? system : user
}

function knownOf(app: App, target: FileTarget): Known | undefined {
  const text = app.store().schedules.installed(target)
  return text === undefined ? undefined : (JSON.parse(text) as Known)
}

export const knownText = (folder: string, files: Known['files']): string => JSON.stringify({ folder, files })

/** One target as it is now. @throws UserError IQ5006, IQ5007, IQ5008 */
export function stateOfTarget(app: App, env: Env, target: InstallTarget, folder?: string): TargetState {
  const wanted = new Map(wantedFiles(app, target).map(({ name, text }) => [name, text]))
  if (target === 'crontab') {
    const { text } = findBlock(crontabTable(env, scratchOf(app)).read(), blockId(app))
    const now = text === undefined ? undefined : utf8(text)
    const known = app.store().schedules.installed(target)
    const block: InstalledFile = { name: target, now, wanted: wanted.get(target), known }
    return { target, where: `the crontab of ${userInfo().username}`, files: [block], notEnabled: [] }
  }
  const where = folder ?? folderOf(app, env, target)
  const known = knownOf(app, target)
  const there = ownFiles(where, blockId(app))
  const written: Known['files'] = known?.folder === where ? known.files : {}
  const names = new Set([...there, ...wanted.keys(), ...Object.keys(written)])
  const files = [...names].sort().map((name): InstalledFile => {
    const now = there.includes(name) ? readFileSync(join(where, name), 'utf8') : undefined
    return { name, now, wanted: wanted.get(name), known: written[name] }
  })
  const timers = files.filter(({ name, now }) => now !== undefined && name.endsWith('.timer')).map(({ name }) => name)
  return { target, where, files, notEnabled: timers.filter((timer) => !isEnabled(env, where, timer)) }
}

/** The files of this store's project, also of schedules that there are no more. */
function ownFiles(folder: string, id: string): string[] {
  const own = new RegExp(`^iqtask-${id}(?:-.+\\.(?:timer|service))?$`)
  return existsSync(folder) ? inFolder(folder, () => readdirSync(folder)).filter((name) => own.test(name)) : []
}

/** @throws UserError IQ5006 for what the file system refuses */
export function inFolder<Result>(folder: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UserError(`${folder} cannot be used: ${message}`, {
      code: 'IQ5006',
      hint: 'as another user (sudo), or a folder of yours: --dir',
    })
  }
}

/** `systemctl enable` leaves a link, in the folder of the user or of the system. */
function isEnabled(env: Env, folder: string, timer: string): boolean {
  const { system, user } = systemdFolders(env)
  return [folder, system, user].some(
    (one) => lstatSync(join(one, 'timers.target.wants', timer), { throwIfNoEntry: false }) !== undefined,
  )
}

export interface Installed {
  /** Those that somebody installed. */
  readonly targets: readonly TargetState[]
  /** Why nobody knows of one of them. */
  readonly fault: IqtaskError | undefined
  /** What is wrong with them, and the next thing to type. */
  readonly faults: readonly { readonly text: string; readonly mend: string }[]
}

/** Where this project's schedules are installed, and what stands there. */
export function installedNow(app: App, env: Env): Installed {
  const { schedules } = app.store()
  const inFiles = fileTargets.filter(
    (target) =>
      schedules.installed(target) !== undefined || ownFiles(folderOf(app, env, target), blockId(app)).length > 0,
  )
  const targets: TargetState[] = []
  let fault: IqtaskError | undefined
  for (const target of ['crontab', ...inFiles] as const)
    try {
      const state = stateOfTarget(app, env, target)
      if (isInstalled(state)) targets.push(state)
    } catch (error) {
      if (!(error instanceof IqtaskError)) throw error
      // a machine without a crontab is no fault where another target does the work
      const idle = target === 'crontab' && inFiles.length > 0 && schedules.installed(target) === undefined
      if (!idle) fault ??= error
    }
  const faults = [...faultyTasks(app), ...(fault === undefined ? [] : [fault])].map(told)
  return { targets, fault, faults: [...faults, ...targets.flatMap((state) => brokenOf(state, env))] }
}

/** How what is installed differs from the definitions; where nothing is, what the crontab lacks. @throws UserError */
export function drift(app: App, env: Env): { readonly installed: boolean; readonly diff: readonly string[] } {
  const { targets, fault } = installedNow(app, env)
  const unknown = faultyTasks(app)[0] ?? fault
  if (unknown !== undefined) throw unknown
  const states = targets.length > 0 ? targets : [stateOfTarget(app, env, 'crontab')]
  return { installed: targets.length > 0, diff: states.flatMap(diffTarget) }
}

/** Without the place nobody knows which of the files it is. */
const told = ({ message, hint, code, place }: IqtaskError): Installed['faults'][number] => ({
  text: place === undefined ? message : `${place.file}:${place.line ?? 1}: ${message}; its schedules are not known`,
  mend: hint ?? `iqtask explain ${code}`,
})

/** `iqtask schedule install` for this target. */
export const installing = (target: InstallTarget): string =>
  `iqtask schedule install${target === 'crontab' ? '' : ` --target ${target}`}`

function brokenOf(state: TargetState, env: Env): Installed['faults'] {
  const { target, where, notEnabled } = state
  const who = target === 'crontab' ? 'the crontab' : where
  return [
    ...[...new Set(gonePaths(state))].map((path) => ({
      text: `${who} calls ${path}, which is not there any more`,
      mend: installing(target),
    })),
    ...notEnabled.map((timer) => ({
      text: `systemd does not start ${join(where, timer)}: it is not enabled`,
      mend: systemctlOf(env, where).enabling([timer]),
    })),
  ]
}

/** Every absolute path among the words is there, or it is named. */
function gonePaths({ files }: TargetState): string[] {
  const words = files
    .flatMap(({ now }) => now?.split('\n') ?? [])
    .filter((line) => !line.startsWith('#') && line.includes(' schedule '))
    .flatMap((line) =>
      [...line.replace(/^ExecStart=/, '').matchAll(/'((?:[^']|'\\'')*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
        ([, single, double, plain]) =>
          single?.replaceAll(`'\\''`, `'`) ??
          double?.replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$') ??
          plain ??
          '',
      ),
    )
  return words.filter((word) => word.startsWith('/') && !existsSync(word))
}
