/** Wall-clock time in a zone. */
export interface LocalTime {
  /** `2026-11-24`. */
  readonly date: string
  /** Minutes since midnight, as the clock on the wall shows them. */
  readonly minutes: number
}

const minuteMs = 60_000
const dayMs = 86_400_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** An IANA name; a bare offset is none, because it knows no daylight saving. */
export function isTimeZone(zone: string): boolean {
  try {
    return /^[A-Za-z]/.test(zone) && new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
    formats.set(zone, format)
  }
  return format
}

export function localTime(at: Date, zone: string): LocalTime {
  const [date = '', time = ''] = formatOf(zone).format(at).split(' ')
  return { date, minutes: Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5)) }
}

/** `2026-11-24T02:30`: texts that compare like the times they stand for. */
export const localText = (at: Date, zone: string): string => formatOf(zone).format(at).replace(' ', 'T').slice(0, 16)

/** How many minutes the zone's clocks are ahead of UTC. */
export function offsetMinutes(at: Date, zone: string): number {
  const { date, minutes } = localTime(at, zone)
  const wall = Date.parse(`${date}T00:00:00Z`) / minuteMs + minutes
  return wall - Math.floor(at.getTime() / minuteMs)
}

/** The first instant at which the clocks show this; in a gap, the one at which they would have shown it. */
export function instantOf(date: string, minutes: number, zone: string): Date {
  const wall = Date.parse(`${date}T00:00:00Z`) + minutes * minuteMs
  const before = offsetMinutes(new Date(wall - dayMs), zone)
  const after = offsetMinutes(new Date(wall + dayMs), zone)
  const early = new Date(wall - Math.max(before, after) * minuteMs)
  const shows = localTime(early, zone)
  const wanted = ((minutes % 1440) + 1440) % 1440
  return shows.minutes === wanted ? early : new Date(wall - Math.min(before, after) * minuteMs)
}

/** The instants in the span at which the zone's clocks jump, to the minute. */
export function transitions(zone: string, from: Date, to: Date): Date[] {
  const found: Date[] = []
  let at = from.getTime()
  let offset = offsetMinutes(from, zone)
  while (at < to.getTime()) {
    const next = at + dayMs
    const then = offsetMinutes(new Date(next), zone)
    if (then !== offset) found.push(jumpBetween(zone, at, next, offset))
    at = next
    offset = then
  }
  return found
}

function jumpBetween(zone: string, before: number, after: number, offset: number): Date {
  let [low, high] = [Math.floor(before / minuteMs), Math.ceil(after / minuteMs)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetMinutes(new Date(middle * minuteMs), zone) === offset) low = middle
    else high = middle
  }
  return new Date(high * minuteMs)
}
