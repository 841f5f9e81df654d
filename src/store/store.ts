import type { Database } from './database.ts'

/** The store as the other rooms see it: one member per aggregate, each made by its own file. */
export interface Store {
  readonly path: string
  readonly db: Database
  close(): void
}
