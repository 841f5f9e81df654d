import type { App } from '../app.ts'
import { UserError } from '../base/errors.ts'
import type { Printer } from './render/printer.ts'
import type { Style } from './render/style.ts'
import type { Times } from './render/values.ts'
import type { Terminal } from './terminal.ts'

/** What every command may use. The app is opened when it is first asked for. */
export interface CommandContext {
  /** The command line as it was given. */
  readonly argv: readonly string[]
  readonly terminal: Terminal
  readonly printer: Printer
  /** Colours of stdout. */
  readonly style: Style
  readonly errorStyle: Style
  readonly times: Times
  app(): Promise<App>
}

export type OptionValues = Readonly<Record<string, unknown>>

/** One command: declaration, options and what it does, in one place. */
export interface Command {
  readonly name: string
  /** As commander writes them: `<task...>`, `[id]`. */
  readonly arguments?: string
  readonly summary: string
  /** Lines to copy, most common first; without the `$`. */
  readonly examples: readonly string[]
  readonly options?: readonly CommandOption[]
  /** Gives the exit code; undefined is 0. */
  run(context: CommandContext, args: readonly string[], options: OptionValues): Promise<number | undefined>
}

export interface CommandOption {
  readonly flags: string
  readonly summary: string
  /** May be given several times. */
  readonly repeated?: boolean
  readonly choices?: readonly string[]
}

/** A noun with its verbs; its bare name runs the first one. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Command[]
}

/** A word as a shell takes it, to be typed again. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** As wide as the terminal; a pipe and a file have no width of their own, and nothing in them is wrapped. */
export const widthOf = ({ terminal }: CommandContext): { readonly columns: number; readonly wrapAt?: number } =>
  terminal.outIsTerminal ? { columns: terminal.columns, wrapAt: terminal.columns } : { columns: 120 }

/** `--limit 20`; undefined where it was not given. @throws UserError IQ1002 */
export function wholeNumber(options: OptionValues, name: string): number | undefined {
  const given = text(options, name)
  if (given === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(given))
    throw new UserError(`--${name} is ${JSON.stringify(given)}, expected a whole number from 1`, { code: 'IQ1002' })
  return Number(given)
}

export const text = (options: OptionValues, name: string): string | undefined =>
  typeof options[name] === 'string' ? options[name] : undefined

/** A person lets a change through that guards stop; with why. */
export const passOptions = [
  { flags: '--allow <guards>', summary: 'guards that may not stop this run, separated by commas' },
  { flags: '--reason <text>', summary: 'why they may not' },
] as const
