import { randomInt } from 'node:crypto'
import { type Backup, backupStore } from './backup.ts'
import { checkRows } from './check.ts'
import type { Database } from './database.ts'

/** What keeps the file small, fast and proved. */
export interface Upkeep {
  /** Looks at `sample` accounts, identities, results and entitlements each, against the checks that they carry. */
  checkSample(sample: number): { readonly rows: number; readonly findings: readonly string[] }
  /** Gives the write-ahead log back to the disk, and tells the planner what the tables hold. */
  tidy(): void
  /** A verified copy. @throws StoreError, UserError */
  backUp(target: string): Backup
}

export const createUpkeep = (db: Database): Upkeep => ({
  checkSample: (sample) => checkSample(db, sample),
  tidy() {
    db.exec('pragma analysis_limit = 1000; analyze main')
    db.statement('pragma wal_checkpoint(truncate)').all()
  },
  backUp: (target) => backupStore({ db }, target),
})

/** Rows that lie together are read together. */
const block = 100

function checkSample(db: Database, sample: number): ReturnType<Upkeep['checkSample']> {
  const findings: string[] = []
  let rows = 0
  for (const table of ['account', 'identity', 'task_result', 'entitlement'] as const) {
    const last = Number(db.statement(`select coalesce(max(id), 0) from ${table}`).pluck().get())
    const all = Math.ceil(last / block)
    const blocks = Math.min(Math.ceil(sample / block), all)
    for (let turn = 0; turn < blocks; turn++) {
      // a small table is looked at as a whole
      const first = blocks === all ? turn * block : randomInt(last - block + 1)
      const done = checkRows(db, table, first, first + block)
      rows += done.rows
      findings.push(...done.findings)
    }
  }
  return { rows, findings: [...new Set(findings)] }
}
