import { z } from 'zod'

const account = z.string().describe('APPLICATION:NATIVE_IDENTITY')
const entitlement = z.string().describe('APPLICATION:ATTRIBUTE:VALUE')
const reason = z.string().trim().min(1)
const tag = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a tag such as privileged')

/** Null: the attribute goes. */
const value = z.union([z.string().min(1), z.number(), z.boolean(), z.array(z.string()).min(1), z.null()])

/** What an executor of one's own may plan: changes that have a meaning in the store, and that `undo` takes back. */
export const storeChange = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('link'), account, identity: z.string(), reason }),
  z.strictObject({ do: z.literal('unlink'), account, reason }),
  z.strictObject({ do: z.literal('tag'), entitlement, tag }),
  z.strictObject({ do: z.literal('untag'), entitlement, tag }),
  z.strictObject({ do: z.literal('owner'), entitlement, owner: z.string().nullable() }),
  z.strictObject({ do: z.literal('set'), identity: z.string(), attribute: z.string(), value, reason }),
])
export type StoreChange = z.output<typeof storeChange>

/** Where changes of identities are judged. */
export const identitySection = 'identities'

/** The application that a reference begins with: its guards judge the change. */
export function sectionOf(change: StoreChange): string {
  if (change.do === 'set') return identitySection
  const reference = 'account' in change ? change.account : change.entitlement
  return reference.slice(0, Math.max(0, reference.indexOf(':')))
}
