import { resolve } from 'node:path'
import type { App, RejectRecord } from '../../app.ts'
import { UserError } from '../../base/errors.ts'
import { didYouMean } from '../../base/nearest.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import { type Command, type OptionValues, passOptions, text } from '../command.ts'
import { shortId } from '../render/result.ts'
import { againOf, printResults, runOne } from './run.ts'
import { existingStore } from './store.ts'

/** An expression with more names than this is slower than reading everything again. */
const mostNamed = 500

export const retry: Command = {
  name: 'retry',
  arguments: '[id]',
  summary:
    'run again what failed in a run: sections that failed, rows that were rejected; or corrected rows from a file',
  examples: [
    'iqtask retry',
    'iqtask retry 01JD8Q',
    'iqtask results failures --out rows.csv',
    'iqtask retry --from rows.csv',
  ],
  options: [
    { flags: '--from <file>', summary: 'rows that `results failures --out` wrote, corrected' },
    { flags: '--application <name>', summary: 'only this application' },
    { flags: '--dry-run', summary: 'plan without applying' },
    ...passOptions,
  ],
  async run(context, [reference], options) {
    const app = await context.app()
    const store = existingStore(app)
    const result = store.results.find(reference ?? 'latest')
    const from = text(options, 'from')
    const application = text(options, 'application')
    if (application !== undefined) app.project.applications.get(application)
    const plan =
      from === undefined
        ? again(app, result, options)
        : corrected(app, result, options, resolve(context.terminal.cwd, from))
    if (plan === undefined && application === undefined) refuseWholly(result)
    if (plan === undefined) {
      await context.printer.document(result, () => `nothing failed in ${result.id}\n`)
      return 0
    }
    const done = await runOne(context, result.task, { ...options, only: plan.only }, plan.set)
    await printResults(context, [done], () => againOf('retry', reference ?? shortId(result.id), context.argv))
    return done.exitCode ?? 1
  },
}

interface Plan {
  readonly set: Readonly<Record<string, string>>
  readonly only?: string
}

/** A run that failed before it had any part. @throws UserError IQ1006 */
function refuseWholly({ id, task, status }: TaskResultDocument): void {
  if (status !== 'error' && status !== 'terminated') return
  throw new UserError(`${id} failed as a whole (${status}): no part of it can be run again alone`, {
    code: 'IQ1006',
    hint: `iqtask results show ${id} says why; then: iqtask run ${task}`,
  })
}

/** The applications that failed; where only rows did and every one has a name, only those. */
function again(app: App, result: TaskResultDocument, options: OptionValues): Plan | undefined {
  const rejects = [...existingStore(app).results.rejects(result.id)]
  const failed = result.sections.filter((one) => one.status === 'error' || one.status === 'terminated')
  const wanted = text(options, 'application')
  const names = [
    ...new Set([...failed.map((one) => one.application), ...rejects.map((one) => one.application)]),
  ].filter((name) => wanted === undefined || name === wanted)
  if (names.length === 0) return undefined
  const set = { applications: names.join(',') }
  const rows = rejects.filter((one) => names.includes(one.application))
  const named = rows.flatMap((one) => one.native ?? [])
  if (failed.length > 0 || named.length < rows.length || named.length > mostNamed) return { set }
  return { set, only: `account.nativeIdentity in ${JSON.stringify([...new Set(named)])}` }
}

/** Reads the corrected rows in the place of the source; what is not among them is not missing. */
function corrected(app: App, result: TaskResultDocument, options: OptionValues, file: string): Plan {
  const rejects = existingStore(app).results.rejects(result.id)
  return { set: { applications: rejectedApplication(rejects, options, result), input: file } }
}

/** The one application that a file of rejected rows belongs to. @throws UserError IQ1002 */
export function rejectedApplication(
  rejects: Iterable<RejectRecord>,
  options: OptionValues,
  result: TaskResultDocument,
): string {
  const names = [...new Set([...rejects].map((one) => one.application))]
  const wanted = text(options, 'application')
  const [only, other] = names
  if (only === undefined)
    throw new UserError(`${result.id} rejected nothing`, { code: 'IQ1006', hint: 'iqtask results shows other runs' })
  if (wanted !== undefined && !names.includes(wanted))
    throw new UserError(`${result.id} rejected nothing of "${wanted}"`, {
      code: 'IQ1005',
      hint: didYouMean(wanted, names) ?? `it rejected rows of ${names.join(', ')}`,
    })
  if (wanted === undefined && other !== undefined)
    throw new UserError(`${result.id} rejected rows of ${names.join(', ')}: a file holds those of one`, {
      code: 'IQ1002',
      hint: `--application ${only}`,
    })
  return wanted ?? only
}
