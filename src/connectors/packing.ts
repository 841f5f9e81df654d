import { systemClock } from '../base/clock.ts'
import type { AccountBlock } from '../model/account-block.ts'
import { AccountPacker } from '../model/account-packer.ts'
import type { Times } from '../model/account-readers.ts'
import type { Application } from '../model/application.ts'
import { compileIdentityCreation } from '../model/identity-creation.ts'
import type { IdentityModel } from '../model/identity-model.ts'
import { compileMapping } from '../model/mapping.ts'
import { placeNumber } from '../model/place.ts'
import type { Evidence, Reject } from '../model/result.ts'
import { stagedAccount } from '../model/staged-account.ts'
import type { Reading, RecordBatch, SourceRecord } from './connector.ts'

/** All that decides what a record becomes: plain data, so that it can go to another thread. */
export interface AccountMeaning {
  readonly application: Application
  /** Undefined: no identities are made. */
  readonly identity: IdentityModel | undefined
  readonly times: Times
}

/** Records that became accounts, ready for the stage. */
export interface PackedBatch extends Pick<RecordBatch, 'file' | 'declared' | 'columns' | 'position'> {
  /** Records since the last batch, whatever became of them. */
  readonly read: number
  /** Of these, what `where` left out. */
  readonly filtered: number
  readonly rejects: readonly (Reject & { readonly untrusted: boolean })[]
  readonly blocks: readonly AccountBlock[]
}

export interface PackedReading {
  /** Runs once, front to back. Ends early when the signal of `ConnectorContext` aborts. */
  batches(): AsyncIterable<PackedBatch>
  /** Gives the memory of a block back that was used, for the next ones. */
  recycle(block: AccountBlock): void
  /** After the last batch. */
  evidence(): Evidence
}

/** Records of a batch before it is handed over; a slow source is told of sooner. */
const batchSize = 2000
const batchMs = 500

/** Maps every record of a reading and packs it; `open` may give some of them to the packer as they stand. */
export function packReading(meaning: AccountMeaning, open: (packer: AccountPacker) => Reading): PackedReading {
  const packer = new AccountPacker()
  const reading = open(packer)
  return {
    async *batches() {
      const mapper = createMapper(meaning, packer)
      for await (const batch of reading.batches()) {
        // each file is told of, in the order of the numbers that places have
        if (mapper.isOther(batch.file)) yield mapper.give(false)
        mapper.take(batch)
        if (mapper.isDue()) yield mapper.give(false)
      }
      const last = mapper.give(true)
      if (last.file !== '') yield last
    },
    recycle: (block) => packer.recycle(block),
    evidence: () => reading.evidence(),
  }
}

function createMapper({ application, identity, times }: AccountMeaning, packer: AccountPacker) {
  const mapping = compileMapping(application, times)
  const draft = identity && compileIdentityCreation(identity, application, times)
  let map: ReturnType<typeof mapping.forColumns> | undefined
  let width = -1
  let last: Pick<RecordBatch, 'file' | 'declared' | 'columns' | 'position'> = { file: '', declared: false, columns: [] }
  let files = 0
  let given = Number.NEGATIVE_INFINITY
  let [read, filtered] = [0, 0]
  let rejects: PackedBatch['rejects'][number][] = []
  const settle = (file: string, { line, values, text, mac }: SourceRecord): void => {
    const outcome = map?.(values)
    if (outcome === undefined || 'filtered' in outcome) filtered++
    else if ('reject' in outcome) rejects.push({ ...outcome.reject, file, line, fragment: text })
    else {
      const { account } = outcome
      packer.add(stagedAccount(account, placeNumber(files - 1, line), draft?.(account), mac))
    }
  }
  return {
    take(batch: RecordBatch): void {
      const { file, columns } = batch
      if (last.file !== file) files++
      last = batch
      if (columns.length !== width) map = mapping.forColumns(columns)
      width = columns.length
      read += batch.records.length + batch.rejects.length + (batch.seen ?? 0) + (batch.taken ?? 0)
      rejects.push(...batch.rejects)
      for (const record of batch.records) settle(file, record)
    },
    isOther: (file: string) => last.file !== '' && last.file !== file,
    isDue: () => read >= batchSize || packer.isFull || systemClock.monotonicMs() - given > batchMs,
    give(all: boolean): PackedBatch {
      const { file, declared, columns, position } = last
      const batch = { file, declared, columns, position, read, filtered, rejects, blocks: packer.take(all) }
      read = filtered = 0
      rejects = []
      given = systemClock.monotonicMs()
      return batch
    },
  }
}
