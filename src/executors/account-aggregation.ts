import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import { defineExecutor } from '../task/executor.ts'
import { createAggregationRoad } from './aggregation-road.ts'
import { checkApplications, chosenApplications } from './applications.ts'

const schema = z.strictObject({
  applications: z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]),
  checkDeleted: z.boolean().default(true),
  checkDeletedThreshold: z.number().int().nonnegative().optional(),
  deltaAggregation: z.boolean().default(false),
  optimizeReaggregation: z.boolean().default(true),
  correlateOnly: z.boolean().default(false),
  recorrelate: z.boolean().default(false),
  promoteManagedAttributes: z.boolean().default(true),
  fetchOnly: z.boolean().default(false),
  partitions: z.union([z.literal('auto'), z.number().int().positive()]).default('auto'),
  input: z.string().optional(),
})
/** IdentityIQ's keys where it has them (domain §4). */
export type AggregationArguments = z.output<typeof schema>

export const accountAggregation = defineExecutor({
  name: 'account-aggregation',
  summary: 'Read accounts from applications into the store and find their owners',
  arguments: schema,
  counts: {
    read: 'data rows of the account source',
    filtered: 'rows that `where` or `--only` left out',
    rejected: 'rows that were rejected',
    created: 'accounts seen for the first time',
    changed: 'accounts whose attributes, flags or grants changed',
    unchanged: 'accounts that were as before',
    returned: 'accounts that had been gone',
    renamed: 'accounts with a new native identity',
    missing: 'accounts absent in this read',
    gone: 'accounts that ended',
    protected: 'absent accounts that are protected from ending',
    grantsAdded: 'grants that began',
    grantsEnded: 'grants that ended',
    grantsRejected: 'grants that were left out',
    entitlementsCreated: 'entitlements new in the catalogue',
    correlated: 'accounts with an identity after the run',
    uncorrelated: 'accounts without an identity after the run',
    ambiguous: 'accounts that several identities fit',
    questions: 'accounts a person has to decide about',
    moved: 'accounts whose changed key finds somebody else',
    identitiesCreated: 'identities that were created',
  },
  check: (project, args) => checkApplications(project, args.applications),
  async run(context, args) {
    const applications = chosenApplications(context.project, args.applications)
    if (args.input !== undefined && applications.length > 1)
      throw new UserError(`input stands for one source, but ${applications.length} applications are named`, {
        code: 'IQ1002',
        hint: 'name one application: --set applications=NAME',
      })
    context.store.accountPlans.forgetIdentities()
    for (const application of applications) {
      const road = createAggregationRoad(context, application, args)
      const outcome = await context.road(road)
      if (outcome.status === 'guard' && road.stopsRun) break
    }
  },
})
