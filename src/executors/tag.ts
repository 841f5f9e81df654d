import { z } from 'zod'
import { isoText } from '../base/clock.ts'
import type { TaggedEntry } from '../store/catalogue.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import { itemRoad } from '../task/item-road.ts'

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a tag is made of a-z, 0-9, ".", "_", "-" and starts with a letter or digit')
const schema = z.strictObject({
  entitlement: z.string(),
  tags: z.array(name).min(1),
  remove: z.boolean().default(false),
  reason: z.string().trim().min(1),
})
type Arguments = z.output<typeof schema>

interface Planned extends TaggedEntry {
  readonly before: readonly string[]
  readonly reason: string
}

/** What people say of an entitlement: policies, reviews and reports go by it. */
export const tag = defineExecutor({
  name: 'tag',
  summary: 'give an entitlement tags, or take them away',
  arguments: schema,
  counts: {
    tagged: 'entitlements whose tags changed',
    standing: 'entitlements that were as wanted before',
  },
  async run(context, args) {
    await context.road(
      itemRoad<Planned>(context, {
        section: 'tags',
        plan: async (add) => {
          const planned = plan(context, args)
          if (planned !== undefined) {
            const { application, attribute, value, tags, before } = planned
            const key = `${application}:${attribute}:${value}`
            add({
              key,
              changes: [
                { kind: 'change', object: 'entitlement', key, field: 'tags', before: [...before], after: [...tags] },
              ],
              count: 'tagged',
              data: planned,
            })
          }
          return {
            population: context.store.catalogue.count({}),
            counts: { tagged: 0, standing: planned === undefined ? 1 : 0 },
          }
        },
        apply: (items) =>
          apply(
            context,
            items.map((item) => item.data),
          ),
      }),
    )
  },
})

/** Undefined when nothing would change. */
function plan({ store }: TaskContext, args: Arguments): Planned | undefined {
  const { application, attribute, value, tags: before } = store.catalogue.get(args.entitlement)
  const kept = before.filter((one) => !args.tags.includes(one))
  const tags = args.remove ? kept : [...kept, ...args.tags].sort()
  const same = args.remove ? kept.length === before.length : args.tags.every((one) => before.includes(one))
  return same ? undefined : { application, attribute, value, tags: [...new Set(tags)], before, reason: args.reason }
}

function apply({ store, run, clock }: TaskContext, entries: readonly Planned[]): void {
  const at = isoText(clock.now())
  const actor = store.runs.get(run.number)?.actor ?? '{}'
  store.catalogue.tag(entries, run.number)
  for (const { application, attribute, value, tags, before, reason } of entries)
    store.audit.append({
      at,
      actor,
      action: 'entitlement.tag',
      object: 'entitlement',
      key: `${application}:${attribute}:${value}`,
      run: run.id,
      body: { before: [...before], after: [...tags], reason },
    })
}
