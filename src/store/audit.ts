import { createHash } from 'node:crypto'
import { canonicalJson, type JsonObject } from '../base/json.ts'
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

export interface Audit {
  /** Appends inside the caller's write transaction; gives the event's sequence number. */
  append(event: AuditEvent): number
  /** The first sequence number whose event does not fit the chain; undefined when all do. */
  firstBreak(): number | undefined
}

const genesis = Buffer.alloc(32)

/** hash(n) = SHA-256(hash(n-1) || canonical JSON of the event): an edit, a gap or a swap breaks the chain. */
export function createAudit(db: Database): Audit {
  const last = () =>
    db.statement('select seq, hash from audit order by seq desc limit 1').get() as
      | { seq: number; hash: Buffer }
      | undefined
  return {
    append(event) {
      const previous = last()
      const seq = (previous?.seq ?? 0) + 1
      const hash = chain(previous?.hash ?? genesis, { seq, ...event })
      db.statement(
        'insert into audit(seq, at, actor, action, object, key, run, body, hash) values (?,?,?,?,?,?,?,?,?)',
      ).run(
        seq,
        event.at,
        event.actor,
        event.action,
        event.object,
        event.key,
        event.run,
        canonicalJson(event.body),
        hash,
      )
      return seq
    },
    firstBreak() {
      let previous: Buffer = genesis
      let expected = 1
      const rows = db
        .statement('select seq, at, actor, action, object, key, run, body, hash from audit order by seq')
        .iterate()
      for (const row of rows as IterableIterator<
        Omit<AuditEvent, 'body'> & { seq: number; body: string; hash: Buffer }
      >) {
        const { hash, body, ...event } = row
        if (event.seq !== expected || !hash.equals(chain(previous, { ...event, body: JSON.parse(body) })))
          return expected
        previous = hash
        expected++
      }
      return undefined
    },
  }
}

function chain(previous: Buffer, event: JsonObject): Buffer {
  return createHash('sha256').update(previous).update(canonicalJson(event)).digest()
}
