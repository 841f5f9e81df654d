import { gunzipSync, gzipSync } from 'node:zlib'
import { StoreError } from '../base/errors.ts'
import { chain, type EventRow, genesis, type Link, textOfEvent } from './audit-chain.ts'
import type { Database } from './database.ts'

/** Old events of the audit trail, a thousand at a time in one compressed row: out of the way, and in the chain as before. */
export interface AuditPacks {
  /** The last packed event, and its hash; undefined: none is. */
  last(): { readonly seq: number; readonly hash: Buffer } | undefined
  /** How many packs could be made of the events before that time. */
  due(before: string): number
  /** Packs the oldest thousand, in a transaction of its own. False: there is none due. @throws StoreError where the chain is broken */
  pack(before: string): boolean
  links(): Generator<Link>
  /** Packed events that fit, latest first, with their hashes; what is damaged is left out. */
  events(filter: PackFilter): Generator<EventRow & { readonly hash: Buffer }>
  count(): number
}

export interface PackFilter {
  readonly since: string
  readonly until: string
  /** Null: any. */
  readonly run: string | null
  readonly action: string | null
}

const size = 1000

interface PackRow {
  readonly first: number
  readonly last: number
  readonly hash: Buffer
  readonly events: Buffer
}

export function createAuditPacks(db: Database): AuditPacks {
  // a backup of an older schema has none
  const exist = (): boolean =>
    db.statement(`select count(*) from pragma_table_list where name = 'audit_pack'`).pluck().get() === 1
  const last = () =>
    exist()
      ? (db.statement('select last seq, hash from audit_pack order by first desc limit 1').get() as
          | { seq: number; hash: Buffer }
          | undefined)
      : undefined
  /** Events that are rows still, up to the first that is not old enough; never the newest. */
  const due = (before: string): number => {
    const from = (last()?.seq ?? 0) + 1
    const end = db
      .statement('select coalesce((select min(seq) from audit where at >= ?), (select max(seq) from audit), 0)')
      .pluck()
      .get(before) as number
    return Math.max(0, Math.floor((end - from) / size))
  }
  const hashBefore = (first: number): Buffer =>
    (db
      .statement('select hash from audit_pack where last = ?')
      .pluck()
      .get(first - 1) as Buffer | undefined) ?? genesis
  return {
    last,
    due,
    pack: (before) =>
      db.write(() => {
        const packed = last()
        return isDue(db, packed?.seq ?? 0, before) && packNext(db, packed)
      }),
    *links() {
      if (!exist()) return
      for (const { first, last: end, hash, events } of allPacks(db)) {
        const texts = unpack(events)
        if (texts === undefined) yield { first, seq: end, text: undefined, hash }
        for (const [index, { seq, text }] of (texts ?? []).entries())
          yield { first: seq, seq, text, hash: index + 1 === texts?.length ? hash : undefined }
      }
    },
    *events(filter) {
      const numbers = db
        .statement('select first from audit_pack where until >= ? and since < ? order by first desc')
        .pluck()
        .all(filter.since, filter.until) as number[]
      const within = ({ at, run, action }: EventRow): boolean =>
        at >= filter.since &&
        at < filter.until &&
        [null, run].includes(filter.run) &&
        [null, action].includes(filter.action)
      for (const first of numbers) {
        const packed = db.statement('select events from audit_pack where first = ?').pluck().get(first) as Buffer
        const lines = linesOf(packed) ?? []
        // most packs have none of a run: its hashes need not be made
        const words = [filter.run, filter.action].filter((word) => word !== null).map((word) => JSON.stringify(word))
        if (!lines.some((line) => words.every((word) => line.includes(word)))) continue
        const rows = readable(() => withHashes(lines, hashBefore(first))) ?? []
        yield* rows.filter(within).reverse()
      }
    },
    count: () => Number(db.statement('select coalesce(sum(last - first + 1), 0) from audit_pack').pluck().get()),
  }
}

/** The next thousand are all old enough, and none of them is the newest. */
function isDue(db: Database, packed: number, before: string): boolean {
  const { last, newest } = db
    .statement(
      `select (select max(at) from (select at from audit where seq > @packed order by seq limit ${size})) last,
         (select seq from audit where seq > @packed order by seq limit 1 offset ${size}) newest`,
    )
    .get({ packed }) as { readonly last: string | null; readonly newest: number | null }
  return last !== null && newest !== null && last < before
}

function packNext(db: Database, before: { readonly seq: number; readonly hash: Buffer } | undefined): true {
  const rows = db
    .statement('select * from audit where seq > ? order by seq limit ?')
    .all(before?.seq ?? 0, size) as (EventRow & { readonly hash: Buffer })[]
  let [seq, hash] = [before?.seq ?? 0, before?.hash ?? genesis]
  for (const row of rows) {
    hash = chain(hash, textOfEvent(row))
    if (row.seq !== ++seq || !Buffer.isBuffer(row.hash) || !hash.equals(row.hash))
      throw new StoreError(`event ${seq} of the audit trail is not what was written`, {
        code: 'IQ6004',
        hint: 'iqtask audit verify says all',
      })
  }
  const times = rows.map(({ at }) => at).sort()
  const events = gzipSync(rows.map(textOfEvent).join('\n'), { level: 9 })
  db.statement('insert into audit_pack(first, last, since, until, hash, events) values (?, ?, ?, ?, ?, ?)').run(
    ...[rows[0]?.seq, seq, times[0], times.at(-1), hash, events],
  )
  // the trigger lets nothing go that no pack has
  db.statement('delete from audit where seq <= ?').run(seq)
  return true
}

/** One pack in memory at a time, and no open cursor between two of them. */
function* allPacks(db: Database): Generator<PackRow> {
  const next = db.statement('select first, last, hash, events from audit_pack where first > ? order by first limit 1')
  for (let after = 0; ; ) {
    const pack = next.get(after) as PackRow | undefined
    if (pack === undefined) return
    yield pack
    after = pack.first
  }
}

/** Undefined: damaged. */
const linesOf = (events: Buffer): string[] | undefined =>
  readable(() =>
    gunzipSync(events, { maxOutputLength: 1 << 30 })
      .toString()
      .split('\n'),
  )

const unpack = (events: Buffer): { readonly seq: number; readonly text: string }[] | undefined =>
  readable(() => linesOf(events)?.map((text) => ({ seq: Number((JSON.parse(text) as EventRow).seq), text })))

function readable<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function withHashes(lines: readonly string[], before: Buffer): (EventRow & { hash: Buffer })[] {
  let hash = before
  return lines.map((text) => {
    hash = chain(hash, text)
    const event = JSON.parse(text) as EventRow
    return { ...event, body: JSON.stringify(event.body), hash }
  })
}
