import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { App } from './app.ts'
import { installedNow, installing } from './installed.ts'
import { type Finding, ok, warn } from './model/doctor.ts'
import { diffTarget, type TargetState } from './model/install-target.ts'
import { describeSchedule } from './schedule-status.ts'
import { allSchedules } from './schedules.ts'

type Env = Readonly<Record<string, string | undefined>>
const install = 'iqtask schedule install'

/** What wakes schedules up, and what was missed; nothing where no task has a schedule. */
export function scheduleFindings(app: App, env: Env): Finding[] {
  const on = allSchedules(app).filter((schedule) => schedule.enabled)
  if (on.length === 0) return []
  const installed = installedNow(app, env)
  const documents = on.map((schedule) => describeSchedule(app, schedule, installed))
  const findings: Finding[] = [
    ...installed.faults.map(({ text, mend }) => warn('schedules', text, mend)),
    ...documents
      .filter((one) => one.installed === false && !one.paused)
      .map((one) => warn('schedules', `${one.id} is not installed: nothing wakes it up`, install)),
    ...documents
      .filter((one) => one.missed > 0)
      .map((one) =>
        warn('schedules', `${one.id} missed ${one.missed} fires in 30 days`, 'iqtask results --status missed'),
      ),
    ...documents.flatMap((one) =>
      one.overlap === null ? [] : [warn('schedules', `${one.id}: ${one.overlap}`, 'fire less often')],
    ),
    ...installed.targets.flatMap(targetFindings),
  ]
  if (findings.length > 0) return findings
  const where = installed.targets.map(({ target }) => target).join(', ')
  return [ok('schedules', `${on.length} installed (${where}), nothing missed`)]
}

function targetFindings(state: TargetState): Finding[] {
  const { target } = state
  const findings: Finding[] = []
  if (diffTarget(state).length > 0)
    findings.push(
      warn(target, 'it is not what the definitions say', `iqtask schedule diff, then ${installing(target)}`),
    )
  if (target !== 'systemd' && daemonRuns() === false)
    findings.push(
      warn('cron', 'no cron daemon runs on this machine', `start it, or take systemd: ${install} --target systemd`),
    )
  if (target === 'systemd' && !existsSync('/run/systemd/system'))
    findings.push(warn('systemd', 'it does not run on this machine', `start it, or take cron: ${install}`))
  if (/\/v?\d+\.\d+\.\d+\//.test(process.execPath))
    findings.push(
      warn(
        target,
        `Node is in a folder of one version: ${process.execPath}`,
        `${installing(target)} again after an update of Node`,
      ),
    )
  return findings
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
