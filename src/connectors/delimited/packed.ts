import type { ConnectorContext, PackOptions, Reading, ReadOptions } from '../connector.ts'
import { readFiles } from '../files.ts'
import { type AccountMeaning, type PackedReading, packReading } from '../packing.ts'
import type { DelimitedSettings } from './delimited.ts'
import { plainTaker } from './plain-records.ts'
import { DelimitedReading } from './reading.ts'

export const readDelimited = (context: ConnectorContext<DelimitedSettings>, options: ReadOptions): Reading =>
  readFiles(
    context,
    options,
    (source, limit, number) => new DelimitedReading(context, source, { ...options, limit }, number),
  )

/** Accounts of the records; plain ones straight from their bytes. */
export const packDelimited = (
  context: ConnectorContext<DelimitedSettings>,
  meaning: AccountMeaning,
  options: PackOptions,
): PackedReading =>
  packReading(meaning, (packer) =>
    readDelimited(context, { ...options, seen: options.seen(), taker: plainTaker(meaning, packer) }),
  )
