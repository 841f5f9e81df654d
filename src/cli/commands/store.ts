import { UserError } from '../../base/errors.ts'
import type { CommandContext, CommandGroup } from '../command.ts'
import { renderValue } from '../render/values.ts'

export const store: CommandGroup = {
  name: 'store',
  summary: 'the store: one SQLite file',
  commands: [
    { name: 'info', summary: 'where it is, how big, what it holds', examples: ['iqtask store info'], run: info },
  ],
}

async function info(context: CommandContext): Promise<undefined> {
  const app = await context.app()
  const opened = app.storeIfExists()
  if (opened === undefined)
    throw new UserError(`there is no store yet at ${app.project.store}`, {
      code: 'IQ1006',
      hint: 'iqtask run TASK makes it',
    })
  const facts = opened.info()
  await context.printer.document(facts, () => {
    const { rows, ...rest } = facts
    const lines = [...Object.entries(rest), ...Object.entries(rows as object).map(([name, n]) => [`rows ${name}`, n])]
    return `${lines.map(([name, value]) => `  ${String(name).padEnd(18)}  ${renderValue(value)}`).join('\n')}\n`
  })
  return undefined
}
