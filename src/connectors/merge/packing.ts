import { setImmediate as nextTurn } from 'node:timers/promises'
import { AccountPacker } from '../../model/account-packer.ts'
import { compileIdentityCreation } from '../../model/identity-creation.ts'
import { compileMapping, type MapOutcome, type MappingReject } from '../../model/mapping.ts'
import { type AccountRow, compileMerge, disagreement } from '../../model/merge-rows.ts'
import { placeNumber, placeOf } from '../../model/place.ts'
import type { Evidence } from '../../model/result.ts'
import { stagedAccount } from '../../model/staged-account.ts'
import type { RawValue } from '../../model/value.ts'
import type { Reading, RecordBatch } from '../connector.ts'
import type { AccountMeaning, PackedReading } from '../packing.ts'
import { createTally, type Tally } from '../tally.ts'
import { type GroupBytes, groupStart, headEndOf, headless, keyEndOf, ownHead, rowsOf } from './group-bytes.ts'
import type { Group, WaitingRows } from './waiting-rows.ts'

/** What a connector makes of rows that it takes as bytes. */
export interface PlainRows {
  /** Packs the account of these rows; false: the mapping has to. */
  pack(group: Group): boolean
  /** The cells of a row (its key, its head, its tail) in the order of the columns. */
  valuesOf(row: Buffer): readonly RawValue[]
}

interface MergeSource {
  readonly reading: Reading
  readonly plain: PlainRows
}

/**
 * Accounts of several records each (`merge`): all of them wait until the source is read to its end, then come in the order of their native
 * identities.
 */
export function packMerged(
  meaning: AccountMeaning,
  rows: WaitingRows,
  open: (packer: AccountPacker) => MergeSource,
): PackedReading {
  const packer = new AccountPacker()
  const { reading, plain } = open(packer)
  let evidence: Evidence = { level: 'partial', reason: 'not read to its end' }
  return {
    async *batches() {
      try {
        const tally = createTally()
        const keys = createKeys(meaning, rows, tally)
        for await (const batch of reading.batches()) {
          // each file is told of, in the order of the numbers that places have
          if (tally.isOther(batch.file)) yield tally.give([])
          keys.take(batch)
          if (tally.isDue()) yield tally.give([])
        }
        evidence = reading.evidence()
        // a part of what an account has is none of it
        const groups = evidence.level === 'partial' ? [] : rows.groups()
        const join = createJoin(meaning, plain, packer, tally)
        for (const group of groups) {
          if (!plain.pack(group)) join(group)
          if (!packer.isFull && !tally.isDue()) continue
          yield tally.give(packer.take(false))
          await nextTurn()
        }
        const last = tally.give(packer.take(true))
        if (last.file !== '') yield last
      } finally {
        rows.close()
      }
    },
    recycle: (block) => packer.recycle(block),
    evidence: () => evidence,
  }
}

/** Sends records that are not taken as bytes to those of their key. */
function createKeys({ application, times }: AccountMeaning, rows: WaitingRows, tally: Tally) {
  const mapping = compileMapping(application, times)
  let joining: ReturnType<typeof mapping.joining> | undefined
  let width = -1
  return {
    take(batch: RecordBatch): void {
      if (batch.columns.length !== width) joining = mapping.joining(batch.columns)
      width = batch.columns.length
      tally.take(batch)
      for (const { line, values, text } of batch.records) {
        const key = joining?.key(values)
        if (key === undefined || 'filtered' in key) tally.filter()
        else if ('reject' in key) tally.reject({ ...key.reject, ...tally.placeOf(line), fragment: text })
        else rows.addHeadless(Buffer.from(key.native), JSON.stringify(values), tally.placeNumber(line))
      }
    },
  }
}

/** Maps the account of all rows of a key. */
function createJoin(
  { application, identity, times }: AccountMeaning,
  plain: PlainRows,
  packer: AccountPacker,
  tally: Tally,
): (group: Group) => void {
  const { files, columns } = tally
  const merge = compileMerge(application, columns)
  const { account } = compileMapping(application, times).joining(columns)
  const draft = identity && compileIdentityCreation(identity, application, times)
  return (group) => {
    const rows = group.flatMap((part): AccountRow[] =>
      [...rowsOf(part)].map(({ file, line, tail }) => ({
        place: placeNumber(file, line),
        values: tail[0] === headless ? valuesOf(tail) : plain.valuesOf(rowOf(part, tail)),
      })),
    )
    const merged = merge(rows)
    const [first] = group
    const native = first.bytes.toString('utf8', first.at + groupStart, keyEndOf(first))
    const outcome: MapOutcome =
      'values' in merged ? account(merged.values, []) : { reject: disagreement(native, merged, files) }
    if ('reject' in outcome) for (const { place } of rows) tally.reject(rejectAt(outcome.reject, files, place))
    else if ('account' in outcome) {
      const { account: mapped } = outcome
      packer.add(stagedAccount(mapped, rows[0]?.place ?? 0, draft?.(mapped), undefined))
    }
  }
}

const rejectAt = (reject: MappingReject, files: readonly string[], place: number) => ({
  ...reject,
  ...placeOf(files, place),
  fragment: undefined,
})

function rowOf(group: GroupBytes, tail: Buffer): Buffer {
  const { bytes, at } = group
  return tail[0] === ownHead
    ? Buffer.concat([bytes.subarray(at + groupStart, keyEndOf(group)), tail.subarray(1)])
    : Buffer.concat([bytes.subarray(at + groupStart, headEndOf(group)), tail])
}

/** JSON has no word for what is not there. */
const valuesOf = (tail: Buffer): RawValue[] =>
  (JSON.parse(tail.toString('utf8', 1)) as (RawValue | null)[]).map((value) => value ?? undefined)
