import { isoText } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import { withMembers } from '../base/once.ts'
import type { Standing } from '../model/standing.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Applications, createApplications } from './applications.ts'
import { type Audit, createAudit } from './audit.ts'
import { type AccountPlans, createAccountPlans } from './bulk/account-plan.ts'
import { type CataloguePlans, createCataloguePlans } from './bulk/catalogue-plan.ts'
import { type Catalogue, createCatalogue } from './catalogue.ts'
import type { Database } from './database.ts'
import { createDecisions, type Decisions } from './decisions.ts'
import { createIdentities, type Identities } from './identities.ts'
import { describeStore } from './info.ts'
import { createItemPlans, type ItemPlans } from './item-plan.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createResults, type Results } from './results.ts'
import { createRetention, type Retention } from './retention.ts'
import { createRuns, type Runs } from './runs.ts'
import { createSchedules, type Schedules } from './schedules.ts'

import { standingOf } from './standing.ts'
import { createUndo, type Undo } from './undo.ts'
import { createUpkeep, type Upkeep } from './upkeep.ts'

/** The store as the other rooms see it: one member per aggregate, each made by its own file. */
export interface Store {
  readonly path: string
  readonly db: Database
  readonly audit: Audit
  readonly results: Results
  readonly runs: Runs
  readonly applications: Applications
  readonly accountPlans: AccountPlans
  readonly itemPlans: ItemPlans
  readonly accounts: Accounts
  readonly identities: Identities
  readonly decisions: Decisions
  readonly catalogue: Catalogue
  readonly cataloguePlans: CataloguePlans
  readonly undo: Undo
  readonly outbox: Outbox
  readonly schedules: Schedules
  readonly retention: Retention
  readonly upkeep: Upkeep
  /** How every task is: what monitoring is told. */
  standing(): Omit<Standing, 'version'>
  info(): JsonObject
  /** A plan is applied once: the event says by which run. */
  markPlanApplied(plan: string, resultId: string, now: Date, actor: string): void
  /** A person has looked at the result; audited. */
  acknowledge(resultId: string, comment: string, now: Date, actor: string): void
  /** Leaves word for a run's next heartbeat, audited. */
  requestStop(resultId: string, reason: string, now: Date, actor: string): void
  close(): void
}

type Aggregates = Omit<
  Store,
  'path' | 'db' | 'info' | 'standing' | 'markPlanApplied' | 'acknowledge' | 'requestStop' | 'close'
>

export function createStore(db: Database): Store {
  const store: Store = withMembers<Omit<Store, keyof Aggregates>, Aggregates>(
    actsOf(db, () => store),
    {
      audit: () => createAudit(db),
      results: () => createResults(db),
      runs: () => createRuns(db),
      applications: () => createApplications(db),
      accountPlans: () => createAccountPlans(db),
      itemPlans: () => createItemPlans(db.path),
      accounts: () => createAccounts(db),
      identities: () => createIdentities(db),
      decisions: () => createDecisions(db),
      catalogue: () => createCatalogue(db),
      cataloguePlans: () => createCataloguePlans(db),
      undo: () => createUndo(db),
      outbox: () => createOutbox(db),
      schedules: () => createSchedules(db),
      retention: () => createRetention(db),
      upkeep: () => createUpkeep(db),
    },
  )
  return store
}

/** What the store itself does, across its aggregates. */
function actsOf(db: Database, store: () => Store): Omit<Store, keyof Aggregates> {
  return {
    path: db.path,
    db,
    info: () => describeStore(db),
    standing: () => standingOf(db),
    markPlanApplied(plan, resultId, now, actor) {
      db.write(() =>
        store().audit.append({
          at: isoText(now),
          actor,
          action: 'plan.applied',
          object: 'plan',
          key: plan,
          run: plan,
          body: { result: resultId },
        }),
      )
    },
    acknowledge(resultId, comment, now, actor) {
      const at = isoText(now)
      db.write(() => {
        db.statement('insert or replace into acknowledgement(run, actor, at, comment) values (?, ?, ?, ?)').run(
          store().runs.numberOf(resultId),
          actor,
          at,
          comment,
        )
        store().audit.append({
          at,
          actor,
          action: 'result.acknowledged',
          object: 'result',
          key: resultId,
          run: resultId,
          body: { comment },
        })
      })
    },
    requestStop(resultId, reason, now, actor) {
      db.write(() => {
        store().runs.requestStop(resultId, reason)
        store().audit.append({
          at: isoText(now),
          actor,
          action: 'run.stop',
          object: 'result',
          key: resultId,
          run: resultId,
          body: { reason },
        })
      })
    },
    close: () => db.close(),
  }
}
