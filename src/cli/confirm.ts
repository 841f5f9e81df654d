import { UserError } from '../base/errors.ts'
import type { CommandContext, OptionValues } from './command.ts'

/** Asks before what cannot be taken back lightly; `--yes` answers, `--no-input` never asks. @throws UserError IQ1010 */
export async function confirm(context: CommandContext, options: OptionValues, what: string): Promise<void> {
  if (options.yes === true) return
  const answer = options.input === false ? undefined : await context.terminal.ask(`${what}. Go on? [y/N] `)
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return
  throw new UserError(answer === undefined ? `${what}: nobody is there to ask` : `${what}: not done`, {
    code: 'IQ1010',
    hint: 'if this is right, add --yes',
  })
}
