import { canonicalJson, type JsonObject } from '../base/json.ts'
import { type AuditCheck, chain, type EventRow, genesis, type Link, textOfEvent, walk } from './audit-chain.ts'
import type { AuditCheckpoint } from './audit-checkpoint.ts'
import { type AuditPacks, createAuditPacks } from './audit-packs.ts'
import type { Database } from './database.ts'

export interface AuditEvent extends Omit<EventRow, 'seq' | 'body'> {
  readonly body: JsonObject
}

export interface AuditRecord extends AuditEvent {
  readonly seq: number
  /** Its place in the chain (hex). */
  readonly digest: string
}

export interface AuditFilter {
  /** UTC ISO text: at or after, before. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly run?: string | undefined
  readonly action?: string | undefined
  /** Undefined: all. */
  readonly limit?: number | undefined
}

export interface Audit {
  /** Appends inside the caller's write transaction; gives the event's sequence number. */
  append(event: AuditEvent): number
  /** Latest first. */
  list(filter: AuditFilter): { items: AuditRecord[]; total: number }
  /** Walks the whole chain; a tail that was cut and a trail written anew show only against a checkpoint kept elsewhere. */
  verify(checkpoint?: AuditCheckpoint): AuditCheck
  /** The end of the chain as it is now, to be kept outside the store. */
  head(at: string): AuditCheckpoint
  /** Thousands of events before that time that could be packed. */
  packsDue(before: string): number
  /** Packs the oldest thousand of them: kept, listed and verified as before, in a tenth of the room. False: none is due. */
  pack(before: string): boolean
}

type Row = EventRow & { readonly hash: Buffer }

const columns = 'seq, at, actor, action, object, key, run, body, hash'

export function createAudit(db: Database): Audit {
  const packs = createAuditPacks(db)
  const last = (): Pick<Row, 'seq' | 'hash'> | undefined =>
    (db.statement('select seq, hash from audit order by seq desc limit 1').get() as Row | undefined) ?? packs.last()
  const storeId = () => String(db.statement(`select value from meta where key = 'id'`).pluck().get())
  return {
    append(event) {
      const previous = last()
      const row = { ...event, seq: (previous?.seq ?? 0) + 1, body: canonicalJson(event.body) }
      const { seq, at, actor, action, object, key, run, body } = row
      const hash = chain(previous?.hash ?? genesis, textOfEvent(row))
      db.statement(`insert into audit(${columns}) values (?,?,?,?,?,?,?,?,?)`).run(
        ...[seq, at, actor, action, object, key, run, body, hash],
      )
      return seq
    },
    list: (filter) => list(db, packs, filter),
    verify(checkpoint) {
      // before the walk: a failure beside an open iterator would leave the connection busy
      const id = storeId()
      return walk(links(db, packs), checkpoint, id)
    },
    head(at) {
      const end = last()
      const hash = (end?.hash ?? genesis).toString('hex')
      return { schema: 'iqtask/AuditCheckpoint/1', store: storeId(), seq: end?.seq ?? 0, hash, at }
    },
    packsDue: (before) => packs.due(before),
    pack: (before) => packs.pack(before),
  }
}

function* links(db: Database, packs: AuditPacks): Generator<Link> {
  yield* packs.links()
  const rows = db.statement(`select ${columns} from audit order by seq`).iterate() as IterableIterator<Row>
  for (const row of rows) yield { first: row.seq, seq: row.seq, text: textOfEvent(row), hash: row.hash }
}

function list(db: Database, packs: AuditPacks, filter: AuditFilter): ReturnType<Audit['list']> {
  const where = `where at >= @since and at < @until and (@run is null or run = @run) and (@action is null or action = @action)`
  const { since = '', until = '~', run = null, action = null, limit = Number.POSITIVE_INFINITY } = filter
  const values = { since, until, run, action }
  const rows = db
    .statement(`select ${columns} from audit ${where} order by seq desc limit @limit`)
    .all({ ...values, limit: Number.isFinite(limit) ? limit : -1 }) as Row[]
  const items = rows.map(recordOf)
  let total = Number(db.statement(`select count(*) from audit ${where}`).pluck().get(values))
  const all = Object.keys(filter).every((key) => key === 'limit' || filter[key as keyof AuditFilter] === undefined)
  if (all && items.length >= limit) return { items, total: total + packs.count() }
  for (const row of packs.events(values)) {
    total++
    if (items.length < limit) items.push(recordOf(row))
  }
  return { items, total }
}

const recordOf = ({ seq, at, actor, action, object, key, run, body, hash }: Row): AuditRecord => ({
  ...{ seq, at, actor, action, object, key, run },
  body: JSON.parse(body) as JsonObject,
  digest: hash.toString('hex'),
})
