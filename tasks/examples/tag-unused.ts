// A worked example of an executor of your own: copy this file and tag-unused.yaml into the `tasks` folder of your project, then
//
//   iqtask run tag-unused --dry-run        shows what it would change
//   iqtask run tag-unused                  changes it; iqtask undo tag-unused@latest takes it back
//
// An executor looks at the store and plans changes. It makes none: the framework judges the whole plan by the guards of each
// application, makes the changes in chunks that survive a kill, and keeps the result. What may be planned: link, unlink (accounts),
// tag, untag, owner (entitlements), set (attributes of identities). (await ctx.connect('hr')).records() reads an application where it is.
import { defineExecutor } from 'iqtask'
import { z } from 'zod'

export default defineExecutor({
  name: 'tag-unused',
  summary: 'Tag the entitlements that hardly anybody holds, and take the tag off those that are used again',
  arguments: z.object({
    applications: z.array(z.string()).default([]), // none: all
    holders: z.number().int().nonnegative().default(0), // at most so many
    tag: z.string().default('unused'),
  }),
  counts: { kept: 'entitlements whose tag is right already' },

  async run(ctx, args) {
    // items() counts them, stops when the run has to, and keeps an item that throws an ItemError as a reject
    await ctx.items(ctx.entitlements({ state: 'active' }), async (entitlement) => {
      const { application, attribute, value, holders } = entitlement
      if (args.applications.length > 0 && !args.applications.includes(application)) return
      const changed = await ctx.plan({
        do: holders <= args.holders ? 'tag' : 'untag',
        entitlement: `${application}:${attribute}:${value}`,
        tag: args.tag,
      })
      if (!changed) ctx.count('kept')
    })
  },
})
