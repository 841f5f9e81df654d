import { z } from 'zod'
import { ConnectorError } from '../../base/errors.ts'
import { type ConnectorContext, defineConnector, type PackOptions, type ReadOptions } from '../connector.ts'
import { createDecoder } from '../decode.ts'
import { extractRows, type RawRecord } from '../extract.ts'
import { fileSettings, filesOf, isSameFile } from '../files.ts'
import type { AccountMeaning } from '../packing.ts'
import { headOf } from '../text-source.ts'
import { columnNames, detectSeparator } from './header.ts'
import { packDelimited, readDelimited } from './packed.ts'
import { createScanner, type Scanner } from './scan.ts'
import { isWorthThread, packOnThread } from './threaded.ts'

const oneCharacter = z.string().length(1, 'expected one character')

export const delimitedSettings = z
  .strictObject({
    ...fileSettings,
    separator: oneCharacter.optional(),
    quote: oneCharacter.default('"'),
    header: z.boolean().default(true),
    columns: z
      .array(z.string().min(1))
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'each column is named once')
      .optional(),
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
    accounts: async (options: ReadOptions = {}) => readDelimited(context, options),
    packed: async (meaning: AccountMeaning, options: PackOptions) =>
      isWorthThread(context, options)
        ? packOnThread(context, meaning, options)
        : packDelimited(context, meaning, options),
    extract: (request) =>
      extractRows(context, request, (texts) => records(context.settings, texts), context.settings.header),
    isSame: (last) => isSameFile(context, last),
    close: async () => undefined,
  }),
})

/** Every record with its text, the header among them. */
async function* records(
  { separator, quote }: DelimitedSettings,
  texts: AsyncIterable<string>,
): AsyncGenerator<RawRecord> {
  let scanner: Scanner | undefined
  let head = ''
  for await (const text of texts) {
    head += text
    if (scanner === undefined && !/[\r\n]/.test(head)) continue
    scanner ??= createScanner(separator ?? detectSeparator(head.split(/[\r\n]/, 1)[0] ?? '', quote), quote)
    yield* scanner.push(head)
    head = ''
  }
  if (scanner !== undefined) yield* scanner.end()
}

async function describe(context: ConnectorContext<DelimitedSettings>): Promise<string> {
  const { settings } = context
  const files = filesOf(context)
  const file = files[0] ?? settings.file
  const head = await headOf(file, 64 * 1024)
  if (head.length === 0)
    throw new ConnectorError(`${file} is empty`, { code: 'IQ2002', hint: 'not even a header is there' })
  if (head[0] === 0x1f && head[1] === 0x8b) return `${told(files)}, gzip`
  const decoder = createDecoder(head, settings.encoding)
  const text = decoder.decode(head.subarray(decoder.bom), false)
  const separator = settings.separator ?? detectSeparator(text.split(/\r?\n/, 1)[0] ?? '', settings.quote)
  const first = createScanner(separator, settings.quote).push(`${text}\n`)[0]
  const columns = settings.columns ?? columnNames(first?.values ?? [], file)
  return `${told(files)}, ${decoder.encoding.toUpperCase()}, separator ${JSON.stringify(separator)}, ${columns.length} columns`
}

const told = (files: readonly string[]): string =>
  files.length > 1 ? `${files.length} files (${files[0]}, …)` : String(files[0])
