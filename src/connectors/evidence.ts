import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { ConnectorError } from '../base/errors.ts'
import { counted } from '../base/plural.ts'
import type { Evidence } from '../model/result.ts'

/** What proves a source whole (domain §2); a mismatch is an error, and nothing is applied. */
export const evidenceSchema = z.union([
  z.strictObject({ sha256: z.string() }),
  z.strictObject({ rows: z.string() }),
  z.strictObject({ trailer: z.string() }),
  z.strictObject({ minRows: z.number().int().nonnegative() }),
])
export type EvidenceSettings = z.output<typeof evidenceSchema>

/** What reading one file to its end told. */
export interface FileFacts {
  readonly file: string
  readonly rows: number
  readonly digest: string
  readonly beginning: string | undefined
  readonly unchanged: boolean
  /** Why it is known to be only a part: cut inside a quoted field, stopped early. */
  readonly cut: string | undefined
  /** What the trailer line said. */
  readonly trailerRows: number | undefined
}

/** The trailer's pattern, compiled. @throws ConnectorError IQ2005 */
export function trailerOf(settings: EvidenceSettings | undefined): RegExp | undefined {
  if (settings === undefined || !('trailer' in settings)) return undefined
  try {
    return new RegExp(settings.trailer, 'u')
  } catch (error) {
    throw new ConnectorError(`evidence.trailer is no regular expression: ${(error as Error).message}`, {
      code: 'IQ2005',
      hint: 'for example "^END;(?<rows>[0-9]+)$"',
      cause: error,
    })
  }
}

/** How sure it is that the files are whole: hash and trailer of each, rows of all. @throws ConnectorError IQ2005 */
export function judgeEvidence(
  settings: EvidenceSettings | undefined,
  folder: string,
  files: readonly FileFacts[],
): Evidence {
  const digest = digestOf(files)
  const broken = files.find((file) => file.cut !== undefined || !file.unchanged)
  if (broken !== undefined) {
    const reason = broken.cut ?? 'the file changed while it was read'
    return { level: 'partial', reason: files.length === 1 ? reason : `${broken.file}: ${reason}`, digest }
  }
  if (settings === undefined) return { level: 'stable', reason: 'unchanged while read', digest }
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  if ('minRows' in settings)
    return rows >= settings.minRows
      ? { level: 'complete', reason: `minRows: ${counted(rows, 'row')}, at least ${settings.minRows} expected`, digest }
      : { level: 'partial', reason: `${counted(rows, 'row')}, at least ${settings.minRows} expected`, digest }
  if ('rows' in settings) {
    const [first] = files
    const named = files.length > 1 ? `${files.length} files (${first?.file}, …)` : String(first?.file)
    const expected = /\d+/.exec(textOf(folder, settings.rows, named))?.[0]
    match('rows', named, expected, String(rows))
    return { level: 'complete', reason: 'rows', digest }
  }
  for (const file of files)
    if ('sha256' in settings)
      match('sha256', file.file, expectedHash(textOf(folder, settings.sha256, file.file), file.file), file.digest)
    else match('trailer', file.file, file.trailerRows?.toString(), String(file.rows))
  return { level: 'complete', reason: 'sha256' in settings ? 'sha256' : 'trailer', digest }
}

/** Of one file its own digest, of several the digest of theirs in the order they were read. */
function digestOf(files: readonly FileFacts[]): string {
  const [first] = files
  if (files.length === 1 && first !== undefined) return first.digest
  return createHash('sha256')
    .update(files.map((file) => file.digest).join(' '))
    .digest('hex')
}

/** `sha256sum` writes one line a file, with its name; a hash alone stands for any file. */
function expectedHash(text: string, file: string): string | undefined {
  const entries = [...text.matchAll(/\b([0-9a-f]{64})\b[ \t]*\*?([^\r\n]*)/gi)].map((entry) => ({
    hash: entry[1]?.toLowerCase(),
    name: basename(entry[2]?.trim() ?? ''),
  }))
  const named = entries.find((entry) => entry.name === basename(file))
  return named?.hash ?? (entries.length === 1 ? entries[0]?.hash : undefined)
}

function match(kind: string, file: string, expected: string | undefined, actual: string): void {
  if (expected === undefined)
    throw new ConnectorError(`${file} has no ${kind} evidence, but one is configured`, {
      code: 'IQ2005',
      hint: kind === 'trailer' ? 'the last line does not fit evidence.trailer' : `check evidence.${kind}`,
    })
  if (expected !== actual)
    throw new ConnectorError(`${file} is not whole: ${kind} says ${expected}, the file has ${actual}`, {
      code: 'IQ2005',
      hint: 'fetch the file again',
    })
}

function textOf(folder: string, evidence: string, file: string): string {
  try {
    return readFileSync(resolve(folder, evidence), 'utf8')
  } catch (error) {
    throw new ConnectorError(`the evidence file ${evidence} of ${file} cannot be read`, {
      code: 'IQ2005',
      hint: 'check the evidence setting',
      cause: error,
    })
  }
}
