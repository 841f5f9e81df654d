import { type CronFields, daysAreAnded, weekdayNames } from './cron-fields.ts'

export interface UnitFile {
  readonly name: string
  readonly text: string
}

export interface TimerOptions {
  /** File name without its ending. */
  readonly unit: string
  readonly id: string
  /** In UTC, whose clock never jumps: systemd would skip what a jump leaves out. */
  readonly fields: CronFields
  /** Words of the command; absolute paths first. */
  readonly command: readonly string[]
}

/** A timer and its service: `Persistent=` catches up what was slept through. */
export function systemdUnits({ unit, id, fields, command }: TimerOptions): UnitFile[] {
  const calendars = calendarsOf(fields).map((calendar) => `OnCalendar=${calendar}\n`)
  return [
    {
      name: `${unit}.timer`,
      text: `[Unit]\nDescription=iqtask schedule ${id}\n\n[Timer]\n${calendars.join('')}Persistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n`,
    },
    {
      name: `${unit}.service`,
      text: `[Unit]\nDescription=iqtask schedule ${id}\n\n[Service]\nType=oneshot\nSuccessExitStatus=3\nExecStart=${command.map(quoteWord).join(' ')}\n`,
    },
  ]
}

/** Two lines where a crontab would take either day: systemd takes only both. */
function calendarsOf(fields: CronFields): string[] {
  const list = (name: 'minute' | 'hour' | 'day' | 'month'): string =>
    fields[name].text === '*' ? '*' : fields[name].values.map((n) => String(n).padStart(2, '0')).join(',')
  const time = `${list('hour')}:${list('minute')}:00 UTC`
  const weekdays =
    fields.weekday.values.length === 7
      ? ''
      : `${fields.weekday.values.map((day) => `${weekdayNames[day]?.replace(/^./, (c) => c.toUpperCase())}`).join(',')} `
  if (daysAreAnded(fields) || weekdays === '' || fields.day.text === '*')
    return [`${weekdays}*-${list('month')}-${list('day')} ${time}`]
  return [`*-${list('month')}-${list('day')} ${time}`, `${weekdays}*-${list('month')}-* ${time}`]
}

const quoteWord = (word: string): string => {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[A-Za-z0-9/._-]+$/.test(plain) ? plain : `"${plain.replace(/[\\"]/g, '\\$&')}"`
}
