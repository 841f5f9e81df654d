import { createHash } from 'node:crypto'
import { existsSync, readlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { App } from './app.ts'
import { UserError } from './base/errors.ts'
import { packageFolder } from './base/package.ts'
import { renderCron } from './model/cron-fields.ts'
import { checkLines, commentLine, quotePath, renderBlock } from './model/crontab-block.ts'
import type { InstallTarget } from './model/install-target.ts'
import { renderPattern, type TaskSchedule } from './model/schedule.ts'
import { systemdUnits, type UnitFile } from './model/systemd-units.ts'
import { isTimeZone } from './model/zoned.ts'
import { allSchedules } from './schedules.ts'
import { occurrencesOf } from './task/schedule.ts'
import { wakeUpFields } from './task/wake-up.ts'

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

/** The lines for every schedule that is switched on. @throws UserError IQ5008 when one cannot be written */
function crontabLines(app: App, program: Program = ownProgram(), user?: string): string[] {
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

/** What `install` keeps of the tables it changes. */
export const scratchOf = ({ project }: App): string => join(project.folder, 'var', 'crontabs')

/** What a target should hold; nothing where no schedule is switched on. @throws UserError IQ5008 */
export function wantedFiles(app: App, target: InstallTarget): readonly UnitFile[] {
  if (target === 'systemd') return timerUnits(app)
  const inFile = target === 'cron.d'
  const lines = crontabLines(app, ownProgram(), inFile ? userInfo().username : undefined)
  if (lines.length === 0) return []
  const id = blockId(app)
  return [{ name: inFile ? `iqtask-${id}` : target, text: renderBlock(id, app.project.name, lines) }]
}

/** The same wake-ups for systemd: one timer and one service a schedule. */
function timerUnits(app: App, program: Program = ownProgram()): UnitFile[] {
  const words = commandOf(app, program)
  return allSchedules(app)
    .filter((schedule: TaskSchedule) => schedule.enabled)
    .flatMap((schedule) =>
      systemdUnits({
        // names hold no colon: no two schedules have one unit
        unit: `iqtask-${blockId(app)}-${schedule.id.replace('/', ':')}`,
        id: schedule.id,
        fields: wakeUpFields(schedule, 'UTC', app.clock.now()),
        command: [...words, 'schedule', 'fire', schedule.id, '--project', app.project.folder],
      }),
    )
}
