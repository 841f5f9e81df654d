import { safe } from '../terminal.ts'

export interface Column<Item> {
  readonly title: string
  readonly value: (item: Item) => string
  readonly align?: 'right'
  /** Colour, put on after everything is measured: what comes from data never carries any. */
  readonly paint?: (text: string, item: Item) => string
  /** Only with `--output wide`. */
  readonly wide?: boolean
}

let segmenter: Intl.Segmenter | undefined

/** Letters of Latin scripts, and the signs that are printed here: one column each. To know that takes no tables. */
const narrow = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2199✔✖⚠×…]*$/

/** Columns on a terminal: East Asian wide characters and emoji take two, marks none. */
export function displayWidth(text: string): number {
  if (narrow.test(text)) return text.length
  segmenter ??= new Intl.Segmenter()
  let width = 0
  for (const { segment } of segmenter.segment(text))
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u.test(
        segment,
      )
        ? 2
        : /^\p{Mark}|^\p{Cf}/u.test(segment)
          ? 0
          : 1
  return width
}

/** Exactly so wide: padded, or cut with an ellipsis. */
export function sized(text: string, width: number): string {
  const own = displayWidth(text)
  if (own <= width) return text + ' '.repeat(width - own)
  segmenter ??= new Intl.Segmenter()
  let cut = ''
  let used = 0
  for (const { segment } of segmenter.segment(text)) {
    const next = used + displayWidth(segment)
    if (next > width - 1) break
    cut += segment
    used = next
  }
  return `${cut}…${' '.repeat(Math.max(0, width - used - 1))}`
}

/** A table with aligned columns; the header in capitals. The last column is not padded. */
export function renderTable<Item>(items: readonly Item[], columns: readonly Column<Item>[]): string {
  const rows = items.map((item) => ({ item, texts: columns.map((column) => cell(column.value(item))) }))
  const titles = columns.map((column) => column.title)
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...rows.map((row) => row.texts)].map((texts) => displayWidth(texts[index] ?? ''))),
  )
  const line = (texts: readonly string[], item: Item | undefined): string =>
    texts
      .map((text, index) => {
        const column = columns[index]
        const gap = ' '.repeat((widths[index] ?? 0) - displayWidth(text))
        const shown = item === undefined ? text : (column?.paint?.(text, item) ?? text)
        if (column?.align === 'right') return gap + shown
        return index === texts.length - 1 ? shown : shown + gap
      })
      .join('  ')
      .trimEnd()
  return `${[line(titles, undefined), ...rows.map((row) => line(row.texts, row.item))].join('\n')}\n`
}

const cell = (text: string): string => safe(text).replaceAll('\n', '\\n')
