import { readdirSync, readFileSync } from 'node:fs'
import type { App } from './app.ts'
import { type Finding, ok, warn } from './model/doctor.ts'
import { describeSchedule, installedNow } from './schedule-status.ts'
import { allSchedules } from './schedules.ts'

type Env = Readonly<Record<string, string | undefined>>
const install = 'iqtask schedule install'

/** The crontab, its daemon, and what was missed; nothing where no task has a schedule. */
export function scheduleFindings(app: App, env: Env): Finding[] {
  const on = allSchedules(app).filter((schedule) => schedule.enabled)
  if (on.length === 0) return []
  const installed = installedNow(app, env)
  if (installed.fault !== undefined) return [warn('crontab', installed.fault, install)]
  const documents = on.map((schedule) => describeSchedule(app, schedule, installed))
  const findings: Finding[] = [
    ...installed.gone.map((path) => warn('crontab', `a line calls ${path}, which is not there any more`, install)),
    ...documents
      .filter((one) => one.installed === false && !one.paused)
      .map((one) => warn('schedules', `${one.id} is not in the crontab: nothing wakes it up`, install)),
    ...documents
      .filter((one) => one.missed > 0)
      .map((one) =>
        warn('schedules', `${one.id} missed ${one.missed} fires in 30 days`, 'iqtask results --status missed'),
      ),
    ...documents.flatMap((one) =>
      one.overlap === null ? [] : [warn('schedules', `${one.id}: ${one.overlap}`, 'fire less often')],
    ),
  ]
  if (installed.drifted.length > 0)
    findings.push(
      warn('crontab', 'it is not what the definitions say', 'iqtask schedule diff, then iqtask schedule install'),
    )
  if (installed.lines.length > 0 && daemonRuns() === false)
    findings.push(
      warn(
        'cron',
        'no cron daemon runs on this machine',
        'start it, or take systemd: iqtask schedule install --target systemd',
      ),
    )
  if (/\/v?\d+\.\d+\.\d+\//.test(process.execPath))
    findings.push(
      warn(
        'crontab',
        `Node is in a folder of one version: ${process.execPath}`,
        `${install} again after an update of Node`,
      ),
    )
  return findings.length > 0 ? findings : [ok('schedules', `${on.length} in the crontab, nothing missed`)]
}

/** Undefined where processes cannot be looked at. */
function daemonRuns(): boolean | undefined {
  try {
    return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && isCron(pid))
  } catch {
    return undefined
  }
}

function isCron(pid: string): boolean {
  try {
    return /^(cron|crond|fcron|anacron)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
  } catch {
    return false
  }
}
