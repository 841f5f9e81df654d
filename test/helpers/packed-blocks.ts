import type { PackedReading } from '../../src/connectors/packing.ts'
import {
  type AccountBlock,
  digestBytes,
  endOfText,
  gapBefore,
  hasMac,
  hasText,
  packedTexts,
  rowAttrs,
  rowEnd,
  rowHas,
  rowInts,
  rowStart,
} from '../../src/model/account-block.ts'

/** Everything that a block says, as values. */
function told({ bytes, rows, rowCount, hashed: _, ...rest }: AccountBlock): unknown {
  const accounts = Array.from({ length: rowCount }, (_, index) => {
    const row = [...rows.subarray(index * rowInts, (index + 1) * rowInts)]
    const [start = 0, has = 0] = [row[rowStart], row[rowHas]]
    let from = start + digestBytes
    const texts = packedTexts.flatMap((name) => {
      const to = row[endOfText(name)] ?? 0
      const begin = name === 'attrs' ? (row[rowAttrs] ?? 0) : from + (gapBefore[name] ?? 0)
      from = to
      return (has & hasText(name)) === 0 ? [] : [[name, bytes.toString('utf8', begin, to)]]
    })
    return {
      numbers: row.slice(0, rowStart),
      texts,
      mac: (has & hasMac) === 0 ? undefined : bytes.toString('hex', start + 16, start + 24),
      sealed: bytes.toString('utf8', row[endOfText('keys')], row[endOfText('isources')]),
      hashed: bytes.toString('utf8', row[endOfText('grants')], row[rowEnd]),
    }
  })
  return { accounts, ...rest }
}

/** All that a reading gives, as values. */
export async function outcomeOf(reading: PackedReading) {
  const blocks: unknown[] = []
  const rejects: { readonly line?: number | undefined }[] = []
  let [read, filtered] = [0, 0]
  for await (const batch of reading.batches()) {
    blocks.push(...batch.blocks.map(told))
    rejects.push(...batch.rejects)
    for (const block of batch.blocks) reading.recycle(block)
    read += batch.read
    filtered += batch.filtered
  }
  // a batch tells faults of the record before those of its values
  rejects.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { blocks, rejects, read, filtered, evidence: reading.evidence() }
}
