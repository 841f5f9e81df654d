import type { ConnectorContext, PackOptions, Reading, ReadOptions } from '../connector.ts'
import { readFiles } from '../files.ts'
import { packMerged } from '../merge/packing.ts'
import { WaitingRows } from '../merge/waiting-rows.ts'
import { type AccountMeaning, type PackedReading, packReading } from '../packing.ts'
import type { DelimitedSettings } from './delimited.ts'
import { PlainMerge } from './plain-merge.ts'
import { plainTaker } from './plain-records.ts'
import { DelimitedReading } from './reading.ts'

export const readDelimited = (context: ConnectorContext<DelimitedSettings>, options: ReadOptions): Reading =>
  readFiles(
    context,
    options,
    (source, limit, number) => new DelimitedReading(context, source, { ...options, limit }, number),
  )

/** Accounts of the records; plain ones straight from their bytes. */
export function packDelimited(
  context: ConnectorContext<DelimitedSettings>,
  meaning: AccountMeaning,
  { input, seen, waiting }: PackOptions,
): PackedReading {
  if (waiting === undefined)
    return packReading(meaning, (packer) =>
      readDelimited(context, { input, seen: seen(), taker: plainTaker(meaning, packer) }),
    )
  const rows = new WaitingRows(waiting)
  return packMerged(meaning, rows, (packer) => {
    const plain = new PlainMerge(meaning, rows, packer)
    return { reading: readDelimited(context, { input, taker: plain.taker }), plain }
  })
}
