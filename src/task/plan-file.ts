import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { isoText } from '../base/clock.ts'
import { renameDurably } from '../base/durable.ts'
import { UserError } from '../base/errors.ts'
import type { TaskResultDocument } from '../model/documents.ts'
import { type PlanChange, planChangeKinds, planObjects } from '../model/plan-change.ts'
import type { RunRequest } from './run-request.ts'

const headerSchema = z.object({
  schema: z.literal('iqtask/Plan/1'),
  /** Of the result that made it. */
  id: z.string(),
  task: z.string(),
  set: z.record(z.string(), z.string()),
  /** What else the run was asked for: an apply asks for the same. */
  options: z
    .object({ only: z.string().optional(), limit: z.number().optional(), forbid: z.array(z.string()).optional() })
    .default({}),
  hash: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
  sections: z.array(z.object({ name: z.string(), hash: z.string() })),
  inputs: z.array(z.object({ application: z.string(), digest: z.string().nullable() })),
  guards: z.array(z.record(z.string(), z.json())),
  counts: z.record(z.string(), z.number()),
  changes: z.number(),
})
/** First line of a plan file; the changes follow, one a line. */
export type PlanHeader = z.output<typeof headerSchema>

const changeSchema = z.object({
  kind: z.enum(planChangeKinds),
  object: z.enum(planObjects),
  key: z.string(),
  field: z.string().nullable(),
  before: z.json(),
  after: z.json(),
})

/** Of a whole plan: over the hashes of its sections, in their order. */
export const planHash = (sections: readonly string[]): string =>
  createHash('sha256').update(sections.join('\n')).digest('hex')

/** A plan may be applied for so long. */
export const planValidMs = 24 * 3_600_000

/** Takes sections and changes as they come; `finish` puts the header before them and the whole in its place, or nothing. */
export interface PlanWriter {
  readonly count: number
  section(name: string, hash: string): void
  change(change: PlanChange): void
  finish(request: RunRequest, result: TaskResultDocument, now: Date): PlanHeader
  discard(): void
}

/** `file` undefined: only counts, and makes the header. */
export function writePlan(file: string | undefined): PlanWriter {
  const parts = file === undefined ? undefined : openParts(file)
  const sections: { name: string; hash: string }[] = []
  let count = 0
  return {
    get count() {
      return count
    },
    section: (name, hash) => void sections.push({ name, hash }),
    change(change) {
      count++
      parts?.add(JSON.stringify(change))
    },
    finish(request, result, now) {
      const header = headerOf(request, result, now, { sections, changes: count })
      parts?.join(JSON.stringify(header))
      return header
    },
    discard: () => parts?.discard(),
  }
}

function headerOf(
  { set, only, limit, forbid }: RunRequest,
  result: TaskResultDocument,
  now: Date,
  made: Pick<PlanHeader, 'sections' | 'changes'>,
): PlanHeader {
  return headerSchema.parse({
    schema: 'iqtask/Plan/1',
    id: result.id,
    task: result.task,
    set,
    options: { only, limit, forbid },
    hash: planHash(made.sections.map((section) => section.hash)),
    createdAt: isoText(now),
    expiresAt: isoText(new Date(now.getTime() + planValidMs)),
    inputs: result.sections.map(({ application, evidence }) => ({ application, digest: evidence?.digest ?? null })),
    guards: result.guards,
    counts: result.counts,
    ...made,
  })
}

interface Parts {
  add(line: string): void
  join(header: string): void
  discard(): void
}

/** The header is known last and comes first: the changes wait in a file of their own. */
function openParts(file: string): Parts {
  const body = `${file}.changes-${process.pid}`
  const whole = `${file}.tmp-${process.pid}`
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const out = openSync(body, 'w+', 0o600)
  let open = true
  let buffer: string[] = []
  const flush = (): void => {
    if (buffer.length > 0) writeSync(out, `${buffer.join('\n')}\n`)
    buffer = []
  }
  const discard = (): void => {
    if (open) closeSync(out)
    open = false
    for (const path of [body, whole]) rmSync(path, { force: true })
  }
  return {
    add(line) {
      buffer.push(line)
      if (buffer.length >= 1000) flush()
    },
    join(header) {
      flush()
      const target = openSync(whole, 'w', 0o600)
      try {
        writeSync(target, `${header}\n`)
        for (const block of blocksOf(out)) writeSync(target, block)
        fsyncSync(target)
      } finally {
        closeSync(target)
      }
      renameDurably(whole, file)
      discard()
    },
    discard,
  }
}

const blockBytes = 1 << 20

/** Each in the memory of the one before it. */
function* blocksOf(handle: number): Generator<Buffer> {
  const block = Buffer.allocUnsafe(blockBytes)
  for (let at = 0; ; ) {
    const bytes = readSync(handle, block, 0, blockBytes, at)
    if (bytes === 0) return
    at += bytes
    yield block.subarray(0, bytes)
  }
}

export interface PlanFile {
  readonly header: PlanHeader
  /** From the first to the last, each time it is asked for. */
  changes(): Generator<PlanChange>
}

/** @throws UserError IQ3011 for a file that is none of ours, cut or altered */
export function readPlan(file: string): PlanFile {
  const refuse = (why: string, cause?: unknown): UserError =>
    new UserError(`${file} ${why}`, {
      code: 'IQ3011',
      place: { file },
      hint: 'iqtask plan TASK --out FILE makes a plan',
      cause,
    })
  const parsed = <Result>(work: () => Result): Result => {
    try {
      return work()
    } catch (error) {
      const unreadable = error instanceof Error && 'code' in error && String(error.code).startsWith('E')
      throw refuse(unreadable ? 'cannot be read' : 'is no plan of iqtask', error)
    }
  }
  const header = parsed(() => {
    for (const line of linesOf(file)) return headerSchema.parse(JSON.parse(line))
    throw new Error('it is empty')
  })
  function* changes(): Generator<PlanChange> {
    const lines = linesOf(file)
    lines.next()
    let count = 0
    for (const line of lines) {
      count++
      yield parsed(() => changeSchema.parse(JSON.parse(line)))
    }
    if (count !== header.changes) throw refuse(`is cut: ${count} of ${header.changes} changes`)
  }
  // all of it is looked at before any of it is used
  for (const change of changes()) void change
  return { header, changes }
}

function* linesOf(file: string): Generator<string> {
  const handle = openSync(file, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (const block of blocksOf(handle)) {
      const bytes: Buffer = rest.length === 0 ? block : Buffer.concat([rest, block])
      const end = bytes.lastIndexOf(10)
      if (end >= 0) yield* bytes.toString('utf8', 0, end).split('\n')
      rest = Buffer.from(bytes.subarray(end + 1))
    }
    if (rest.length > 0) yield rest.toString('utf8')
  } finally {
    closeSync(handle)
  }
}
