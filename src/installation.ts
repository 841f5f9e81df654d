import { createHash } from 'node:crypto'
import { existsSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from './app.ts'
import { isoText } from './base/clock.ts'
import { UserError } from './base/errors.ts'
import { packageFolder } from './base/package.ts'
import { renderCron } from './model/cron-fields.ts'
import {
  checkLines,
  commentLine,
  diffBlocks,
  findBlock,
  quotePath,
  renderBlock,
  withBlock,
} from './model/crontab-block.ts'
import { renderPattern, type TaskSchedule } from './model/schedule.ts'
import { systemdUnits, type UnitFile } from './model/systemd-units.ts'
import { isTimeZone } from './model/zoned.ts'
import { allSchedules, writeWakeUps } from './schedules.ts'
import { crontabTable, withCrontabLock } from './task/crontab.ts'
import { occurrencesOf } from './task/schedule.ts'
import { wakeUpFields } from './task/wake-up.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What a line calls: Node, and the entry of the tool as it is installed. */
export interface Program {
  readonly node: string
  readonly entry: string
}
export const ownProgram = (): Program => ({ node: process.execPath, entry: join(packageFolder, 'bin', 'iqtask.js') })

/** The zone of the machine's clocks, which the daemon lives by: a user's own TZ says nothing about it. */
export function daemonZone(): string {
  try {
    const zone = readlinkSync('/etc/localtime').split('zoneinfo/')[1] ?? ''
    if (isTimeZone(zone)) return zone
  } catch {
    // no link: what Node believes
  }
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** The lines for every schedule that is switched on. @throws UserError IQ5008 when one cannot be written */
export function crontabLines(app: App, program: Program = ownProgram(), user?: string): string[] {
  const command = commandOf(app, program).map(quotePath).join(' ')
  const project = quotePath(app.project.folder)
  const as = user === undefined ? '' : `${user} `
  const on = allSchedules(app).filter((schedule) => schedule.enabled)
  const lines = on.flatMap((schedule) => {
    if (occurrencesOf(schedule).next(app.clock.now()) === undefined) return []
    const fields = renderCron(wakeUpFields(schedule, daemonZone(), app.clock.now()))
    return [
      commentLine(`${schedule.id}: ${renderPattern(schedule)} ${schedule.timeZone}`),
      `${fields} ${as}${command} schedule fire ${schedule.id} --project ${project}`,
    ]
  })
  if (lines.length > 0) lines.push(`@reboot ${as}${command} schedule catchup --project ${project}`)
  checkLines(lines)
  return lines
}

function commandOf({ project }: App, { node, entry }: Program): [string, string] {
  for (const path of [node, entry, project.folder])
    if (!existsSync(path))
      throw new UserError(`${path} is not there`, { code: 'IQ5008', hint: 'iqtask schedule install from where it is' })
  return [node, entry]
}

/** Eight digits that stay with the store when the project moves. */
export const blockId = (app: App): string =>
  createHash('sha256').update(String(app.store().info().id)).digest('hex').slice(0, 8)

export const wantedBlock = (app: App): string => renderBlock(blockId(app), app.project.name, crontabLines(app))

export interface Drift {
  /** The block in the crontab now; undefined where there is none. */
  readonly installed: string | undefined
  readonly wanted: string
  /** Lines with `-`, `+` or blanks before them; none when nothing differs. */
  readonly diff: readonly string[]
}

export function drift(app: App, env: Env): Drift {
  const { text } = findBlock(crontabTable(env, scratchOf(app)).read(), blockId(app))
  const installed = text === undefined ? undefined : utf8(text)
  const wanted = wantedBlock(app)
  return { installed, wanted, diff: diffBlocks(installed, wanted) }
}

const scratchOf = ({ project }: App): string => join(project.folder, 'var', 'crontabs')

export interface EditOptions {
  readonly env: Env
  /** A block that was edited by hand is written anew all the same. */
  readonly force: boolean
  /** Asked with what differs, before anything is written. */
  readonly confirm: (diff: readonly string[]) => Promise<void>
}

export interface Edited {
  readonly changed: boolean
  readonly diff: readonly string[]
  readonly backup: string | null
}

/** Puts the block into the user's crontab, or takes it out; every other byte stays. @throws UserError IQ5006, IQ5007, IQ5008 */
export async function editCrontab(app: App, wanted: string | undefined, options: EditOptions): Promise<Edited> {
  const { env, force, confirm } = options
  const id = blockId(app)
  return withCrontabLock(env, async () => {
    const table = crontabTable(env, scratchOf(app))
    const before = table.read()
    const now = findBlock(before, id).text
    const diff = diffBlocks(now === undefined ? undefined : utf8(now), wanted)
    if (now !== undefined && !force) refuseEdited(app, utf8(now))
    if (diff.length === 0) {
      keepInstalled(app, wanted)
      return { changed: false, diff, backup: null }
    }
    await confirm(diff)
    const backup = await backUp(app, before)
    table.write(withBlock(before, id, wanted === undefined ? undefined : bytes(wanted)), before)
    keepInstalled(app, wanted)
    return { changed: true, diff, backup }
  })
}

/** Only what iqtask wrote is overwritten without a word. */
function refuseEdited(app: App, now: string): void {
  const known = app.store().schedules.installed()
  if (known === undefined || known === now) return
  throw new UserError(`the block in the crontab was edited by hand:\n${diffBlocks(now, known).join('\n')}`, {
    code: 'IQ5007',
    hint: 'keep it, or write it anew with --force',
  })
}

/** The same for files that others read: from now on the schedules count, or do not. */
export const keepInstalledFiles = (app: App, on: boolean): void => keepInstalled(app, undefined, on)

function keepInstalled(app: App, wanted: string | undefined, on = wanted !== undefined): void {
  const store = app.store()
  const at = isoText(app.clock.now())
  store.db.write(() => {
    store.schedules.keepInstalled(wanted)
    for (const { id, enabled } of allSchedules(app))
      if (!on) store.schedules.forget(id)
      else if (enabled) store.schedules.begin(id, at)
    store.audit.append({
      at,
      actor: JSON.stringify(app.actor),
      action: on ? 'schedule.installed' : 'schedule.uninstalled',
      object: 'schedule',
      key: app.project.name,
      run: null,
      body: { lines: wanted === undefined ? [] : wanted.trimEnd().split('\n') },
    })
  })
  writeWakeUps(app)
}

async function backUp(app: App, table: string): Promise<string | null> {
  if (table === '') return null
  const file = join(scratchOf(app), `${isoText(app.clock.now()).replaceAll(':', '-')}.crontab`)
  await mkdir(scratchOf(app), { recursive: true, mode: 0o700 })
  await writeFile(file, table, { mode: 0o600, encoding: 'latin1' })
  return file
}

/** The same wake-ups for systemd: one timer and one service a schedule. */
export function timerUnits(app: App, program: Program = ownProgram()): UnitFile[] {
  const words = commandOf(app, program)
  return allSchedules(app)
    .filter((schedule: TaskSchedule) => schedule.enabled)
    .flatMap((schedule) =>
      systemdUnits({
        unit: `iqtask-${blockId(app)}-${schedule.id.replace('/', '-')}`,
        id: schedule.id,
        fields: wakeUpFields(schedule, 'UTC', app.clock.now()),
        command: [...words, 'schedule', 'fire', schedule.id, '--project', app.project.folder],
      }),
    )
}

/** A file for /etc/cron.d: the same lines with the user who runs them. */
export const cronDFile = (app: App, user: string): UnitFile => ({
  name: `iqtask-${blockId(app)}`,
  text: renderBlock(blockId(app), app.project.name, crontabLines(app, ownProgram(), user)),
})
