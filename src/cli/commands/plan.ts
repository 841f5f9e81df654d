import { resolve } from 'node:path'
import { isoText } from '../../base/clock.ts'
import { UserError } from '../../base/errors.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { PlanChange } from '../../model/plan-change.ts'
import { type Command, type CommandContext, type OptionValues, text } from '../command.ts'
import { type PlanHeader, readPlan, writePlan } from '../plan-file.ts'
import { groupRejects, renderResult } from '../render/result.ts'
import { renderCount, renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'
import { allowed, narrowed, narrowing, printResults, selected, selectOptions, settings } from './run.ts'

const validForMs = 24 * 3_600_000

export const plan: Command = {
  name: 'plan',
  arguments: '<task> [file]',
  summary: 'what a task would do; `plan show FILE` prints a plan that was kept',
  examples: [
    'iqtask plan aggregation --out night.plan',
    'iqtask plan show night.plan',
    'iqtask plan aggregation --exit-code',
  ],
  options: [
    { flags: '--out <file>', summary: 'keep the plan, for `iqtask apply`' },
    { flags: '--set <key=value>', summary: 'an argument or parameter of the task', repeated: true },
    ...narrowing,
    { flags: '--exit-code', summary: 'exit 10 when there are changes' },
  ],
  run: async (context, [task = '', file], options) =>
    task === 'show' ? show(context, file) : make(context, task, options),
}

export const apply: Command = {
  name: 'apply',
  arguments: '<file>',
  summary: 'make exactly the changes of a plan, or the part of them that is accepted, or none',
  examples: [
    'iqtask apply night.plan',
    'iqtask apply night.plan --allow deletes --reason "site closed"',
    `iqtask apply night.plan --only "change.kind == 'disable'"`,
    `iqtask apply night.plan --except "change.key == 'ad:svc'"`,
  ],
  options: [
    ...selectOptions,
    { flags: '--allow <guards>', summary: 'guards that may not stop this run, separated by commas' },
    { flags: '--reason <text>', summary: 'why they may not' },
  ],
  run: applyPlan,
}

async function make(context: CommandContext, task: string, options: OptionValues): Promise<number> {
  const app = await context.app()
  const set = settings((options.set as string[] | undefined) ?? [])
  const asked = narrowed(options)
  const out = text(options, 'out')
  const writer = out === undefined ? undefined : writePlan(resolve(context.terminal.cwd, out))
  const sections: { name: string; hash: string }[] = []
  const first: PlanChange[] = []
  let changes = 0
  let result: TaskResultDocument
  try {
    result = await app.run({
      task,
      trigger: 'manual',
      set,
      ...asked,
      dryRun: true,
      plan: {
        section: (name, hash) => void sections.push({ name, hash }),
        change(change) {
          changes++
          if (first.length < 1000) first.push(change)
          writer?.change(change)
        },
      },
    })
    const now = app.clock.now()
    const header: PlanHeader = {
      schema: 'iqtask/Plan/1',
      id: result.id,
      task,
      set,
      options: JSON.parse(JSON.stringify(asked)) as PlanHeader['options'],
      hash: result.planHash ?? '',
      createdAt: isoText(now),
      expiresAt: isoText(new Date(now.getTime() + validForMs)),
      sections,
      inputs: result.sections.map(({ application, evidence }) => ({ application, digest: evidence?.digest ?? null })),
      guards: JSON.parse(JSON.stringify(result.guards)) as PlanHeader['guards'],
      counts: { ...result.counts },
      changes,
    }
    writer?.finish(header)
    await context.printer.document(header, () => describe(context, header, first) + resultOf(context, result))
  } catch (error) {
    writer?.discard()
    throw error
  }
  if (result.status === 'error') return result.exitCode ?? 1
  return options.exitCode === true && changes > 0 ? 10 : 0
}

const resultOf = (context: CommandContext, result: TaskResultDocument): string =>
  renderResult(result, groupRejects([]), context.style)

async function show(context: CommandContext, file: string | undefined): Promise<undefined> {
  if (file === undefined)
    throw new UserError('plan show needs the file of a plan', { code: 'IQ1002', hint: 'iqtask plan show FILE' })
  const { header, changes } = await readPlan(resolve(context.terminal.cwd, file))
  await context.printer.document({ ...header, items: changes }, () => describe(context, header, changes))
  return undefined
}

/** Riskiest first: what ends, what is taken away, who moves; then what changes, then what is new. */
const riskOrder = ['end', 'disable', 'remove', 'link', 'change', 'enable', 'add', 'create'] as const

function describe(context: CommandContext, header: PlanHeader, changes: readonly PlanChange[]): string {
  const { style, times } = context
  const lines = [
    `${style.bold(`plan ${header.id.slice(0, 12)}`)}  ${header.task}  ${renderCount(header.changes)} changes  valid until ${times.render(header.expiresAt)} ${times.zone}`,
  ]
  for (const kind of riskOrder) {
    const of = changes.filter((change) => change.kind === kind)
    if (of.length === 0) continue
    lines.push(`  ${style.bold(kind)}  ${renderCount(of.length)}`)
    for (const { object, key, field, before, after } of of.slice(0, 10)) {
      const what = field === null ? object : `${field}  ${renderValue(before)} → ${renderValue(after)}`
      lines.push(`    ${safe(key)}  ${style.dim(safe(what))}`)
    }
    if (of.length > 10) lines.push(style.dim(`    … ${renderCount(of.length - 10)} more`))
  }
  return `${lines.join('\n')}\n`
}

async function applyPlan(
  context: CommandContext,
  [file = '']: readonly string[],
  options: OptionValues,
): Promise<number> {
  const app = await context.app()
  const path = resolve(context.terminal.cwd, file)
  const { header, changes } = await readPlan(path)
  const store = app.store()
  if (app.clock.now() > new Date(header.expiresAt)) throw refused(path, `expired at ${header.expiresAt}`)
  if (store.audit.list({ action: 'plan.applied', run: header.id, limit: 1 }).total > 0)
    throw refused(path, 'was applied already')
  await refuseMoved(context, path, header, changes)
  const result = await app.run({
    task: header.task,
    trigger: 'manual',
    set: header.set,
    ...header.options,
    allow: allowed(options),
    select: selected(options),
    expectPlan: Object.fromEntries(header.sections.map(({ name, hash }) => [name, hash])),
  })
  if (result.stoppedBy === null && result.status !== 'error')
    store.markPlanApplied(header.id, result.id, app.clock.now(), JSON.stringify(app.actor))
  await printResults(context, [result])
  return result.exitCode ?? 1
}

const refused = (file: string, why: string): UserError =>
  new UserError(`the plan ${file} ${why}`, { code: 'IQ3011', hint: 'make a new one: iqtask plan TASK --out FILE' })

/** Plans again and compares: the first row that is not as it was is named, and nothing is changed. */
async function refuseMoved(
  context: CommandContext,
  file: string,
  header: PlanHeader,
  changes: readonly PlanChange[],
): Promise<void> {
  const app = await context.app()
  const wanted = changes.map((change) => JSON.stringify(change))
  let at = 0
  let moved: PlanChange | undefined
  const again = await app.run({
    task: header.task,
    trigger: 'manual',
    set: header.set,
    ...header.options,
    dryRun: true,
    plan: {
      section: () => undefined,
      change(change) {
        if (moved === undefined && wanted[at] !== JSON.stringify(change)) moved = change
        at++
      },
    },
  })
  if (moved === undefined && at < wanted.length) moved = changes[at]
  if (moved !== undefined)
    throw refused(file, `no longer fits: ${moved.key} has moved (${moved.kind} ${moved.field ?? moved.object})`)
  // the same changes on other ground: a row that is touched is not what it was
  if (again.planHash !== header.hash) throw refused(file, 'no longer fits: what it changes has moved since')
}
