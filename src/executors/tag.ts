import { z } from 'zod'
import type { PlannedItem } from '../model/planned-item.ts'
import { defineExecutor, type TaskContext } from '../task/executor.ts'
import { itemRoad } from '../task/item-road.ts'
import { makeEdits, type PlannedEdit } from './entitlement-edit.ts'

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
      itemRoad<PlannedEdit>(context, {
        section: 'tags',
        plan: async (add) => {
          const item = plan(context, args)
          if (item !== undefined) add(item)
          const counts = { tagged: 0, standing: item === undefined ? 1 : 0 }
          return { population: context.store.catalogue.count({}), counts }
        },
        apply: (items) =>
          makeEdits(
            context,
            items.map((item) => item.data),
          ),
      }),
    )
  },
})

/** Undefined when nothing would change. */
function plan({ store: { catalogue } }: TaskContext, args: Arguments): PlannedItem<PlannedEdit> | undefined {
  const { application, attribute, value, tags: before } = catalogue.get(args.entitlement)
  const key = `${application}:${attribute}:${value}`
  const kept = before.filter((one) => !args.tags.includes(one))
  const after = args.remove ? kept : [...new Set([...kept, ...args.tags])].sort()
  if (after.length === before.length) return undefined
  const edit = { entitlementId: catalogue.idOf(key) ?? 0, [args.remove ? 'remove' : 'add']: args.tags }
  const told = { before: [...before], after, reason: args.reason }
  return {
    key,
    changes: [{ kind: 'change', object: 'entitlement', key, field: 'tags', before: [...before], after }],
    count: 'tagged',
    data: { ...edit, key, told },
  }
}
