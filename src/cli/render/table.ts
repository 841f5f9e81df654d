import { counted } from '../../base/plural.ts'
import { safe } from '../terminal.ts'

export interface Column<Item> {
  readonly title: string
  readonly value: (item: Item) => string
  readonly align?: 'right'
  /** Colour, put on after everything is measured: what comes from data never carries any. */
  readonly paint?: (text: string, item: Item) => string
  /** Only with `--output wide`. */
  readonly wide?: boolean
  /** Goes first where the terminal is too narrow for all. */
  readonly optional?: boolean
  /** Goes last. */
  readonly kept?: boolean
  /** Left out where no row has anything to say. */
  readonly rare?: boolean
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

/** Between words, with what hangs below the first line; a word that is longer than a line is the terminal's business. */
export function wrapped(line: string, width: number, hanging: number): string {
  if (displayWidth(plainText(line)) <= width) return line
  const lines: string[] = []
  for (const word of line.split(/(?<=\S) /)) {
    const last = lines.at(-1)
    const longer = `${last} ${word}`
    if (last !== undefined && displayWidth(plainText(longer)) <= width) lines[lines.length - 1] = longer
    else lines.push(lines.length === 0 ? word : ' '.repeat(hanging) + word.trimStart())
  }
  return lines.join('\n')
}

const plainText = (painted: string): string => painted.replace(/\x1b\[[\d;]*m/g, '')

/** A table with aligned columns; the header in capitals. The last column is not padded. Without a width nothing is cut. */
export function renderTable<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  width = Number.POSITIVE_INFINITY,
): string {
  const whole = columns
    .map((column) => ({ column, texts: [column.title, ...items.map((item) => cell(column.value(item)))] }))
    .filter(({ column, texts }) => column.rare !== true || texts.slice(1).some((text) => text !== ''))
  const shown = fitted(
    whole.map((one) => ({ ...one, width: Math.max(...one.texts.map(displayWidth)) })),
    width,
  )
  const line = (row: number): string =>
    shown
      .map(({ column, texts, width: wide }, index) => {
        const item = items[row - 1]
        const text = cut(texts[row] ?? '', wide)
        const gap = ' '.repeat(Math.max(0, wide - displayWidth(text)))
        const painted = item === undefined ? text : (column.paint?.(text, item) ?? text)
        if (column.align === 'right') return gap + painted
        return index === shown.length - 1 ? painted : painted + gap
      })
      .join('  ')
      .trimEnd()
  const left = whole.filter(
    ({ column }) => column.optional !== true && !shown.some((one) => one.column === column),
  ).length
  const more = left === 0 ? '' : `… ${counted(left, 'column')} more in a wider terminal, or with --output json\n`
  return `${[...items.keys(), items.length].map(line).join('\n')}\n${more}`
}

interface Sized<Item> {
  readonly column: Column<Item>
  readonly texts: readonly string[]
  readonly width: number
}

/** Narrower than this a text tells nothing. */
const least = 12
/** Ids and times: of one length, and nothing when they are cut. */
const isWhole = ({ texts, width }: Sized<never>): boolean =>
  width <= 20 && new Set(texts.slice(1).map(displayWidth)).size === 1
const cut = (text: string, width: number): string => (displayWidth(text) <= width ? text : sized(text, width).trimEnd())
const widthOf = (columns: readonly Sized<never>[]): number =>
  columns.reduce((sum, column) => sum + column.width + 2, 0) - 2

/**
 * As wide as the terminal at most: what is optional goes, then the widest texts are cut; numbers, times and short words stay whole. Where that is
 * not enough, columns go from the right, those that are `kept` last; the first stays, because it is what one types next.
 */
function fitted<Item>(columns: readonly Sized<Item>[], width: number): readonly Sized<Item>[] {
  const shown = [...columns]
  for (;;) {
    const over = widthOf(shown as readonly Sized<never>[]) - width
    if (over <= 0) return shown
    const optional = shown.findLastIndex((one) => one.column.optional === true)
    if (optional > 0) {
      shown.splice(optional, 1)
      continue
    }
    const widest = shown.reduce((best, one, index) => {
      const cuttable = index > 0 && one.column.align !== 'right' && one.width > least && !isWhole(one as Sized<never>)
      return cuttable && one.width > (shown[best]?.width ?? 0) ? index : best
    }, -1)
    const found = shown[widest]
    if (found !== undefined) shown[widest] = { ...found, width: Math.max(least, found.width - over) }
    else if (shown.length > 1) {
      const last = shown.findLastIndex((one, index) => index > 0 && one.column.kept !== true)
      shown.splice(last === -1 ? shown.length - 1 : last, 1)
    } else return shown.map((one) => ({ ...one, width: Math.min(one.width, width) }))
  }
}

const cell = (text: string): string => safe(text).replaceAll('\n', '\\n')
