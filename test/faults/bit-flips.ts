import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { systemClock } from '../../src/base/clock.ts'
import { StoreError } from '../../src/base/errors.ts'
import { checkStore } from '../../src/store/check.ts'
import { openStore } from '../../src/store/open.ts'
import { type FaultFigure, type Measured, random, type Size } from './figure.ts'
import { storeOf, works } from './scenario.ts'
import type { Tool } from './tool.ts'

/** SHA-256 over every row of every table; undefined where they cannot be read. */
function contentOf(path: string): string | undefined {
  const db = new Sqlite(path, { readonly: true })
  const hash = createHash('sha256')
  try {
    const tables = db
      .prepare(
        `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by 1`,
      )
      .pluck()
      .all() as string[]
    for (const table of tables) {
      const columns = db.prepare(`select count(*) from pragma_table_info(?)`).pluck().get(table) as number
      const order = Array.from({ length: columns }, (_, i) => i + 1).join(', ')
      for (const row of db.prepare(`select * from "${table}" order by ${order}`).raw().iterate())
        hash.update(JSON.stringify(row))
    }
    return hash.digest('hex')
  } catch {
    return undefined
  } finally {
    db.close()
  }
}

type Verdict = 'detected' | 'harmless' | 'silent'

function judge(path: string, content: string | undefined): Verdict {
  try {
    const store = openStore({ path, clock: systemClock })
    try {
      if (checkStore(store, { quick: false }).length > 0) return 'detected'
    } finally {
      store.close()
    }
  } catch (error) {
    if (error instanceof StoreError) return 'detected'
    throw error
  }
  return contentOf(path) === content ? 'harmless' : 'silent'
}

const flips: Readonly<Record<Size, number>> = { sample: 60, usual: 400, all: 5_000 }

async function measure(tool: Tool, size: Size): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-flips-'))
  try {
    await works[0]?.prepare(tool, folder)
    await tool.run(folder, ['run', 't'])
    // into one file, without what is left in the log
    const sound = join(folder, 'sound.db')
    const db = new Sqlite(storeOf(folder))
    db.exec(`vacuum into '${sound}'`)
    db.close()
    const bytes = readFileSync(sound)
    // free space is made of zeros: a flip there proves nothing
    const used = Array.from(bytes.keys()).filter((at) => bytes[at] !== 0)
    const content = contentOf(sound)
    const next = random(20_262_121)
    const counts: Record<Verdict, number> = { detected: 0, harmless: 0, silent: 0 }
    const wrong: string[] = []
    for (let flip = 0; flip < flips[size]; flip++) {
      const at = used[Math.floor(next() * used.length)] as number
      const bit = Math.floor(next() * 8)
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
      const path = join(folder, 'damaged.db')
      for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true })
      writeFileSync(path, damaged, { mode: 0o600 })
      const verdict = judge(path, content)
      counts[verdict]++
      if (verdict === 'silent')
        wrong.push(`bit ${bit} of byte ${at} changes what is stored, and nobody sees it: ${nearby(bytes, at)}`)
    }
    return {
      value: `${flips[size]} flips: ${counts.detected} detected, ${counts.harmless} harmless, ${counts.silent} silent`,
      wrong,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const nearby = (bytes: Buffer, at: number): string =>
  JSON.stringify(
    bytes
      .subarray(Math.max(0, at - 20), at + 20)
      .toString('latin1')
      .replace(/[^ -~]/g, '.'),
  )

export const bitFlips: FaultFigure = {
  id: 'F21',
  what: 'one bit of the store is flipped, then `store check`',
  goal: 'detected, or nothing that is stored has changed',
  measure,
}
