import { hash } from 'node:crypto'
import { type AccountBlock, endOfText, putDigest, rowEnd, rowInts, rowStart } from './account-block.ts'

const grantsEnd = endOfText('grants')

/** Puts the content hash of each row in its place, where nobody has yet: the thread that reads while it waits, otherwise the one that stages. */
export function hashRows(block: AccountBlock): void {
  if (block.hashed) return
  const { bytes, rows, rowCount } = block
  for (let row = 0; row < rowCount * rowInts; row += rowInts) {
    const hashed = bytes.subarray(rows[row + grantsEnd], rows[row + rowEnd])
    putDigest(hash('sha256', hashed, 'binary'), 16, bytes, rows[row + rowStart] ?? 0)
  }
  block.hashed = true
}
