import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeDurably } from '../base/durable.ts'
import { UserError } from '../base/errors.ts'

const schema = z.object({
  schema: z.literal('iqtask/AuditCheckpoint/1'),
  /** The store's id. */
  store: z.string(),
  /** The last event and its hash (hex), and when the checkpoint was taken (UTC ISO text). */
  seq: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.string(),
})

/** The end of the audit trail at one time. It proves something only where whoever can write the store cannot write it. */
export type AuditCheckpoint = Readonly<z.infer<typeof schema>>

export const writeCheckpoint = (file: string, checkpoint: AuditCheckpoint): void =>
  writeDurably(file, `${JSON.stringify(checkpoint)}\n`)

/** @throws UserError IQ1101 when the file cannot be read, IQ1102 when it is no checkpoint */
export function readCheckpoint(file: string): AuditCheckpoint {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UserError(`the checkpoint ${file} cannot be read`, { code: 'IQ1101', place: { file }, cause })
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const hint = 'give a file that `iqtask audit checkpoint` wrote'
    throw new UserError(`${file} is no checkpoint of an audit trail`, { code: 'IQ1102', place: { file }, hint, cause })
  }
}
