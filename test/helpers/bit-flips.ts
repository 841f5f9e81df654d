import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { systemClock } from '../../src/base/clock.ts'
import { StoreError } from '../../src/base/errors.ts'
import { checkStore } from '../../src/store/check.ts'
import { openStore } from '../../src/store/open.ts'

/** Every row of every table; undefined where they cannot be read. */
function contentOf(path: string): string | undefined {
  const db = new Sqlite(path, { readonly: true })
  const hash = createHash('sha256')
  try {
    const tables = db
      .prepare(
        `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by 1`,
      )
      .pluck()
      .all()
    for (const table of tables) {
      // a cache: a record whose hash does not fit is read again, and nothing of it is shown to anybody
      if (table === 'account_seen') continue
      const rows = db.prepare(`select * from "${table}"`).raw().all()
      hash.update(JSON.stringify(rows.map((row) => JSON.stringify(row)).sort()))
    }
    return hash.digest('hex')
  } catch {
    return undefined
  } finally {
    db.close()
  }
}

function isDetected(path: string): boolean {
  try {
    const store = openStore({ path, clock: systemClock })
    try {
      return checkStore(store, { quick: false }).length > 0
    } finally {
      store.close()
    }
  } catch (error) {
    if (error instanceof StoreError) return true
    throw error
  }
}

/** Flips single bits of a store that nobody has open, one at a time, and checks the store each time. */
export function flipBits(
  store: string,
  options: { readonly flips: number; readonly seed: number },
): { detected: number; harmless: number; silent: string[] } {
  const sound = `${store}.sound`
  const damaged = `${store}.damaged`
  const db = new Sqlite(store)
  db.exec(`vacuum into '${sound}'`)
  db.close()
  const bytes = readFileSync(sound)
  const content = contentOf(sound)
  // free space is made of zeros: a flip there proves nothing
  const used = Array.from(bytes.keys()).filter((at) => bytes[at] !== 0)
  const result = { detected: 0, harmless: 0, silent: [] as string[] }
  let state = options.seed
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let flip = 0; flip < options.flips; flip++) {
    const at = used[below(used.length)] as number
    const bit = below(8)
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ (1 << bit)
    for (const end of ['-wal', '-shm']) rmSync(damaged + end, { force: true })
    writeFileSync(damaged, copy, { mode: 0o600 })
    if (isDetected(damaged)) result.detected++
    else if (contentOf(damaged) === content) result.harmless++
    else result.silent.push(`bit ${bit} of byte ${at}: ${JSON.stringify(bytes.toString('latin1', at - 30, at + 30))}`)
  }
  return result
}
