import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCron } from '../../src/model/cron-fields.ts'
import { systemdUnits } from '../../src/model/systemd-units.ts'
import { machineHas } from '../helpers/machine.ts'
import { project } from '../helpers/project.ts'

const units = (cron: string, command: readonly string[] = ['/bin/true']) =>
  systemdUnits({ unit: 'iqtask-x', id: 'a/b', fields: parseCron(cron), command })
const calendars = (cron: string) =>
  [...(units(cron)[0]?.text.matchAll(/OnCalendar=(.*)/g) ?? [])].map((match) => match[1] ?? '')

describe('systemd timers', () => {
  it('say what the fields say; either of two days are two lines', () => {
    expect(calendars('30 0,1 * * 1-5')).toEqual(['Mon,Tue,Wed,Thu,Fri *-*-* 00,01:30:00 UTC'])
    expect(calendars('0 2 13 * 5')).toEqual(['*-*-13 02:00:00 UTC', 'Fri *-*-* 02:00:00 UTC'])
    expect(calendars('*/20 * 1 1,7 *')).toEqual(['*-01,07-01 *:00,20,40:00 UTC'])
  })

  it.skipIf(!machineHas('systemd-analyze', 'systemd'))('are units and calendars that systemd itself takes', () => {
    const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    for (const cron of ['30 0,1 * * 1-5', '0 2 13 * 5', '*/20 * 1 1,7 *', '0 0 28-31 * *', '* * * * *'])
      for (const calendar of calendars(cron)) {
        const { status, stdout, stderr } = analyze('calendar', '--iterations=2', calendar)
        expect([status, stderr], calendar).toEqual([0, ''])
        expect(stdout).toContain('Next elapse')
      }
    const made = units('30 2 * * *', ['/bin/true', '/opt/my "tools" 100% $HOME', 'schedule'])
    const folder = project(Object.fromEntries(made.map(({ name, text }) => [name, text])))
    const { status, stderr } = analyze('verify', ...made.map(({ name }) => join(folder, name)))
    expect([status, stderr]).toEqual([0, ''])
  })
})
