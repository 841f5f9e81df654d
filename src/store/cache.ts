import type { Database } from './database.ts'

/** Pages of the store that are kept in memory. */
export const cacheKib = 24 * 1024

/** Next to something large there is room for fewer: while it is there, pages are read once, one after the other. */
export const keepFewPages = (db: Database): void => db.exec('pragma cache_size = -2048')

export const keepUsualPages = (db: Database): void => db.exec(`pragma cache_size = -${cacheKib}`)
