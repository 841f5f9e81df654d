import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { WhyDocument } from '../../model/documents.ts'
import type { Command, CommandContext } from '../command.ts'
import { shortId } from '../render/result.ts'
import { safe } from '../terminal.ts'

const nouns = ['account', 'identity'] as const

export const why: Command = {
  name: 'why',
  arguments: '<noun> <id> [field]',
  summary: 'why something is as it is, from recorded facts: source, rule, run, person',
  examples: ['iqtask why account ad:jdoe', 'iqtask why account ad:jdoe groups', 'iqtask why identity 100482 email'],
  async run(context, [noun = '', id = '', field]) {
    const { whyAccount, whyAccountField, whyIdentity } = await import('../../app.ts')
    if (!(nouns as readonly string[]).includes(noun))
      throw new UserError(`why does not know "${noun}"`, {
        code: 'IQ1002',
        hint: didYouMean(noun, nouns) ?? `iqtask why ${nouns.join('|')} ID`,
      })
    const app = await context.app()
    const answer =
      noun === 'identity'
        ? whyIdentity(app, id, field)
        : field === undefined
          ? whyAccount(app, id)
          : whyAccountField(app, id, field)
    await context.printer.document(answer, () => render(context, answer))
    return undefined
  },
}

function render({ style, times }: CommandContext, answer: WhyDocument): string {
  const facts = answer.facts.map(({ text, result, at }) => {
    const run = result === null ? '' : `      ${style.dim(`run ${shortId(result)}, ${times.render(at)}`)}`
    return `  ${safe(text)}${run}`
  })
  const rules = answer.rules.map((rule) => {
    const looked = rule.value === null ? '' : ` ${JSON.stringify(rule.value)} in identity.${rule.identity}`
    if (rule.found.length > 0) return `  rule ${rule.rule} finds ${rule.found.join(', ')}: ${rule.account}${looked}`
    return `  rule ${rule.rule} finds nobody: ${rule.account}${rule.value === null ? ' is empty, or never matched' : looked}`
  })
  const asks =
    answer.question === null ? [] : [`  it waits for a decision (${answer.question}): iqtask account questions`]
  return `${[style.bold(safe(answer.answer)), ...facts, ...rules.map(safe), ...asks].join('\n')}\n`
}
