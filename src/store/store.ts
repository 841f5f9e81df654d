import { type Audit, createAudit } from './audit.ts'
import type { Database } from './database.ts'
import { createResults, type Results } from './results.ts'
import { createRuns, type Runs } from './runs.ts'

/** The store as the other rooms see it: one member per aggregate, each made by its own file. */
export interface Store {
  readonly path: string
  readonly db: Database
  readonly audit: Audit
  readonly results: Results
  readonly runs: Runs
  close(): void
}

export function createStore(db: Database): Store {
  return {
    path: db.path,
    db,
    audit: createAudit(db),
    results: createResults(db),
    runs: createRuns(db),
    close: () => db.close(),
  }
}
