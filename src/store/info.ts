import { statSync } from 'node:fs'
import type { JsonObject } from '../base/json.ts'
import { createAuditPacks } from './audit-packs.ts'
import type { Database } from './database.ts'

const tables = [
  'application',
  'account',
  'access',
  'entitlement',
  'entitlement_gives',
  'identity',
  'question',
  'decision',
  'task_result',
  'reject',
  'change',
  'audit',
]

/** What the store is and holds: path, size, schema, pragmas in force, rows by table. */
export function describeStore(db: Database): JsonObject {
  const value = (sql: string): string | number => db.statement(sql).pluck().get() as string | number
  const { size, mode } = statSync(db.path)
  return {
    path: db.path,
    id: value(`select value from meta where key = 'id'`),
    created: value(`select value from meta where key = 'created'`),
    bytes: size,
    mode: (mode & 0o777).toString(8).padStart(4, '0'),
    schemaVersion: value('pragma user_version'),
    sqlite: value('select sqlite_version()'),
    journalMode: value('pragma journal_mode'),
    synchronous: ['OFF', 'NORMAL', 'FULL', 'EXTRA'][Number(value('pragma synchronous'))] ?? 'unknown',
    rows: {
      ...Object.fromEntries(tables.map((table) => [table, value(`select count(*) from ${table}`)])),
      auditPacked: createAuditPacks(db).count(),
    },
  }
}
