import { weekdayNames } from './cron-fields.ts'
import { instantOf, localTime } from './zoned.ts'

/** Peak hours: nothing starts in them; with `stop` what runs ends at its next chunk. */
export interface Blackout {
  /** Times of day; a window that ends before it begins goes over midnight. */
  readonly from: string
  readonly to: string
  /** On which weekdays it begins: 0 is Sunday. */
  readonly days: readonly number[]
  readonly timeZone: string
  readonly stop: boolean
}

export interface BlackoutWindow {
  readonly blackout: Blackout
  readonly end: Date
}

/** `mon-fri`, `sat,sun`; undefined when the text is none. */
export function parseWeekdays(text: string): number[] | undefined {
  const days: number[] = []
  for (const part of text.toLowerCase().split(',')) {
    const [first = -1, last = first, more] = part
      .trim()
      .split('-')
      .map((word) => weekdayNames.indexOf(word))
    if (first === -1 || last === -1 || more !== undefined) return undefined
    for (let day = first; ; day = (day + 1) % 7) {
      days.push(day)
      if (day === last) break
    }
  }
  return days
}

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))
const dayMs = 86_400_000

/** The window that the instant is in, the one that ends last; undefined outside of all. */
export function blackoutAt(blackouts: readonly Blackout[], at: Date): BlackoutWindow | undefined {
  const open = blackouts.flatMap((blackout) => {
    const { date } = localTime(at, blackout.timeZone)
    const yesterday = new Date(Date.parse(`${date}T00:00:00Z`) - dayMs).toISOString().slice(0, 10)
    return [yesterday, date].flatMap((day) => {
      const window = windowOf(blackout, day)
      return window !== undefined && window.start <= at && at < window.end ? [{ blackout, end: window.end }] : []
    })
  })
  return open.sort((a, b) => b.end.getTime() - a.end.getTime())[0]
}

/** The end of the last of windows that follow each other without a break. */
export function blackoutEnd(blackouts: readonly Blackout[], at: Date): BlackoutWindow | undefined {
  let found = blackoutAt(blackouts, at)
  // a week of windows end to end never lets go
  for (let i = 0; found !== undefined && i < 14; i++) {
    const next = blackoutAt(blackouts, found.end)
    if (next === undefined) break
    found = next
  }
  return found
}

function windowOf({ from, to, days, timeZone }: Blackout, date: string): { start: Date; end: Date } | undefined {
  if (!days.includes(new Date(`${date}T00:00:00Z`).getUTCDay())) return undefined
  const [start, end] = [minutesOf(from), minutesOf(to)]
  const over = end <= start ? 1440 : 0
  return { start: instantOf(date, start, timeZone), end: instantOf(date, end + over, timeZone) }
}

export const renderBlackout = ({ from, to, days, timeZone }: Blackout): string => {
  const names = days.length === 7 ? '' : ` ${days.map((day) => weekdayNames[day]).join(',')}`
  return `${from}–${to}${names} ${timeZone}`
}
