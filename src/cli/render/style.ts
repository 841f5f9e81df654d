import { Chalk } from 'chalk'
import type { Terminal } from '../terminal.ts'

const looks = ['red', 'green', 'yellow', 'cyan', 'dim', 'bold'] as const

/** Colours for one stream. The sixteen of the terminal, so that they fit a light and a dark one. */
export type Style = Readonly<Record<(typeof looks)[number], (text: string) => string>> & { readonly level: 0 | 1 }

const plain = (text: string): string => text
/** Without colour, which is said by words and signs as well. */
export const plainStyle: Style = {
  level: 0,
  red: plain,
  green: plain,
  yellow: plain,
  cyan: plain,
  dim: plain,
  bold: plain,
}

/** Colour for one stream: none where it is no terminal, unless forced (no-color.org, force-color.org). */
export function styleOf(terminal: Terminal, isTerminal: boolean, color: boolean): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = terminal.env
  const off = !color || (NO_COLOR !== undefined && NO_COLOR !== '')
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
  const on = !off && (forced || (isTerminal && TERM !== 'dumb'))
  if (!on) return plainStyle
  const chalk = new Chalk({ level: 1 })
  return {
    level: 1,
    ...(Object.fromEntries(looks.map((look) => [look, (text: string) => chalk[look](text)])) as Omit<Style, 'level'>),
  }
}
