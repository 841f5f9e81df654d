import { existsSync, globSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ConnectorError } from '../base/errors.ts'
import type { Evidence } from '../model/result.ts'
import type { RawValue } from '../model/value.ts'
import type { ConnectorContext, Reading, ReadOptions, RecordBatch } from './connector.ts'
import { encodings } from './decode.ts'
import { type EvidenceSettings, evidenceSchema, type FileFacts, judgeEvidence } from './evidence.ts'
import { beginningOfFile, openTextSource, type TextSource } from './text-source.ts'

/** Settings of every connector that reads files. */
export const fileSettings = {
  /** A path, or a pattern (`in/*.csv`) for several files that are read as one source, in the order of their names. */
  file: z.string().min(1),
  encoding: z.enum(encodings).optional(),
  evidence: evidenceSchema.optional(),
  /** The column that says when a record changed, for delta aggregation. */
  cursor: z.string().min(1).optional(),
}
interface FileSettings {
  readonly file: string
  readonly encoding?: (typeof encodings)[number] | undefined
  readonly evidence?: EvidenceSettings | undefined
}

/** One file of a source, read once, front to back. */
export interface FileReading {
  batches(): AsyncIterable<RecordBatch>
  /** After the last batch. */
  facts(): FileFacts
}

/** Paths that `file` stands for. @throws ConnectorError IQ2001 when a pattern fits none */
export function filesOf({ folder, settings }: { folder: string; settings: FileSettings }): readonly string[] {
  const path = resolve(folder, settings.file)
  if (!/[*?[{]/.test(settings.file) || existsSync(path)) return [path]
  const files = globSync(settings.file, { cwd: folder })
    .map((name) => resolve(folder, name))
    .filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile() === true)
    .sort()
  if (files.length > 0) return files
  throw new ConnectorError(`no file fits ${path}`, {
    code: 'IQ2001',
    hint: 'connection.file is relative to the application’s file',
  })
}

/** Reads a file, or the files of a pattern one after the other as one source. */
export function readFiles(
  context: ConnectorContext<FileSettings>,
  options: ReadOptions,
  open: (source: TextSource, limit: number | undefined, number: number) => FileReading,
): Reading {
  const { settings, folder, signal } = context
  const stdin = options.input === '-' ? context.stdin : undefined
  const files =
    stdin !== undefined ? ['standard input'] : options.input === undefined ? filesOf(context) : [resolve(options.input)]
  const sources = files.map((file) => openTextSource({ file, encoding: settings.encoding, stdin, signal }))
  const facts: FileFacts[] = []
  const columns = createColumns()
  let rows = 0
  return {
    async *batches() {
      for (const [number, source] of sources.entries()) {
        const limit = options.limit === undefined ? undefined : options.limit - rows
        const reading = open(source, limit, number)
        for await (const batch of reading.batches()) {
          rows += batch.records.length + batch.rejects.length
          yield columns.unite(batch)
        }
        facts.push(reading.facts())
        if (signal.aborted || facts.at(-1)?.cut !== undefined) break
      }
    },
    evidence() {
      if (facts.length < sources.length) return { level: 'partial', reason: facts.at(-1)?.cut ?? 'not read to its end' }
      if (options.input === undefined && filesOf(context).join('\n') !== files.join('\n'))
        return { level: 'partial', reason: 'files came or went while they were read' }
      // what proves the source whole says nothing of a file that stands in for it
      const judged = judgeEvidence(options.input === undefined ? settings.evidence : undefined, folder, facts)
      const [first, other] = facts
      return other === undefined ? { ...judged, beginning: first?.beginning } : judged
    },
  }
}

/** A source of one file, all of whose proof of being whole is in itself. Most that differ need not be read to their end for that. */
export async function isSameFile(
  context: ConnectorContext<FileSettings>,
  { digest, beginning }: Evidence,
): Promise<boolean> {
  const { evidence } = context.settings
  if (evidence !== undefined && ('sha256' in evidence || 'rows' in evidence)) return false
  const [file, other] = filesOf(context)
  if (file === undefined || other !== undefined) return false
  if (beginning !== undefined && beginning !== (await beginningOfFile(file))) return false
  const source = openTextSource({ file, signal: context.signal })
  for await (const _ of source.pieces()) if (context.signal.aborted) return false
  const end = source.end()
  return end.unchanged && end.digest === digest
}

/** Columns of several files by name: headers must name the same columns, in any order; undeclared columns grow. */
function createColumns(): { unite(batch: RecordBatch): RecordBatch } {
  let first: RecordBatch | undefined
  let columns: string[] = []
  let file = ''
  let indexes: number[] | undefined
  return {
    unite(batch) {
      if (first === undefined) {
        first = batch
        columns = batch.columns as string[]
      }
      if (batch.file === first.file) return batch
      if (batch.declared) refuseOtherColumns(first, batch)
      else for (const name of batch.columns) if (!columns.includes(name)) columns.push(name)
      if (file !== batch.file || !batch.declared) indexes = batch.columns.map((name) => columns.indexOf(name))
      file = batch.file
      const records = batch.records.map((record) => {
        const values: RawValue[] = []
        indexes?.forEach((to, from) => {
          values[to] = record.values[from]
        })
        return { ...record, values }
      })
      return { ...batch, columns, records }
    },
  }
}

function refuseOtherColumns(first: RecordBatch, other: RecordBatch): void {
  const lacking = first.columns.filter((name) => !other.columns.includes(name))
  const more = other.columns.filter((name) => !first.columns.includes(name))
  if (lacking.length === 0 && more.length === 0) return
  const parts = [
    ...(lacking.length > 0 ? [`lacks ${lacking.join(', ')}`] : []),
    ...(more.length > 0 ? [`has ${more.join(', ')} besides`] : []),
  ]
  throw new ConnectorError(`${other.file} has other columns than ${first.file}: it ${parts.join(' and ')}`, {
    code: 'IQ2006',
    hint: 'files of one source have the same columns, in any order; make two applications of two kinds of file',
    place: { file: other.file, line: 1 },
  })
}
