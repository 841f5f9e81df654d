/** Thousands with commas. By hand: to load the tables of `Intl` takes longer than a small command. */
export const renderCount = (count: number): string => {
  const [whole = '', ...decimals] = String(count).split('.')
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...decimals].join('.')
}

export interface Times {
  readonly zone: string
  /** `2026-11-23 09:12` in the zone; a dash for nothing. */
  render(iso: string | null | undefined): string
}

/** Times in one zone, which the printer names once; without one in that of this machine. */
export function timesIn(zone: string | undefined): Times {
  let format: Intl.DateTimeFormat | undefined
  const once = (): Intl.DateTimeFormat => {
    format ??= new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
    return format
  }
  return {
    get zone() {
      return zone ?? once().resolvedOptions().timeZone
    },
    render: (iso) => (iso === null || iso === undefined ? '–' : once().format(new Date(iso))),
  }
}

/** A value of data in one line: lists joined, objects as JSON. */
export function renderValue(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) return value.map(renderValue).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
