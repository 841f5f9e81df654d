import { localZone } from '../../base/local-zone.ts'

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

/** Times in UTC or in the zone of this machine, which the printer names once. */
export function timesIn(zone: 'UTC' | undefined): Times {
  return {
    get zone() {
      return zone ?? localZone()
    },
    render: (iso) => (iso === null || iso === undefined ? '–' : minutesOf(new Date(iso), zone)),
  }
}

/** By hand too. */
function minutesOf(date: Date, zone: 'UTC' | undefined): string {
  const shifted = zone === 'UTC' ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16).replace('T', ' ')
}

/** A value of data in one line: lists joined, objects as JSON. */
export function renderValue(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) return value.map(renderValue).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `2.8 MiB`. */
export const renderBytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`
