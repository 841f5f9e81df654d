import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import { defineExecutor } from '../task/executor.ts'
import { checkApplications, chosenApplications } from './applications.ts'
import { createCatalogueRoad } from './catalogue-road.ts'

const schema = z.strictObject({
  applications: z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]),
  checkDeleted: z.boolean().default(true),
})
export type CatalogueArguments = z.output<typeof schema>

/** IdentityIQ: account group aggregation. */
export const entitlementAggregation = defineExecutor({
  name: 'entitlement-aggregation',
  summary: 'Read the catalogues of groups and permissions: names, descriptions, owners and hierarchy',
  arguments: schema,
  counts: {
    read: 'data rows of the catalogue feeds',
    filtered: 'rows that `where` left out',
    rejected: 'rows that were rejected',
    created: 'entitlements seen for the first time',
    changed: 'entitlements whose description or hierarchy changed',
    unchanged: 'entitlements that were as before',
    returned: 'entitlements that had been gone',
    missing: 'described entitlements absent in this read',
    gone: 'entitlements that ended',
    stillHeld: 'entitlements that ended although accounts hold them',
    givesAdded: 'steps of the hierarchy that began',
    givesEnded: 'steps of the hierarchy that ended',
    givesRejected: 'steps that were left out: a circle, or a value that is not there',
  },
  check: (project, args) => checkApplications(project, args.applications),
  async run(context, args) {
    if (context.options.only !== undefined)
      throw new UserError('--only chooses accounts; a catalogue has none', {
        code: 'IQ1002',
        hint: 'narrow the feed: entitlements: { where: … }, or the plan: iqtask plan and apply --only',
      })
    const named = new Set(args.applications.filter((name) => !/[*?]/.test(name)))
    const all = chosenApplications(context.project, args.applications)
    for (const application of all)
      if (application.entitlements.length > 0) await context.road(createCatalogueRoad(context, application, args))
      else if (named.has(application.name))
        throw new UserError(`${application.name} has no catalogue: no entitlements: { file: … }`, {
          code: 'IQ1111',
          place: { file: application.file },
          hint: 'add the feed, or leave the application out',
        })
  },
})
