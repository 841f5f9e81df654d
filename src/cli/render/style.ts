import { Chalk, type ChalkInstance } from 'chalk'
import type { Terminal } from '../terminal.ts'

export type Style = ChalkInstance

/** Colour for one stream: none where it is no terminal, unless forced (no-color.org, force-color.org). */
export function styleOf(terminal: Terminal, isTerminal: boolean, color: boolean): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = terminal.env
  const off = !color || (NO_COLOR !== undefined && NO_COLOR !== '')
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
  const on = !off && (forced || (isTerminal && TERM !== 'dumb'))
  return new Chalk({ level: on ? 1 : 0 })
}
