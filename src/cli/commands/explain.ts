import type { Code } from '../../base/codes.ts'
import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { Command } from '../command.ts'

export const explain: Command = {
  name: 'explain',
  arguments: '[topic]',
  summary: 'what an error code means and how it is mended; or a topic',
  examples: ['iqtask explain IQ2104', 'iqtask explain guards', 'iqtask explain'],
  async run({ printer, style }, [given]) {
    const [{ codes }, { mends }, { topics }] = await Promise.all([
      import('../../base/codes.ts'),
      import('../../base/mends.ts'),
      import('../topics.ts'),
    ])
    if (given === undefined) {
      const items = Object.keys(topics).map((topic) => ({ topic }))
      await printer.list({
        items,
        total: items.length,
        empty: '',
        footer: 'iqtask explain TOPIC, or a code such as IQ2104',
        columns: [{ title: 'TOPIC', value: (item) => item.topic }],
      })
      return undefined
    }
    const code = Object.keys(codes).find((one) => one === given.toUpperCase()) as Code | undefined
    const topic = topics[given.toLowerCase()]
    if (code === undefined && topic === undefined)
      throw new UserError(`there is nothing to explain about "${given}"`, {
        code: 'IQ1002',
        hint: didYouMean(given, [...Object.keys(topics), ...Object.keys(codes)]) ?? 'iqtask explain lists the topics',
      })
    const document =
      code === undefined
        ? { schema: 'iqtask/Explanation/1' as const, topic: given.toLowerCase(), means: topic ?? '', mend: null }
        : { schema: 'iqtask/Explanation/1' as const, topic: code, means: codes[code], mend: mends[code] }
    await printer.document(document, () =>
      document.mend === null
        ? `${document.means}\n`
        : `${style.bold(document.topic)}  ${document.means}\n  ${document.mend}\n`,
    )
    return undefined
  },
}
