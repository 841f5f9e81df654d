import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from './app.ts'
import { isoText } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import { blockId, scratchOf } from './installation.ts'
import { folderOf, inFolder, knownText, stateOfTarget } from './installed.ts'
import { withBlock } from './model/crontab-block.ts'
import {
  diffTarget,
  editedByHand,
  type FileTarget,
  type InstalledFile,
  type InstallTarget,
  installTargets,
  type TargetState,
} from './model/install-target.ts'
import { timingOf } from './model/schedule.ts'
import { allSchedules, faultyTasks, writeWakeUps } from './schedules.ts'
import { crontabTable, withCrontabLock } from './task/crontab.ts'
import { systemctlOf } from './task/systemctl.ts'

export interface InstallOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What was edited by hand is written anew all the same. */
  readonly force: boolean
  /** Folder of the files of cron.d or systemd. */
  readonly folder?: string | undefined
  /** Asked with what differs, before anything is written. */
  readonly confirm: (diff: readonly string[], where: string) => Promise<void>
}

export interface Edited {
  readonly changed: boolean
  readonly where: string
  readonly diff: readonly string[]
  /** What is there afterwards, as lines. */
  readonly lines: readonly string[]
  readonly files: readonly string[]
  readonly backup: string | null
  /** What is left to type: systemd does not run here. */
  readonly typeNext: string | undefined
}

/** Brings a target to what the definitions say, or (`on: false`) takes it away. @throws UserError IQ5006, IQ5007, IQ5008 */
export async function editTarget(
  app: App,
  target: InstallTarget,
  on: boolean,
  options: InstallOptions,
): Promise<Edited> {
  if (on) await checkDefinitions(app)
  return withCrontabLock(options.env, () =>
    target === 'crontab' ? editCrontab(app, on, options) : editFiles(app, target, on, options),
  )
}

/** A typing error must not take a schedule out of the table, nor wait for the night to be told. @throws the first fault */
async function checkDefinitions(app: App): Promise<void> {
  const files = allSchedules(app).map(({ task }) => app.project.tasks.get(task).file)
  const problems = await app.validate()
  const [fault] = [...faultyTasks(app), ...problems.filter(({ place }) => files.includes(place?.file ?? ''))]
  if (fault !== undefined) throw fault
}

/** @throws UserError IQ5007 where somebody edited by hand what is there */
function stateToEdit(
  app: App,
  target: InstallTarget,
  on: boolean,
  { env, folder, force }: InstallOptions,
): TargetState {
  const found = stateOfTarget(app, env, target, folder)
  if (!force) refuseEdited(found)
  return on ? found : { ...found, files: found.files.map((file) => ({ ...file, wanted: undefined })) }
}

/** Only what iqtask wrote is overwritten without a word. */
function refuseEdited(state: TargetState): void {
  const edited = editedByHand(state)
  if (edited.length > 0)
    throw new UserError(`${state.where}: it was edited by hand:\n${edited.join('\n')}`, {
      code: 'IQ5007',
      hint: 'keep it, or write it anew with --force',
    })
}

/** Files in two folders would drift apart unseen. */
function refuseSecond(app: App, target: FileTarget, { env, folder }: InstallOptions): void {
  if (folder === undefined || app.store().schedules.installed(target) === undefined) return
  const known = folderOf(app, env, target)
  if (known !== folder)
    throw new UserError(`the files of ${target} are in ${known} already`, {
      code: 'IQ5007',
      hint: `iqtask schedule uninstall --target ${target} first`,
    })
}

async function editCrontab(app: App, on: boolean, options: InstallOptions): Promise<Edited> {
  const table = crontabTable(options.env, scratchOf(app))
  // read before anything is decided: whatever becomes of the table from here on stops the write
  const before = table.read()
  const state = stateToEdit(app, 'crontab', on, options)
  const wanted = state.files[0]?.wanted
  const diff = diffTarget(state)
  let backup: string | null = null
  if (diff.length > 0) {
    await options.confirm(diff, state.where)
    backup = await backUp(app, before)
    const bytes = wanted === undefined ? undefined : Buffer.from(wanted, 'utf8').toString('latin1')
    table.write(withBlock(before, blockId(app), bytes), before)
  }
  keepInstalled(app, 'crontab', wanted)
  return { ...edited(state, diff), backup }
}

const edited = (state: TargetState, diff: readonly string[]): Edited => ({
  changed: diff.length > 0,
  where: state.where,
  diff,
  lines: state.files.flatMap(({ wanted }) => wanted?.trimEnd().split('\n') ?? []),
  files: [],
  backup: null,
  typeNext: undefined,
})

async function backUp(app: App, table: string): Promise<string | null> {
  if (table === '') return null
  const file = join(scratchOf(app), `${isoText(app.clock.now()).replaceAll(':', '-')}.crontab`)
  await mkdir(scratchOf(app), { recursive: true, mode: 0o700 })
  await writeFile(file, table, { mode: 0o600, encoding: 'latin1' })
  return file
}

async function editFiles(app: App, target: FileTarget, on: boolean, options: InstallOptions): Promise<Edited> {
  refuseSecond(app, target, options)
  const state = stateToEdit(app, target, on, options)
  const { where, files, notEnabled } = state
  const systemctl = target === 'systemd' ? systemctlOf(options.env, where) : undefined
  const timers = files.filter(({ name }) => name.endsWith('.timer'))
  const off = timers.filter(
    ({ name, now, wanted }) => wanted !== undefined && (now === undefined || notEnabled.includes(name)),
  )
  const gone = timers.filter(({ now, wanted }) => now !== undefined && wanted === undefined)
  const diff = diffTarget(state)
  const starts = systemctl?.runs === true && (diff.length > 0 || off.length > 0)
  if (diff.length > 0) {
    await options.confirm(diff, where)
    if (starts) systemctl.disable(gone.map(({ name }) => name))
    inFolder(where, () => {
      mkdirSync(where, { recursive: true })
      for (const file of files) write(where, file)
    })
  }
  const wanted = files.flatMap((file) => (file.wanted === undefined ? [] : [[file.name, file.wanted] as const]))
  keepInstalled(app, target, wanted.length === 0 ? undefined : knownText(where, Object.fromEntries(wanted)))
  const names = off.map(({ name }) => name)
  if (starts) systemctl.enable(names)
  const done = edited(state, diff)
  return {
    ...done,
    changed: done.changed || starts,
    files: files.filter(({ now, wanted: text }) => now !== text).map(({ name }) => join(where, name)),
    typeNext: systemctl === undefined || starts || names.length === 0 ? undefined : systemctl.enabling(names),
  }
}

/** cron.d takes only files that root alone may write; what stands in them is no secret. */
function write(folder: string, { name, now, wanted }: InstalledFile): void {
  const file = join(folder, name)
  if (wanted === undefined) {
    rmSync(file, { force: true })
    // where systemd does not run, nobody else takes the link away
    rmSync(join(folder, 'timers.target.wants', name), { force: true })
  } else if (wanted !== now) {
    // neither cron nor systemd reads a name like this
    const temporary = join(folder, `.${name}.tmp`)
    writeFileSync(temporary, wanted, { mode: 0o644 })
    renameSync(temporary, file)
  }
}

/** From now on the schedules count; they do not when nothing wakes them up any more. */
function keepInstalled(app: App, target: InstallTarget, text: string | undefined): void {
  const store = app.store()
  const at = isoText(app.clock.now())
  store.db.write(() => {
    store.schedules.keepInstalled(target, text)
    const on = installTargets.some((one) => store.schedules.installed(one) !== undefined)
    for (const schedule of allSchedules(app))
      if (!on) store.schedules.forget(schedule.id)
      else if (schedule.enabled) store.schedules.begin(schedule.id, at, timingOf(schedule))
    store.audit.append({
      at,
      actor: JSON.stringify(app.actor),
      action: text === undefined ? 'schedule.uninstalled' : 'schedule.installed',
      object: 'schedule',
      key: app.project.name,
      run: null,
      body: { target, text: text ?? null },
    })
  })
  writeWakeUps(app)
}
