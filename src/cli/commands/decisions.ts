import { resolve } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { counted } from '../../base/plural.ts'
import { type DecisionKind, decisionKinds } from '../../model/decision.ts'
import type { QuestionDocument } from '../../model/documents.ts'
import type { Command, CommandContext, OptionValues } from '../command.ts'
import { text } from '../command.ts'
import { writeOutput } from '../output-file.ts'
import { csvLine } from '../render/printer.ts'
import { printResults, runOne } from './run.ts'
import { existingStore } from './store.ts'

/** What a run that keeps a person's word takes. */
export const decisionOptions = [
  { flags: '--reason <text>', summary: 'why; it is kept with the decision and in the audit trail' },
  { flags: '--dry-run', summary: 'plan without applying' },
  { flags: '--allow <guards>', summary: 'guards that may not stop this run, separated by commas' },
] as const

export const link: Command = {
  name: 'link',
  arguments: '<application:native> <identity>',
  summary: 'decide whose an account is; no rule changes it again',
  examples: ['iqtask account link ad:jdoe 100482 --reason "told by her manager"'],
  options: decisionOptions,
  run: (context, [account = '', identity = ''], given) => one(context, given, { account, decision: 'link', identity }),
}

export const unlink: Command = {
  name: 'unlink',
  arguments: '<application:native>',
  summary: "decide that an account is nobody's; no rule changes it again",
  examples: ['iqtask account unlink ad:svc-backup --reason "a service, not a person"'],
  options: decisionOptions,
  run: (context, [account = ''], given) => one(context, given, { account, decision: 'unlink' }),
}

export const never: Command = {
  name: 'never',
  arguments: '<application:native> <identity>',
  summary: "decide that an account is not this person's; rules may still find others",
  examples: ['iqtask account never ad:jdoe 100482 --reason "same name, another person"'],
  options: decisionOptions,
  run: (context, [account = '', identity = ''], given) => one(context, given, { account, decision: 'never', identity }),
}

export const questions: Command = {
  name: 'questions',
  summary: 'accounts that wait for a decision; as a file to be filled in, and back',
  examples: [
    'iqtask account questions',
    'iqtask account questions --application ad --out questions.csv',
    'iqtask account questions --from questions.csv --reason "review of 2026-11"',
  ],
  options: [
    { flags: '--application <name>', summary: 'only of this application' },
    {
      flags: '--kind <kind>',
      summary: 'only of this kind',
      choices: ['ambiguous', 'decisive', 'inactive', 'sameAs', 'moved'],
    },
    { flags: '--out <file>', summary: 'write them as CSV: fill in decision (link, unlink, never) and identity' },
    { flags: '--from <file>', summary: 'take the decisions of such a file, all or none' },
    ...decisionOptions,
  ],
  async run(context, _args, given) {
    const from = text(given, 'from')
    if (from !== undefined) return fromFile(context, given, resolve(context.terminal.cwd, from))
    const app = await context.app()
    const application = text(given, 'application')
    if (application !== undefined) app.project.applications.get(application)
    const filter = { application, kind: text(given, 'kind') }
    const { decisions } = app.store()
    const out = text(given, 'out')
    if (out !== undefined) return toFile(context, out, decisions.questions(filter))
    await context.printer.list({
      items: decisions.questions(filter),
      total: decisions.countQuestions(filter),
      empty: 'no account waits for a decision',
      footer:
        'decide: iqtask account link|unlink|never ACCOUNT [IDENTITY] --reason "…"    many: --out FILE, then --from FILE',
      columns: [
        { title: 'ACCOUNT', value: keyOf },
        { title: 'NAME', value: (q) => q.displayName ?? '–' },
        { title: 'QUESTION', value: (q) => `${q.kind}${q.rule === null ? '' : ` (rule ${q.rule})`}` },
        { title: 'VALUE', value: (q) => q.value ?? '–' },
        { title: 'MAY BE', value: (q) => q.candidates.join(', ') || '–' },
        { title: 'SINCE', value: (q) => context.times.render(q.since), wide: true },
      ],
    })
    return undefined
  },
}

const keyOf = (q: QuestionDocument): string => `${q.application}:${q.nativeIdentity}`

interface Wanted {
  readonly account: string
  readonly decision: DecisionKind
  readonly identity?: string
  readonly reason?: string
  readonly line?: number
}

/** What is mistyped is told before there is a run. */
async function one(context: CommandContext, given: OptionValues, wanted: Wanted): Promise<number> {
  const { accounts, identities } = existingStore(await context.app())
  accounts.idOf(wanted.account)
  if (wanted.identity !== undefined) identities.get(wanted.identity)
  return decide(context, given, [wanted], undefined)
}

/** A run of the task `decide`: with a result, guards, audit, and `iqtask undo`. */
async function decide(
  context: CommandContext,
  given: OptionValues,
  decisions: readonly Wanted[],
  file: string | undefined,
): Promise<number> {
  const reason = file === undefined ? reasonOf(given) : text(given, 'reason')
  const set = {
    decisions: JSON.stringify(decisions),
    ...(reason === undefined ? {} : { reason }),
    ...(file === undefined ? {} : { file }),
  }
  const result = await runOne(context, 'decide', given, set)
  await printResults(context, [result])
  return result.exitCode ?? 1
}

/** Why, in a person's words. @throws UserError IQ1002 */
export function reasonOf(given: OptionValues): string {
  const reason = text(given, 'reason') ?? ''
  if (reason.trim() === '') throw new UserError('a decision needs a reason', { code: 'IQ1002', hint: '--reason "why"' })
  return reason
}

const columns = ['account', 'name', 'question', 'value', 'candidates', 'decision', 'identity', 'reason'] as const

function toFile(context: CommandContext, out: string, found: Iterable<QuestionDocument>): undefined {
  const lines = [...found].map((q) =>
    csvLine([keyOf(q), q.displayName ?? '', q.kind, q.value ?? '', q.candidates.join(' '), '', '', '']),
  )
  writeOutput(context.terminal.cwd, out, [csvLine(columns), ...lines])
  context.terminal.err(`${counted(lines.length, 'question')} written to ${out}\n`)
  return undefined
}

async function fromFile(context: CommandContext, given: OptionValues, file: string): Promise<number> {
  const { readTable } = await import('../../app.ts')
  const wanted = readTable(file, ['account', 'decision', 'identity']).flatMap(({ line, values }): Wanted[] => {
    const { account = '', decision: word = '', identity = '', reason = '' } = values
    if (word.trim() === '') return []
    const decision = decisionKinds.find((kind) => kind === word.trim().toLowerCase())
    if (decision === undefined)
      throw new UserError(`"${word}" is no decision`, {
        code: 'IQ2207',
        place: { file, line },
        hint: `one of ${decisionKinds.join(', ')}; nothing was decided`,
      })
    return [
      {
        account: account.trim(),
        decision,
        line,
        ...(identity.trim() === '' ? {} : { identity: identity.trim() }),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      },
    ]
  })
  if (wanted.length === 0)
    throw new UserError(`${file} holds no decision`, {
      code: 'IQ2207',
      place: { file },
      hint: `fill in the column decision: ${decisionKinds.join(', ')}`,
    })
  return decide(context, given, wanted, file)
}
