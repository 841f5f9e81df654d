import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import type { Prepared, Road } from '../task/road.ts'

/** Takes a run back, as a plan of its own (domain §3). */
export const undo = defineExecutor({
  name: 'undo',
  summary: 'take a run back: what it created goes, what it changed is as before',
  arguments: z.strictObject({ result: z.string() }),
  counts: {
    accountsRemoved: 'accounts that the run had created',
    accountsRestored: 'accounts that are as before the run',
    identitiesRemoved: 'identities that the run had created',
    identitiesRestored: 'identities that the run had removed',
    entitlementsRemoved: 'catalogue entries that the run had created and nobody else uses',
    entitlementsRestored: 'catalogue entries that are as before the run',
  },
  async run(context, args) {
    await context.road(createUndoRoad(context, args.result))
  },
})

function createUndoRoad(context: TaskContext, reference: string): Road {
  const { store, run } = context
  return {
    section: 'undo',
    stopsRun: true,
    prepare: async () => prepare(context, reference),
    resume: (facts) => store.undo.phases(Number(facts.target), run.number),
    close: () => undefined,
  }
}

function prepare(context: TaskContext, reference: string): Prepared {
  const { store, run } = context
  const result = store.results.find(reference)
  const target = store.runs.numberOf(result.id)
  const refuse = (why: string, hint: string): never => {
    throw new UserError(`${result.id} ${why}`, { code: 'IQ3012', hint })
  }
  if (result.dryRun) refuse('was a dry run: there is nothing to take back', 'iqtask results lists the others')
  if (result.status === 'running' || result.status === 'queued') refuse('runs still', 'iqtask stop ends it')
  const moved = store.undo.moved(target)
  if (moved.length > 0)
    refuse(`cannot be taken back: ${moved.join(', ')} changed since`, 'undo the later run first: iqtask results')
  const counts = { ...store.undo.counts(target) }
  const first = store.undo.removed(target)
  return {
    evidence: undefined,
    figures: {
      section: 'undo',
      privileged: false,
      population: store.accounts.count({}),
      baseline: false,
      changes: { deletes: { count: counts.accountsRemoved, first } },
    },
    counts,
    read: 0,
    rejected: 0,
    planned: Object.values(counts).reduce((sum, count) => sum + count, 0),
    leftAside: false,
    hash: `${result.id} ${JSON.stringify(counts)}`,
    changes: () =>
      first.map((key) => ({ kind: 'end', object: 'account', key, field: 'state', before: 'active', after: null })),
    bind() {
      store.applications.needFullRead(target)
      return {
        applicationId: undefined,
        readAt: undefined,
        facts: { target },
        phases: store.undo.phases(target, run.number),
      }
    },
  }
}
