import { createHash } from 'node:crypto'
import { canonicalJson, type JsonObject } from '../base/json.ts'
import type { AuditCheckpoint } from './audit-checkpoint.ts'
import type { Database } from './database.ts'

export interface AuditEvent {
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly key: string
  readonly run: string | null
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

/**
 * `altered`: the event does not fit the one before it (edited, inserted, moved). `missing`: numbers are left out. Only against
 * a checkpoint: `truncated` (the trail ends before it) and `rewritten` (another event stands in its place).
 */
export interface AuditFinding {
  readonly kind: 'altered' | 'missing' | 'truncated' | 'rewritten'
  readonly seq: number
  readonly text: string
}

export interface AuditCheck {
  readonly events: number
  /** The first hundred. */
  readonly findings: readonly AuditFinding[]
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
}

/** `body` as its row holds it: canonical JSON. */
type Row = Omit<AuditEvent, 'body'> & { readonly seq: number; readonly body: string; readonly hash: Buffer }

const genesis = Buffer.alloc(32)
const columns = 'seq, at, actor, action, object, key, run, body, hash'

/** hash(n) = SHA-256(hash(n-1) || canonical JSON of the event): an edit, a gap or a swap breaks the chain. */
export function createAudit(db: Database): Audit {
  const last = () =>
    db.statement('select seq, hash from audit order by seq desc limit 1').get() as Pick<Row, 'seq' | 'hash'> | undefined
  const storeId = () => String(db.statement(`select value from meta where key = 'id'`).pluck().get())
  return {
    append(event) {
      const previous = last()
      const row = { ...event, seq: (previous?.seq ?? 0) + 1, body: canonicalJson(event.body) }
      const { seq, at, actor, action, object, key, run, body } = row
      const hash = chain(previous?.hash ?? genesis, row)
      db.statement(`insert into audit(${columns}) values (?,?,?,?,?,?,?,?,?)`).run(
        ...[seq, at, actor, action, object, key, run, body, hash],
      )
      return seq
    },
    list(filter) {
      const where = `where at >= @since and at < @until and (@run is null or run = @run) and (@action is null or action = @action)`
      const { since = '', until = '~', run = null, action = null, limit = -1 } = filter
      const values = { since, until, run, action }
      const rows = db
        .statement(`select ${columns} from audit ${where} order by seq desc limit @limit`)
        .all({ ...values, limit }) as Row[]
      const items = rows.map(({ hash, body, ...event }) => ({
        ...event,
        body: JSON.parse(body) as JsonObject,
        digest: hash.toString('hex'),
      }))
      return { items, total: Number(db.statement(`select count(*) from audit ${where}`).pluck().get(values)) }
    },
    verify(checkpoint) {
      // before the walk: a failure beside an open iterator would leave the connection busy
      const id = storeId()
      const rows = db.statement(`select ${columns} from audit order by seq`).iterate() as IterableIterator<Row>
      return walk(rows, checkpoint, id)
    },
    head(at) {
      const end = last()
      const hash = (end?.hash ?? genesis).toString('hex')
      return { schema: 'iqtask/AuditCheckpoint/1', store: storeId(), seq: end?.seq ?? 0, hash, at }
    },
  }
}

/** The keys stand in canonical order and `body` is canonical already: any byte that is edited counts. */
function chain(previous: Buffer, row: Omit<Row, 'hash'>): Buffer {
  const text = (value: string | number | null): string => JSON.stringify(value)
  const { action, actor, at, body, key, object, run, seq } = row
  return createHash('sha256')
    .update(previous)
    .update(
      `{"action":${text(action)},"actor":${text(actor)},"at":${text(at)},"body":${body},"key":${text(key)},"object":${text(object)},"run":${text(run)},"seq":${text(seq)}}`,
    )
    .digest()
}

/** After a break it goes on from what is stored, so that each finding stands for itself. */
function walk(rows: IterableIterator<Row>, checkpoint: AuditCheckpoint | undefined, storeId: string): AuditCheck {
  const findings: AuditFinding[] = []
  const find = (kind: AuditFinding['kind'], seq: number, text: string): void => {
    if (findings.length < 100) findings.push({ kind, seq, text })
  }
  let previous: Buffer = genesis
  let seq = 0
  let events = 0
  let atCheckpoint = genesis.toString('hex')
  for (const row of rows) {
    events++
    if (row.seq !== seq + 1)
      find('missing', seq + 1, `event ${seq + 1}${row.seq > seq + 2 ? ` to ${row.seq - 1}` : ''} is missing`)
    else if (!row.hash.equals(chain(previous, row)))
      find('altered', row.seq, `event ${row.seq} is not what was written after event ${seq}`)
    previous = row.hash
    seq = row.seq
    if (seq === checkpoint?.seq) atCheckpoint = row.hash.toString('hex')
  }
  if (checkpoint !== undefined && checkpoint.store !== storeId)
    find('rewritten', 0, `the checkpoint is that of the store ${checkpoint.store}, this one is ${storeId}`)
  else if (checkpoint !== undefined && seq < checkpoint.seq)
    find('truncated', seq + 1, `the trail ends with event ${seq}; on ${checkpoint.at} it reached ${checkpoint.seq}`)
  else if (checkpoint !== undefined && atCheckpoint !== checkpoint.hash)
    find('rewritten', checkpoint.seq, `event ${checkpoint.seq} is not the one of ${checkpoint.at}`)
  return { events, findings }
}
