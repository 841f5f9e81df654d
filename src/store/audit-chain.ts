import { createHash } from 'node:crypto'
import type { AuditCheckpoint } from './audit-checkpoint.ts'

/** `body` as its row holds it: canonical JSON. */
export interface EventRow {
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly key: string
  readonly run: string | null
  readonly body: string
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

/** One event as the walk sees it, or a whole pack that cannot be read any more (`first` to `seq`, without a text). */
export interface Link {
  readonly first: number
  readonly seq: number
  readonly text: string | undefined
  /** As it is kept: with every event that is a row, and with the last one of a pack. */
  readonly hash: Buffer | undefined
}

export const genesis = Buffer.alloc(32)

/** The keys stand in canonical order and `body` is canonical already: any byte that is edited counts. */
export function textOfEvent({ action, actor, at, body, key, object, run, seq }: EventRow): string {
  const text = (value: string | number | null): string => JSON.stringify(value)
  return `{"action":${text(action)},"actor":${text(actor)},"at":${text(at)},"body":${body},"key":${text(key)},"object":${text(object)},"run":${text(run)},"seq":${text(seq)}}`
}

/** hash(n) = SHA-256(hash(n-1) || canonical JSON of the event): an edit, a gap or a swap breaks the chain. */
export const chain = (previous: Buffer, text: string): Buffer =>
  createHash('sha256').update(previous).update(text).digest()

/** After a break it goes on from what is stored, so that each finding stands for itself. */
export function walk(links: Iterable<Link>, checkpoint: AuditCheckpoint | undefined, storeId: string): AuditCheck {
  const findings: AuditFinding[] = []
  const find = (kind: AuditFinding['kind'], seq: number, text: string): void => {
    if (findings.length < 100) findings.push({ kind, seq, text })
  }
  let previous: Buffer = genesis
  let [seq, events] = [0, 0]
  let atCheckpoint = genesis.toString('hex')
  for (const link of links) {
    const made = link.text === undefined ? undefined : chain(previous, link.text)
    // a flipped bit can make the column's type another one
    const kept = link.hash === undefined || Buffer.isBuffer(link.hash) ? link.hash : Buffer.alloc(0)
    events += link.seq - link.first + 1
    if (link.first !== seq + 1)
      find('missing', seq + 1, `event ${seq + 1}${link.first > seq + 2 ? ` to ${link.first - 1}` : ''} is missing`)
    else if (made === undefined)
      find('altered', link.first, `the pack of events ${link.first} to ${link.seq} is damaged`)
    else if (kept?.equals(made) === false)
      find('altered', link.seq, `event ${link.seq} is not what was written after event ${seq}`)
    previous = kept ?? made ?? previous
    seq = link.seq
    if (seq === checkpoint?.seq) atCheckpoint = previous.toString('hex')
  }
  if (checkpoint !== undefined && checkpoint.store !== storeId)
    find('rewritten', 0, `the checkpoint is that of the store ${checkpoint.store}, this one is ${storeId}`)
  else if (checkpoint !== undefined && seq < checkpoint.seq)
    find('truncated', seq + 1, `the trail ends with event ${seq}; on ${checkpoint.at} it reached ${checkpoint.seq}`)
  else if (checkpoint !== undefined && atCheckpoint !== checkpoint.hash)
    find('rewritten', checkpoint.seq, `event ${checkpoint.seq} is not the one of ${checkpoint.at}`)
  return { events, findings }
}
