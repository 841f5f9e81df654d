const grouped = new Intl.NumberFormat('en-US')

export const renderCount = (count: number): string => grouped.format(count)

export interface Times {
  readonly zone: string
  /** `2026-11-23 09:12` in the zone; a dash for nothing. */
  render(iso: string | null | undefined): string
}

/** Times in one zone, which the printer names once. */
export function timesIn(zone: string): Times {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  return { zone, render: (iso) => (iso === null || iso === undefined ? '–' : format.format(new Date(iso))) }
}

/** A value of data in one line: lists joined, objects as JSON. */
export function renderValue(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) return value.map(renderValue).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
