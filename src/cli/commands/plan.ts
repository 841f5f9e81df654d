import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PlanFile, PlanHeader, RunRequest, Store } from '../../app.ts'
import { UserError } from '../../base/errors.ts'
import { counted } from '../../base/plural.ts'
import type { TaskResultDocument } from '../../model/documents.ts'
import type { PlanChange } from '../../model/plan-change.ts'
import {
  type Command,
  type CommandContext,
  type OptionValues,
  passOptions,
  shellWord,
  text,
  widthOf,
} from '../command.ts'
import { groupRejects, renderResult, shortId } from '../render/result.ts'
import { renderCount, renderValue } from '../render/values.ts'
import { safe } from '../terminal.ts'
import {
  againOf,
  allowed,
  narrowed,
  narrowing,
  printResults,
  runRequest,
  selected,
  selectOptions,
  settings,
} from './run.ts'

export const plan: Command = {
  name: 'plan',
  arguments: '<task> [file]',
  summary: 'what a task would do; `plan show` prints a plan: a file, or the result that a guard stopped',
  examples: [
    'iqtask plan aggregation --out night.plan',
    'iqtask plan show night.plan --detail',
    'iqtask plan show 01JD9A',
    'iqtask plan aggregation --exit-code',
  ],
  options: [
    { flags: '--detail', summary: 'every change, not only the first ten of each kind' },
    { flags: '--out <file>', summary: 'keep the plan, for `iqtask apply`' },
    { flags: '--set <key=value>', summary: 'an argument or parameter of the task', repeated: true },
    ...narrowing,
    { flags: '--exit-code', summary: 'exit 10 when there are changes' },
  ],
  run: async (context, [task = '', file], options) =>
    task === 'show' ? show(context, file, options) : make(context, task, options),
}

export const apply: Command = {
  name: 'apply',
  arguments: '<plan>',
  summary: 'make exactly the changes of a plan, or the part of them that is accepted, or none',
  examples: [
    'iqtask apply night.plan',
    'iqtask apply 01JD9A --allow deletes --reason "site closed"',
    `iqtask apply night.plan --only "change.kind == 'disable'"`,
    `iqtask apply night.plan --except "change.key == 'ad:svc'"`,
  ],
  options: [...selectOptions, ...passOptions],
  run: applyPlan,
}

async function make(context: CommandContext, task: string, options: OptionValues): Promise<number> {
  const app = await context.app()
  const { writePlan } = await import('../../app.ts')
  const out = text(options, 'out')
  const writer = writePlan(out === undefined ? undefined : resolve(context.terminal.cwd, out))
  const groups = createGroups(options)
  const request: RunRequest = {
    task,
    trigger: 'manual',
    set: settings((options.set as string[] | undefined) ?? []),
    ...narrowed(options),
    dryRun: true,
    plan: {
      section: writer.section,
      change(change) {
        writer.change(change)
        groups.add(change)
      },
    },
  }
  try {
    const result = await runRequest(context, options, request)
    const header = writer.finish(request, result, app.clock.now())
    const summary = renderResult(result, groupRejects([]), context.style, widthOf(context))
    await context.printer.document(header, () => describe(context, header, groups) + summary)
    if (result.status === 'error') return result.exitCode ?? 1
    return options.exitCode === true && header.changes > 0 ? 10 : 0
  } finally {
    writer.discard()
  }
}

/** A file, or the result whose plan a guard stopped. */
async function findPlan(context: CommandContext, reference: string): Promise<{ path: string; plan: PlanFile }> {
  const app = await context.app()
  const { findKeptPlan, readPlan } = await import('../../app.ts')
  const file = resolve(context.terminal.cwd, reference)
  const store = existsSync(file) || /[./]/.test(reference) ? undefined : app.storeIfExists()
  const path = store === undefined ? file : findKeptPlan(store.path, resultOf(store, reference))
  return { path, plan: readPlan(path) }
}

function resultOf(store: Store, reference: string): TaskResultDocument {
  try {
    return store.results.find(reference)
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'IQ1006') throw error
    const { code, hint } = error
    throw new UserError(`there is no file and no result "${reference}"`, { code, hint, cause: error })
  }
}

async function show(context: CommandContext, reference: string | undefined, options: OptionValues): Promise<undefined> {
  if (reference === undefined)
    throw new UserError('plan show needs the file of a plan, or a result', {
      code: 'IQ1002',
      hint: 'iqtask plan show FILE',
    })
  const { plan } = await findPlan(context, reference)
  const groups = createGroups(options)
  for (const change of plan.changes()) groups.add(change)
  const document = context.printer.machine ? { ...plan.header, items: [...plan.changes()] } : plan.header
  await context.printer.document(document, () => describe(context, plan.header, groups))
  return undefined
}

/** Riskiest first: what ends, what is taken away, who moves; then what changes, then what is new. */
const riskOrder = ['end', 'disable', 'remove', 'link', 'change', 'enable', 'add', 'create'] as const

interface Groups {
  readonly kinds: ReadonlyMap<string, { count: number; readonly first: PlanChange[] }>
  add(change: PlanChange): void
}

/** How many there are of each kind, and the first ten: a plan may hold millions. With `--detail` all of them. */
function createGroups({ detail }: OptionValues): Groups {
  const most = detail === true ? Number.POSITIVE_INFINITY : 10
  const kinds = new Map<string, { count: number; readonly first: PlanChange[] }>()
  return {
    kinds,
    add(change) {
      const group = kinds.get(change.kind) ?? { count: 0, first: [] }
      kinds.set(change.kind, group)
      group.count++
      if (group.first.length < most) group.first.push(change)
    },
  }
}

function describe({ style, times }: CommandContext, header: PlanHeader, { kinds }: Groups): string {
  const lines = [
    `${style.bold(`plan ${shortId(header.id)}`)}  ${header.task}  ${counted(header.changes, 'change')}  valid until ${times.render(header.expiresAt)} ${times.zone}`,
  ]
  for (const { application, guard, text } of header.guards.filter((one) => one.verdict === 'tripped'))
    lines.push(`  ${style.red(safe(`${application}  ${guard}`))}  ${safe(`${text}`)}`)
  for (const kind of riskOrder) {
    const group = kinds.get(kind)
    if (group === undefined) continue
    lines.push(`  ${style.bold(kind)}  ${renderCount(group.count)}`)
    for (const { object, key, field, before, after } of group.first) {
      const what = field === null ? object : `${field}  ${renderValue(before)} → ${renderValue(after)}`
      lines.push(`    ${safe(key)}  ${style.dim(safe(what))}`)
    }
    const more = group.count - group.first.length
    if (more > 0) lines.push(style.dim(`    … ${renderCount(more)} more, with --detail`))
  }
  return `${lines.join('\n')}\n`
}

async function applyPlan(
  context: CommandContext,
  [reference = '']: readonly string[],
  options: OptionValues,
): Promise<number> {
  const app = await context.app()
  const { path, plan } = await findPlan(context, reference)
  const { header } = plan
  const store = app.store()
  if (app.clock.now() > new Date(header.expiresAt)) throw refused(path, `expired at ${header.expiresAt}`)
  if (store.audit.list({ action: 'plan.applied', run: header.id, since: header.createdAt, limit: 1 }).total > 0)
    throw refused(path, 'was applied already')
  const request: RunRequest = {
    task: header.task,
    trigger: 'manual',
    set: header.set,
    ...header.options,
    sections: header.sections.map(({ name }) => name),
  }
  await refuseMoved(context, options, path, plan, request)
  const result = await runRequest(context, options, {
    ...request,
    allow: allowed(options),
    select: selected(options),
    expectPlan: Object.fromEntries(header.sections.map(({ name, hash }) => [name, hash])),
  })
  if (result.stoppedBy === null && result.status !== 'error')
    store.markPlanApplied(header.id, result.id, app.clock.now(), JSON.stringify(app.actor))
  await printResults(context, [result], () => againOf('apply', shellWord(reference), context.argv))
  return result.exitCode ?? 1
}

const refused = (file: string, why: string): UserError =>
  new UserError(`the plan ${file} ${why}`, { code: 'IQ3011', hint: 'make a new one: iqtask plan TASK --out FILE' })

/** Plans again and compares: the first row that is not as it was is named, and nothing is changed. */
async function refuseMoved(
  context: CommandContext,
  options: OptionValues,
  file: string,
  { header, changes }: PlanFile,
  request: RunRequest,
): Promise<void> {
  const wanted = changes()
  let moved: PlanChange | undefined
  const hashes: string[] = []
  await runRequest(context, options, {
    ...request,
    dryRun: true,
    plan: {
      section: (_, hash) => void hashes.push(hash),
      change(change) {
        if (moved !== undefined) return
        const next = wanted.next()
        if (next.done === true || JSON.stringify(next.value) !== JSON.stringify(change)) moved = change
      },
    },
  })
  if (moved === undefined) {
    const rest = wanted.next()
    if (rest.done !== true) moved = rest.value
  }
  if (moved !== undefined)
    throw refused(file, `no longer fits: ${moved.key} has moved (${moved.kind} ${moved.field ?? moved.object})`)
  // the same changes on other ground: a row that is touched is not what it was
  if (hashes.join() !== header.sections.map(({ hash }) => hash).join())
    throw refused(file, 'no longer fits: what it changes has moved since')
}
