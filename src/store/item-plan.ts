import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Json } from '../base/json.ts'
import type { PlanChange } from '../model/plan-change.ts'
import type { PlannedItem } from '../model/planned-item.ts'
import { openConnection, type SqliteConnection } from './sqlite/driver.ts'
import { stagePath } from './stage-path.ts'

/** Where an item stands in its plan: what chunks and checkpoints count. */
export interface PlacedItem extends PlannedItem {
  readonly position: number
}

/** The plan of an executor that thinks in items, in a file of its own beside the store: written once, then applied from. */
export interface ItemPlan {
  add(item: PlannedItem): void
  /** No more items: durable from here on, for this run. */
  seal(run: number): void
  /** Those after `after` that were not left out, at most `limit`. */
  page(after: number, limit: number): PlacedItem[]
  leaveOut(positions: readonly number[]): void
  /** SHA-256 (hex) over the changes that are left. */
  hash(): string
  close(kept: boolean): void
}

export interface ItemPlans {
  create(resultId: string, section: string): ItemPlan
  /** The plan that a dead run left; undefined when it is lost or not that run's. */
  reopen(resultId: string, run: number, section: string): ItemPlan | undefined
}

export function createItemPlans(storePath: string): ItemPlans {
  return {
    create(resultId, section) {
      const path = stagePath(storePath, resultId, section)
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      remove(path)
      const file = open(path)
      file.exec(`create table item(id integer primary key, key text not null, count text, changes text not null, data text not null,
        left_out int not null default 0) strict; create table sealed(run int not null) strict; begin`)
      return planOver(file, path)
    },
    reopen(resultId, run, section) {
      const path = stagePath(storePath, resultId, section)
      if (!existsSync(path)) return undefined
      const file = open(path)
      if (file.prepare('select max(run) from sealed').pluck().get() === run) return planOver(file, path)
      file.close()
      return undefined
    },
  }
}

function open(path: string): SqliteConnection {
  const umask = process.umask(0o077)
  try {
    return openConnection(path, { busyTimeoutMs: 5_000, cacheKib: 8 * 1024 })
  } finally {
    process.umask(umask)
  }
}

interface Row {
  readonly id: number
  readonly key: string
  readonly count: string | null
  readonly changes: string
  readonly data: string
}

function planOver(file: SqliteConnection, path: string): ItemPlan {
  const insert = file.prepare('insert into item(key, count, changes, data) values (?, ?, ?, ?)')
  const page = file.prepare('select * from item where id > ? and not left_out order by id limit ?')
  const leave = file.prepare('update item set left_out = 1 where id = ?')
  return {
    add: ({ key, count, changes, data }) =>
      void insert.run(key, count ?? null, JSON.stringify(changes), JSON.stringify(data)),
    seal(run) {
      file.prepare('insert into sealed values (?)').run(run)
      file.exec('commit')
    },
    page: (after, limit) =>
      (page.all(after, limit) as Row[]).map(({ id, key, count, changes, data }) => ({
        position: id,
        key,
        count: count ?? undefined,
        changes: JSON.parse(changes) as PlanChange[],
        data: JSON.parse(data) as Json,
      })),
    leaveOut: (positions) =>
      file
        .transaction(() => {
          for (const position of positions) leave.run(position)
        })
        .immediate(),
    hash() {
      const hash = createHash('sha256')
      const all = file.prepare('select changes from item where not left_out order by id').pluck().iterate()
      for (const changes of all as IterableIterator<string>) hash.update(changes).update('\n')
      return hash.digest('hex')
    },
    close(kept) {
      file.close()
      if (!kept) remove(path)
    },
  }
}

function remove(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true })
}
