import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { Command } from '../command.ts'

export const schema: Command = {
  name: 'schema',
  arguments: '[kind]',
  summary: 'the JSON Schema (draft 7) of a kind of file, for editors; without a kind their names',
  examples: ['iqtask schema Application > application.schema.json', 'iqtask schema'],
  async run(context, [kind]) {
    const { jsonSchemaOf, kindNames } = await import('../../app.ts')
    if (kind === undefined) {
      await context.printer.list({
        items: kindNames.map((name) => ({ name })),
        total: kindNames.length,
        empty: '',
        columns: [{ title: 'KIND', value: (item) => item.name }],
      })
      return undefined
    }
    const found = jsonSchemaOf(kindNames.find((name) => name.toLowerCase() === kind.toLowerCase()) ?? '')
    if (found === undefined)
      throw new UserError(`there is no kind "${kind}"`, {
        code: 'IQ1002',
        hint: didYouMean(kind, kindNames) ?? `there are ${kindNames.join(', ')}`,
      })
    await context.terminal.out(`${JSON.stringify(found, null, 2)}\n`)
    return undefined
  },
}
