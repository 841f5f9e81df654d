import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { MovedRow } from '../store/undo.ts'
import type { UndoFigures } from '../store/undo-figures.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import type { Prepared, Road } from '../task/road.ts'

const schema = z.strictObject({
  result: z.string(),
  /** Keys of objects that are taken back although something changed them since. */
  accept: z.array(z.string()).default([]),
})
type UndoArguments = z.output<typeof schema>

/** Takes a run back, as a plan of its own (domain §3). */
export const undo = defineExecutor({
  name: 'undo',
  summary: 'take a run back: what it created goes, what it changed is as before',
  arguments: schema,
  counts: {
    accountsRemoved: 'accounts that the run had created',
    accountsRestored: 'accounts that are as before the run',
    identitiesRemoved: 'identities that the run had created',
    identitiesRestored: 'identities that the run had removed',
    entitlementsRemoved: 'catalogue entries that the run had created and nobody else uses',
    entitlementsRestored: 'catalogue entries that are as before the run',
  },
  async run(context, args) {
    await context.road(createUndoRoad(context, args))
  },
})

function createUndoRoad(context: TaskContext, args: UndoArguments): Road {
  const { store, run } = context
  return {
    section: 'undo',
    stopsRun: true,
    async prepare() {
      const target = targetOf(context, args.result)
      store.undo.begin(target)
      if (args.accept.length > 0) refuseNeedlessAccepts(args.accept, store.undo.moved(target))
      const figures = await store.undo.figures(target, () => context.pause())
      for (const text of store.undo.remains(target, figures.counts))
        context.message({ level: 'info', code: 'IQ3014', text, item: args.result })
      return prepared(context, target, args, figures)
    },
    resume: (facts) => store.undo.phases(Number(facts.target), run.number),
    close: () => undefined,
  }
}

function targetOf({ store }: TaskContext, reference: string): number {
  const result = store.results.find(reference)
  const refuse = (why: string, hint: string): never => {
    throw new UserError(`${result.id} ${why}`, { code: 'IQ3012', hint })
  }
  if (result.dryRun) refuse('was a dry run: there is nothing to take back', 'iqtask results lists the others')
  if (store.retention.hasTaken(store.runs.numberOf(result.id), 'images'))
    refuse('is too old: what was there before it is not kept any more', 'retention.images says how long it is')
  if (result.status === 'running' || result.status === 'queued') refuse('runs still', 'iqtask stop ends it')
  return store.runs.numberOf(result.id)
}

function refuseNeedlessAccepts(accept: readonly string[], moved: readonly MovedRow[]): void {
  const known = new Set(moved.map((row) => row.key))
  const needless = accept.find((key) => !known.has(key))
  if (needless === undefined) return
  throw new UserError(`there is nothing to accept about ${JSON.stringify(needless)}`, {
    code: 'IQ1002',
    hint: `changed since: ${[...known].slice(0, 10).join(', ') || 'nothing'}`,
  })
}

function prepared(
  context: TaskContext,
  target: number,
  args: UndoArguments,
  { counts, hash, changes, whole }: UndoFigures,
): Prepared {
  const { store, run } = context
  return {
    evidence: undefined,
    figures: { section: 'undo', privileged: false, population: store.accounts.count({}), baseline: false, changes },
    counts: { ...counts },
    read: 0,
    rejected: 0,
    planned: Object.values(counts).reduce((sum, count) => sum + count, 0),
    leftAside: false,
    hash,
    *changes() {
      for (const row of store.undo.rows(target)) yield* row.changes
    },
    async without(unwanted) {
      store.undo.leaveOut(target, unwanted)
      return prepared(context, target, args, await store.undo.figures(target, () => context.pause()))
    },
    refusal: () => refusalOf(args, store.undo.moved(target, whole)),
    bind() {
      const reads = store.undo.bind(target, run.number, whole) as unknown as JsonObject[]
      return {
        applicationId: undefined,
        readAt: undefined,
        facts: { target, reads },
        phases: store.undo.phases(target, run.number),
      }
    },
  }
}

/** What changed since is only taken back where a person said so, one by one. */
function refusalOf({ result, accept }: UndoArguments, moved: readonly MovedRow[]): UserError | undefined {
  const held = moved.find((row) => row.because !== null)
  if (held !== undefined)
    return new UserError(`${result} cannot be taken back: ${held.key} stays, because ${held.because}`, {
      code: 'IQ3012',
      hint: `leave it out: --except "change.key == '${held.key}'"`,
    })
  const open = moved.map((row) => row.key).filter((key) => !accept.includes(key))
  if (open.length === 0) return undefined
  return new UserError(
    `${result} cannot be taken back: ${open.slice(0, 10).join(', ')}${open.length > 10 ? ', …' : ''} changed since`,
    {
      code: 'IQ3012',
      hint: 'undo the later run first, leave them out with --except, or take each back all the same with --accept KEY',
    },
  )
}
