import { resolve } from 'node:path'
import { z } from 'zod'
import { ConnectorError } from '../../base/errors.ts'
import { type ConnectorContext, defineConnector, type Reading, type ReadOptions } from '../connector.ts'
import { createDecoder, encodings } from '../decode.ts'
import { evidenceSchema } from '../evidence.ts'
import { headOf, openTextSource } from '../text-source.ts'
import { columnNames, detectSeparator } from './header.ts'
import { DelimitedReading } from './reading.ts'
import { createScanner } from './scan.ts'

const oneCharacter = z.string().length(1, 'expected one character')

export const delimitedSettings = z
  .strictObject({
    file: z.string().min(1),
    encoding: z.enum(encodings).optional(),
    separator: oneCharacter.optional(),
    quote: oneCharacter.default('"'),
    header: z.boolean().default(true),
    columns: z.array(z.string().min(1)).min(1).optional(),
    evidence: evidenceSchema.optional(),
  })
  .refine((settings) => settings.header || settings.columns !== undefined, {
    message: 'header: false needs columns: [names]',
  })
export type DelimitedSettings = z.output<typeof delimitedSettings>

/** Delimited text files (CSV, RFC 4180, and its relatives). */
export const delimited = defineConnector({
  name: 'delimited',
  summary: 'delimited text files: CSV, semicolons, tabs, also gzipped',
  connection: delimitedSettings,
  open: async (context: ConnectorContext<DelimitedSettings>) => ({
    test: () => describe(context),
    accounts: async (options: ReadOptions = {}): Promise<Reading> => {
      const stdin = options.input === '-' ? context.stdin : undefined
      const file = options.input === undefined ? pathOf(context) : resolve(options.input)
      const source = openTextSource({
        file: stdin === undefined ? file : 'standard input',
        encoding: context.settings.encoding,
        stdin,
        signal: context.signal,
      })
      return new DelimitedReading(context, source, options.limit)
    },
    close: async () => undefined,
  }),
})

const pathOf = (context: ConnectorContext<DelimitedSettings>): string => resolve(context.folder, context.settings.file)

async function describe(context: ConnectorContext<DelimitedSettings>): Promise<string> {
  const { settings } = context
  const file = pathOf(context)
  const head = await headOf(file, 64 * 1024)
  if (head.length === 0)
    throw new ConnectorError(`${file} is empty`, { code: 'IQ2002', hint: 'not even a header is there' })
  if (head[0] === 0x1f && head[1] === 0x8b) return `${file}, gzip`
  const decoder = createDecoder(head, settings.encoding)
  const text = decoder.decode(head.subarray(decoder.bom), false)
  const separator = settings.separator ?? detectSeparator(text.split(/\r?\n/, 1)[0] ?? '', settings.quote)
  const first = createScanner(separator, settings.quote).push(`${text}\n`)[0]
  const columns = settings.columns ?? columnNames(first?.values ?? [], file)
  return `${file}, ${decoder.encoding.toUpperCase()}, separator ${JSON.stringify(separator)}, ${columns.length} columns`
}
