import { z } from 'zod'
import type { RejectedRow } from '../model/rejected-row.ts'
import type { Reject } from '../model/result.ts'
import type { RawValue } from '../model/value.ts'
import {
  type ConnectorContext,
  defineConnector,
  type Reading,
  type ReadOptions,
  type RecordBatch,
  type SourceRecord,
} from './connector.ts'
import { trailerOf } from './evidence.ts'
import { extractRows, type RawRecord } from './extract.ts'
import { type FileReading, fileSettings, filesOf, readFiles } from './files.ts'
import type { TextSource } from './text-source.ts'

export const jsonlSettings = z.strictObject(fileSettings)
export type JsonlSettings = z.output<typeof jsonlSettings>

/** JSON Lines (jsonlines.org): one object a line; members of members are named `name.given`. */
export const jsonl = defineConnector({
  name: 'jsonl',
  summary: 'JSON Lines files: one object a line, also gzipped',
  connection: jsonlSettings,
  open: async (context: ConnectorContext<JsonlSettings>) => {
    const accounts = async (options: ReadOptions = {}): Promise<Reading> =>
      readFiles(context, options, (source, limit) => createReading(context, source, limit))
    return {
      async test() {
        const reading = await accounts({ limit: 100 })
        let columns: readonly string[] = []
        for await (const batch of reading.batches()) columns = batch.columns
        const files = filesOf(context)
        const told = files.length > 1 ? `${files.length} files (${files[0]}, …)` : files[0]
        return `${told}, ${columns.length} columns in the first rows`
      },
      accounts,
      extract: (request) => extractRows(context, request, records, false),
      close: async () => undefined,
    }
  },
})

async function* records(texts: AsyncIterable<string>): AsyncGenerator<RawRecord> {
  let rest = ''
  let line = 0
  for await (const text of texts) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const one of lines) yield { line: ++line, text: one }
  }
  if (rest !== '') yield { line: ++line, text: rest }
}

function createReading(
  context: ConnectorContext<JsonlSettings>,
  source: TextSource,
  limit: number | undefined,
): FileReading {
  const columns: string[] = []
  const indexes = new Map<string, number>()
  const trailer = trailerOf(context.settings.evidence)
  let line = 0
  let rows = 0
  let cut: string | undefined
  let trailerRows: number | undefined

  const toBatch = (lines: readonly string[]): RecordBatch => {
    const records: SourceRecord[] = []
    const rejects: RejectedRow[] = []
    for (const text of lines) {
      line++
      if (text.trim() === '') continue
      if (limit !== undefined && rows >= limit) {
        cut = 'stopped early'
        break
      }
      const said = trailer?.exec(text.trimEnd())?.groups?.rows
      if (said !== undefined) {
        trailerRows = Number(said)
        continue
      }
      // a trailer is the last line, or none
      trailerRows = undefined
      rows++
      const parsed = parseRecord(text, columns, indexes)
      if (!('code' in parsed)) records.push({ line, values: parsed.values, text: text.slice(0, 200) })
      else
        rejects.push({
          ...parsed,
          file: source.file,
          line,
          fragment: text.slice(0, 200).toWellFormed(),
          untrusted: true,
        })
    }
    return { file: source.file, declared: false, columns, records, rejects, position: source.position }
  }
  async function* batches(): AsyncGenerator<RecordBatch> {
    let rest = ''
    for await (const text of source.texts()) {
      if (context.signal.aborted) cut = 'stopped early'
      if (cut !== undefined) break
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (lines.length > 0) yield toBatch(lines)
    }
    if (context.signal.aborted) cut = 'stopped early'
    if (cut === undefined && rest.trim() !== '') yield toBatch([rest])
  }
  return { batches, facts: () => ({ file: source.file, rows, ...source.end(), cut, trailerRows }) }
}

type Fault = Pick<Reject, 'code' | 'reason' | 'column'>
/** A fault that is about one value leaves the others. */
type Parsed = { readonly values: RawValue[] } | (Fault & { readonly values?: RawValue[] })

function parseRecord(text: string, columns: string[], indexes: Map<string, number>): Parsed {
  let object: unknown
  try {
    object = /\d{16}/.test(text)
      ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
      : JSON.parse(text)
  } catch (error) {
    return {
      code: 'IQ2107',
      reason: `no valid JSON: ${(error as Error).message.slice(0, 120)}`,
    }
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    return { code: 'IQ2107', reason: 'the line holds no JSON object' }
  const values: RawValue[] = []
  const put = (name: string, value: RawValue): void => {
    let index = indexes.get(name)
    if (index === undefined) {
      index = columns.push(name) - 1
      indexes.set(name, index)
    }
    values[index] = value
  }
  const fault = flatten(object, '', put)
  return fault === undefined ? { values } : { ...fault, values }
}

/** Integers that a double cannot hold stay the digits that were written (JSON.parse source text access, ECMAScript 2026). */
function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
    ? context.source
    : value
}

/** Hands over every value that can be kept; gives what is wrong with the first one that cannot. */
function flatten(object: object, prefix: string, put: (name: string, value: RawValue) => void): Fault | undefined {
  let fault: Fault | undefined
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    const name = prefix + key
    if (value === null || value === '') continue
    if (Array.isArray(value)) {
      if (value.some((item) => typeof item === 'object' && item !== null)) {
        const reason = `${name} is a list of objects; a list of plain values is expected`
        fault ??= { code: 'IQ2107', reason, column: name }
        continue
      }
      const list = value.filter((item) => item !== null && item !== '').map(String)
      if (list.length > 0) put(name, list)
    } else if (typeof value === 'object') fault = flatten(value, `${name}.`, put) ?? fault
    else put(name, value as string | number | boolean)
  }
  return fault
}
