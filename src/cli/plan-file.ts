import { closeSync, createReadStream, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { UserError } from '../base/errors.ts'
import { type PlanChange, planChangeKinds, planObjects } from '../model/plan-change.ts'

const headerSchema = z.object({
  schema: z.literal('iqtask/Plan/1'),
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

/** Takes changes as they come; `finish` puts the header before them and the whole in its place, or nothing. */
export interface PlanWriter {
  readonly count: number
  change(change: PlanChange): void
  finish(header: PlanHeader): void
  discard(): void
}

export function writePlan(file: string): PlanWriter {
  const body = `${file}.changes-${process.pid}`
  const whole = `${file}.tmp-${process.pid}`
  const out = openSync(body, 'w', 0o600)
  let buffer: string[] = []
  let count = 0
  const flush = (): void => {
    if (buffer.length > 0) writeSync(out, `${buffer.join('\n')}\n`)
    buffer = []
  }
  const discard = (): void => {
    for (const path of [body, whole]) rmSync(path, { force: true })
  }
  return {
    get count() {
      return count
    },
    change(change) {
      count++
      buffer.push(JSON.stringify(change))
      if (buffer.length >= 1000) flush()
    },
    finish(header) {
      flush()
      closeSync(out)
      const target = openSync(whole, 'w', 0o600)
      writeSync(target, `${JSON.stringify(header)}\n`)
      writeSync(target, readFileSync(body))
      fsyncSync(target)
      closeSync(target)
      renameSync(whole, file)
      const folder = openSync(dirname(file), 'r')
      fsyncSync(folder)
      closeSync(folder)
      discard()
    },
    discard,
  }
}

/** @throws UserError IQ3011 for a file that is none of ours, cut or altered */
export async function readPlan(file: string): Promise<{ header: PlanHeader; changes: PlanChange[] }> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new UserError(`${file} ${why}`, {
      code: 'IQ3011',
      place: { file },
      hint: 'iqtask plan TASK --out FILE makes a plan',
      cause,
    })
  }
  const lines: string[] = []
  try {
    for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) lines.push(line)
  } catch (error) {
    return refuse('cannot be read', error)
  }
  try {
    const [first = '', ...rest] = lines
    const header = headerSchema.parse(JSON.parse(first))
    const changes = rest.map((line) => changeSchema.parse(JSON.parse(line)) as PlanChange)
    if (changes.length !== header.changes) return refuse(`is cut: ${changes.length} of ${header.changes} changes`)
    return { header, changes }
  } catch (error) {
    if (error instanceof UserError) throw error
    return refuse('is no plan of iqtask', error)
  }
}
