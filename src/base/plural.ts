/** `48,150`; without what `Intl` takes to be loaded. */
export const grouped = (count: number): string => String(count).replace(/(?<!\.\d*)\B(?=(?:\d{3})+(?!\d))/g, ',')

/** `1 change`, `1,200 changes`; where the plural is no mere s, both words. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`
