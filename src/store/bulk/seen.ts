import { createHash } from 'node:crypto'
import { BusyError } from '../../base/errors.ts'
import {
  addSeen,
  createSeenSlots,
  isSeenOnce,
  notSeenOnce,
  releaseSlots,
  roomOf,
  type SeenSlots,
  secondOf,
  slotOf,
} from '../../model/seen-records.ts'
import { keepFewPages } from '../cache.ts'
import type { Database } from '../database.ts'
import { keptPages, type SeenPage } from './seen-pages.ts'

/** Hashes of the source records that an application's accounts were last made from, and which of them are there again. */
export interface SeenTable {
  /** With the key of the definition: another definition, another key, no hit. */
  readonly slots: SeenSlots
  /** Records that were there again. */
  count(): number
  /** One of them was there more than once. */
  repeated(): boolean
  /** Accounts whose record was not seen: changed, absent, or to be looked at again. */
  unseen(): Iterable<readonly number[]>
  /** Gives back its memory: the most of a run. Nothing can be asked any more. */
  release(): void
}

/** The mapping's own version: a change of what a record means makes every record new. */
const version = 1
/** Their hashes come in memory that the system need not be asked for: that would stop all threads. */
const pageSize = 10_000
/** One in so many is few enough to be looked for by itself. */
const fewOf = 10

/** Hashes for a read that looks at every record: they are kept for the next one. */
export const seeNothing = (db: Database, definition: string): SeenSlots => createSeenSlots(keyOf(db, definition), 0)

/**
 * Every record of the last read is there again; undefined where an account was touched since, so that this tells not everything. `alive`: its
 * accounts that are not gone; as many active ones as there were rows, none of them touched, are those of the rows.
 */
export function allSeen(db: Database, applicationId: number, rows: number, alive: number): SeenTable | undefined {
  const number = (sql: string): number => Number(db.statement(sql).pluck().get(applicationId))
  if (number(touched) !== 0) return undefined
  const missing = number(
    `select count(*) from account where application_id = ? and state = 'missing' and state <> 'active' and retired = 0`,
  )
  if (alive - missing !== rows) return undefined
  const again = db.statement(zeroed).pluck().all(applicationId) as number[]
  return {
    slots: createSeenSlots(Buffer.alloc(0), 0),
    count: () => rows,
    repeated: () => false,
    unseen: () => [again],
    release: () => undefined,
  }
}

/** Of an account whose record is to be looked at again: the text that the index over them has. */
export const noHash = `x'0000000000000000'`
const zeroed = `select account_id from account_seen where application_id = ? and mac = ${noHash}`
const touched = `select count(*) from account where id in (${zeroed}) and state = 'active' and retired = 0`

/** 10 bytes an account. `rows`: of the last read, where there was one that tells; mostly as many are known. */
export function loadSeen(db: Database, applicationId: number, definition: string, rows: number | undefined): SeenTable {
  keepFewPages(db)
  const key = keyOf(db, definition)
  const accounts = (): number =>
    Number(db.statement('select count(*) from account where application_id = ?').pluck().get(applicationId))
  const { pages, forget } = keptPages(() => pagesOf(db, applicationId))
  const { slots, known } = tableOf(pages, key, rows ?? accounts()) ?? tableOf(pages, key, accounts()) ?? refuse()
  const count = (): number => slots.marks[0] ?? 0
  const repeated = (): boolean => slots.marks[1] === 1
  return {
    slots,
    count,
    repeated,
    release() {
      releaseSlots(slots)
      forget()
    },
    *unseen() {
      if (count() === known && !repeated()) return
      const rest = (known - count()) * fewOf <= known ? notSeenOnce(slots) : undefined
      const isUnseen = (low: number, high: number): boolean =>
        rest === undefined
          ? !isSeenOnce(slots, low, high)
          : (low | secondOf(high)) === 0 || slotOf(rest, low, secondOf(high)) !== -1
      for (const page of pages()) {
        const { macs } = page
        const there: number[] = []
        for (let i = 0; i < macs.length; i += 2) if (isUnseen(macs[i] ?? 0, macs[i + 1] ?? 0)) there.push(i >> 1)
        if (there.length > 0) yield idsOf(db, applicationId, page, there)
      }
    },
  }
}

const refuse = (): never => {
  throw new Error('there are more hashes than accounts')
}

/** `known`: accounts, also those of which no record is known. Undefined: they do not fit. */
function tableOf(
  pages: () => Iterable<SeenPage>,
  key: Buffer,
  room: number,
): { readonly slots: SeenSlots; readonly known: number } | undefined {
  const slots = createSeenSlots(key, room)
  let [known, added] = [0, 0]
  for (const { macs } of pages()) {
    if (added + macs.length / 2 > roomOf(slots)) return undefined
    added += addSeen(slots, macs)
    known += macs.length / 2
  }
  return { slots, known }
}

/** SQLite joins the hashes of a page, so that a million of them are a hundred calls. */
function* pagesOf(db: Database, app: number): Generator<SeenPage> {
  const page = db
    .statement(
      // they come in the order of their numbers, which is that of the table
      `select cast(group_concat(mac, '') as blob) from account_seen where application_id = @app and account_id > @after and account_id <= @end`,
    )
    .pluck()
  const first = db.statement('select min(account_id) from account_seen').pluck().get() as number | null
  const last = db.statement('select max(account_id) from account_seen').pluck().get() as number | null
  if (first === null || last === null) return
  for (let after = first - 1; after < last; after += pageSize) {
    const bytes = page.get({ app, after, end: after + pageSize }) as Buffer<ArrayBuffer> | null
    if (bytes !== null) yield { after, macs: new Int32Array(bytes.buffer) }
  }
}

/** Numbers of the accounts at these places of a page; most pages have no gap. */
function idsOf(db: Database, app: number, { after, macs }: SeenPage, places: readonly number[]): number[] {
  if (macs.length / 2 === pageSize) return places.map((place) => after + 1 + place)
  const ids = db
    .statement(
      'select account_id from account_seen where application_id = @app and account_id > @after and account_id <= @end order by account_id',
    )
    .pluck()
    .all({ app, after, end: after + pageSize }) as number[]
  if (ids.length !== macs.length / 2)
    throw new BusyError('accounts came or went while this run was reading', { code: 'IQ3001', hint: 'run again' })
  return places.map((place) => ids[place] ?? 0)
}

/** Nobody without the store can make a record that passes for another one. */
function keyOf(db: Database, definition: string): Buffer {
  const secret = String(db.statement(`select value from meta where key = 'secret'`).pluck().get())
  return createHash('sha256')
    .update(JSON.stringify([secret, version, definition]))
    .digest()
}
