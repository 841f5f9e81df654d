import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ConnectorError } from '../base/errors.ts'
import type { Evidence } from '../model/result.ts'

/** What proves a file whole (domain §2); a mismatch is an error, and nothing is applied. */
export const evidenceSchema = z.union([
  z.strictObject({ sha256: z.string() }),
  z.strictObject({ rows: z.string() }),
  z.strictObject({ trailer: z.string() }),
  z.strictObject({ minRows: z.number().int().nonnegative() }),
])
export type EvidenceSettings = z.output<typeof evidenceSchema>

export interface ReadFacts {
  readonly file: string
  readonly folder: string
  readonly rows: number
  readonly digest: string
  readonly unchanged: boolean
  /** Why it is known to be only a part: cut inside a quoted field, stopped early. */
  readonly cut: string | undefined
  /** What the trailer line said. */
  readonly trailerRows: number | undefined
}

/** @throws ConnectorError IQ2005 */
export function judgeEvidence(settings: EvidenceSettings | undefined, facts: ReadFacts): Evidence {
  const { digest } = facts
  if (facts.cut !== undefined) return { level: 'partial', reason: facts.cut, digest }
  if (!facts.unchanged) return { level: 'partial', reason: 'the file changed while it was read', digest }
  if (settings === undefined) return { level: 'stable', reason: 'unchanged while read', digest }
  if ('minRows' in settings)
    return facts.rows >= settings.minRows
      ? { level: 'complete', reason: `minRows: ${facts.rows} rows, at least ${settings.minRows} expected`, digest }
      : { level: 'partial', reason: `${facts.rows} rows, at least ${settings.minRows} expected`, digest }
  if ('sha256' in settings) {
    const expected = /\b[0-9a-f]{64}\b/i.exec(textOf(facts, settings.sha256))?.[0]?.toLowerCase()
    return match('sha256', facts, expected, digest)
  }
  const expected = 'rows' in settings ? /\d+/.exec(textOf(facts, settings.rows))?.[0] : facts.trailerRows?.toString()
  return match('rows' in settings ? 'rows' : 'trailer', facts, expected, String(facts.rows))
}

function match(kind: string, facts: ReadFacts, expected: string | undefined, actual: string): Evidence {
  if (expected === undefined)
    throw new ConnectorError(`${facts.file} has no ${kind} evidence, but one is configured`, {
      code: 'IQ2005',
      hint:
        kind === 'trailer'
          ? 'the last line does not fit connection.evidence.trailer'
          : `check connection.evidence.${kind}`,
    })
  if (expected !== actual)
    throw new ConnectorError(`${facts.file} is not whole: ${kind} says ${expected}, the file has ${actual}`, {
      code: 'IQ2005',
      hint: 'fetch the file again',
    })
  return { level: 'complete', reason: kind, digest: facts.digest }
}

function textOf(facts: ReadFacts, file: string): string {
  try {
    return readFileSync(resolve(facts.folder, file), 'utf8')
  } catch (error) {
    throw new ConnectorError(`the evidence file ${file} of ${facts.file} cannot be read`, {
      code: 'IQ2005',
      hint: 'check connection.evidence',
      cause: error,
    })
  }
}
