import type { Database } from './database.ts'

/** Pages of the store that are kept in memory. */
export const cacheKib = 24 * 1024

/** What is compared with a read, and then changed, is looked at ten times. */
export const keepManyPages = (db: Database): void => db.exec(`pragma cache_size = -${2 * cacheKib}`)

/** Next to something large there is room for fewer: while it is there, pages are read once, one after the other. */
export const keepFewPages = (db: Database): void => db.exec('pragma cache_size = -2048')

export const keepUsualPages = (db: Database): void => db.exec(`pragma cache_size = -${cacheKib}`)

/** For whoever keeps another number of them for a while: gives back as many as there were. */
export function pagesAsBefore(db: Database): () => void {
  const before = Number(db.statement('pragma main.cache_size').pluck().get())
  return () => db.exec(`pragma cache_size = ${before}`)
}

/**
 * A sort in pieces that stay in the processor's cache, merged from a file, is quicker than one of all that memory would hold; one thread
 * sorts a piece while the next is read.
 */
export function sortInPieces(db: Database, work: () => void): void {
  const asBefore = pagesAsBefore(db)
  db.exec('pragma cache_size = -1024; pragma threads = 1')
  try {
    work()
  } finally {
    db.exec('pragma threads = 0')
    asBefore()
  }
}
