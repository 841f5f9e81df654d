import type { JsonObject } from '../base/json.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Applications, createApplications } from './applications.ts'
import { type Audit, createAudit } from './audit.ts'
import { type AccountPlans, createAccountPlans } from './bulk/account-plan.ts'
import type { Database } from './database.ts'
import { createIdentities, type Identities } from './identities.ts'
import { describeStore } from './info.ts'
import { createResults, type Results } from './results.ts'
import { createRuns, type Runs } from './runs.ts'

/** The store as the other rooms see it: one member per aggregate, each made by its own file. */
export interface Store {
  readonly path: string
  readonly db: Database
  readonly audit: Audit
  readonly results: Results
  readonly runs: Runs
  readonly applications: Applications
  readonly accountPlans: AccountPlans
  readonly accounts: Accounts
  readonly identities: Identities
  info(): JsonObject
  close(): void
}

export function createStore(db: Database): Store {
  return {
    path: db.path,
    db,
    audit: createAudit(db),
    results: createResults(db),
    runs: createRuns(db),
    applications: createApplications(db),
    accountPlans: createAccountPlans(db),
    accounts: createAccounts(db),
    identities: createIdentities(db),
    info: () => describeStore(db),
    close: () => db.close(),
  }
}
