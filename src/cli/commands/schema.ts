import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { Command } from '../command.ts'

export const schema: Command = {
  name: 'schema',
  arguments: '[kind]',
  summary:
    'the JSON Schema (draft 7) of a kind of file, or of a JSON document that commands print; without a kind their names',
  examples: ['iqtask schema Application > application.schema.json', 'iqtask schema result', 'iqtask schema'],
  async run(context, [kind]) {
    const { documentNames, jsonSchemaOf, kindNames } = await import('../../app.ts')
    const names = [...kindNames, ...documentNames]
    if (kind === undefined) {
      await context.printer.list({
        items: names.map((name) => ({ name, of: kindNames.includes(name) ? 'file' : 'document' })),
        total: names.length,
        empty: '',
        columns: [
          { title: 'KIND', value: (item) => item.name },
          { title: 'OF A', value: (item) => item.of },
        ],
      })
      return undefined
    }
    const found = jsonSchemaOf(names.find((name) => name.toLowerCase() === kind.toLowerCase()) ?? '')
    if (found === undefined)
      throw new UserError(`there is no kind "${kind}"`, {
        code: 'IQ1002',
        hint: didYouMean(kind, names) ?? `there are ${names.join(', ')}`,
      })
    await context.terminal.out(`${JSON.stringify(found, null, 2)}\n`)
    return undefined
  },
}
