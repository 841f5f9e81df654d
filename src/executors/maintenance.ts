import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { isoText } from '../base/clock.ts'
import type { PlannedItem } from '../model/planned-item.ts'
import type { Counts } from '../model/result.ts'
import { heldOn } from '../model/retention.ts'
import type { Prunable, PrunedWhat } from '../store/retention.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import { itemRoad } from '../task/item-road.ts'

const pruned = ['results', 'gone-accounts'] as const
const steps = ['prune', 'verify', 'pack', 'analyse', 'backup'] as const
/** Events of the audit trail that are as old are kept packed. */
const packedAfterMs = 30 * 86_400_000
const schema = z.strictObject({
  steps: z
    .array(z.enum(steps))
    .min(1)
    .default([...steps]),
  /** What the first step looks at: results with their rejects and before images, accounts that are gone. */
  prune: z
    .array(z.enum(pruned))
    .min(1)
    .default([...pruned]),
  /** Rows of each table whose checks are made again. */
  sample: z.int().positive().default(1000),
  backup: z
    .strictObject({ folder: z.string().default('var/backups'), keep: z.int().positive().default(7) })
    .prefault({}),
})
type Arguments = z.output<typeof schema>

/** Keeps the store small, fast and proved: the only task that removes rows of the past. The audit trail is never cut: old events are packed. */
export const maintenance = defineExecutor({
  name: 'maintenance',
  summary: 'prune by retention, verify a sample and the audit trail, pack its old events, tidy the file, back up',
  arguments: schema,
  counts: {
    results: 'results removed with everything that belongs to them',
    rejects: 'results whose rejects were removed',
    images: 'results that cannot be taken back any more: what was before them was removed',
    accounts: 'gone accounts removed',
    held: 'things of that age that a legal hold keeps',
    sampled: 'rows whose checks were made again',
    auditEvents: 'events of the audit trail that were walked',
    packed: 'thousands of audit events older than 30 days that were packed: kept, listed and verified as before',
    backups: 'backups made',
    backupsRemoved: 'old backups removed',
  },
  async run(context, args) {
    const does = (step: (typeof steps)[number]): boolean => args.steps.includes(step)
    // what is damaged is not made smaller, nor is a good backup replaced by it
    if (does('verify') && !(await verify(context, args))) return
    if (does('prune')) await prune(context, args.prune)
    if (does('pack')) await pack(context)
    if (context.options.dryRun) return
    if (does('analyse')) context.store.upkeep.tidy()
    if (does('backup')) await backUp(context, args)
  },
})

interface Planned {
  readonly what: PrunedWhat
  readonly id: number
}

const countOf: Readonly<Record<PrunedWhat, string>> = {
  result: 'results',
  rejects: 'rejects',
  images: 'images',
  account: 'accounts',
}

/** Two plans, each under the guard `deletes`: what is left of runs, and accounts. */
async function prune(context: TaskContext, wanted: Arguments['prune']): Promise<void> {
  const { store, project, clock } = context
  const { retention } = store
  const held = heldOn(clock.now(), project.retention.hold)
  const before = (ageMs: number): string => isoText(new Date(clock.now().getTime() - ageMs))
  const road = async (section: (typeof pruned)[number], plan: (add: (item: PlannedItem<Planned>) => void) => Facts) => {
    if (!wanted.includes(section)) return
    await context.road(
      itemRoad<Planned>(context, { section, plan: async (add) => plan(add), apply: (items) => apply(context, items) }),
    )
  }
  retention.holdAccounts(held.anyAccount ? held.account : undefined)
  const ages = project.retention
  await road('results', (add) => {
    const gone = new Set<number>()
    let kept = 0
    const take = (what: PrunedWhat, found: Iterable<Prunable>): void => {
      for (const one of found) {
        if (gone.has(one.id)) continue
        if (one.task !== null && held.task(one.task)) kept++
        else add(itemOf(what, one))
        if (what === 'result' && (one.task === null || !held.task(one.task))) gone.add(one.id)
      }
    }
    take('result', retention.results(before(ages.results)))
    take('rejects', retention.rejects(before(ages.rejects)))
    take('images', retention.images(before(ages.images)))
    return facts(context, 'result', ['result', 'results'], kept)
  })
  await road('gone-accounts', (add) => {
    for (const one of retention.goneAccounts(before(ages.gone))) add(itemOf('account', one))
    return facts(context, 'account', ['account', 'accounts'], 0)
  })
}

type Facts = ReturnType<typeof facts>

function facts({ store }: TaskContext, what: PrunedWhat, objects: readonly [string, string], held: number) {
  const population = store.retention.population(what)
  return {
    population,
    counts: { held },
    figures: (items: Iterable<PlannedItem>) => {
      // of a result that stays its rejects and images go at their age: that is told, and is no loss of a result
      const keys = [...items].filter(({ data }) => (data as unknown as Planned).what === what).map(({ key }) => key)
      const deletes = { count: keys.length, first: keys.slice(0, 10), objects, of: population }
      return { deletes }
    },
  }
}

const itemOf = (what: PrunedWhat, { id, key, rows }: Prunable): PlannedItem<Planned> => ({
  key,
  count: countOf[what],
  data: { what, id },
  changes: [
    {
      kind: 'remove',
      object: what === 'account' ? 'account' : 'result',
      key,
      field: what === 'rejects' || what === 'images' ? what : null,
      before: rows,
      after: null,
    },
  ],
})

/** One event names everything of the chunk: what is not there any more can still be told. */
function apply({ store, audit }: TaskContext, items: readonly PlannedItem<Planned>[]): void {
  for (const what of Object.keys(countOf) as PrunedWhat[]) {
    const chosen = items.filter(({ data }) => data.what === what)
    if (chosen.length === 0) continue
    store.retention.remove(
      what,
      chosen.map(({ data }) => data.id),
    )
    audit({
      action: 'retention.removed',
      object: what === 'account' ? 'account' : 'result',
      key: what,
      body: { keys: chosen.map(({ key }) => key) },
    })
  }
}

/** A section that only tells. */
const told = (context: TaskContext, section: string, counts: Counts) =>
  context.road(itemRoad(context, { section, plan: async () => ({ population: 0, counts }), apply: () => undefined }))

/** False: the store is not what was written. */
async function verify(context: TaskContext, { sample }: Arguments): Promise<boolean> {
  const { store } = context
  const { rows, findings } = store.upkeep.checkSample(sample)
  const audit = store.audit.verify()
  const wrong = [...findings, ...audit.findings.map(({ text }) => text)]
  for (const text of wrong.slice(0, 10))
    context.message({ level: 'error', code: 'IQ6004', text: `${text} (iqtask store check)`, item: 'verify' })
  await told(context, 'verify', { sampled: rows, auditEvents: audit.events })
  return wrong.length === 0
}

async function pack(context: TaskContext): Promise<void> {
  const { store, clock, options } = context
  const before = isoText(new Date(clock.now().getTime() - packedAfterMs))
  let packed = options.dryRun ? store.audit.packsDue(before) : 0
  if (!options.dryRun)
    for (; store.audit.pack(before); packed++) {
      context.progress.update('pack', 'pack', packed)
      await context.pause()
    }
  await told(context, 'pack', { packed })
}

const nameOf = (at: Date): string => `iqtask-${isoText(at).replace(/[-:]|\.\d+/g, '')}.db`

async function backUp(context: TaskContext, { backup: { folder, keep } }: Arguments): Promise<void> {
  const { store, project, clock } = context
  const path = resolve(project.folder, folder)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    store.upkeep.backUp(join(path, nameOf(clock.now())))
  } catch (error) {
    // the store itself is well: a full disk of the backups ends neither the run nor the store
    const text = error instanceof Error ? error.message : String(error)
    return context.message({ level: 'error', code: 'IQ6006', text: `no backup was made: ${text}`, item: 'backup' })
  }
  const old = readdirSync(path)
    .filter((name) => /^iqtask-\d{8}T\d{6}Z\.db$/.test(name))
    .sort()
    .slice(0, -keep)
  for (const name of old) rmSync(join(path, name))
  await told(context, 'backup', { backups: 1, backupsRemoved: old.length })
}
