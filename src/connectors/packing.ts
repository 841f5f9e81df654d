import type { AccountBlock } from '../model/account-block.ts'
import { AccountPacker } from '../model/account-packer.ts'
import type { Times } from '../model/account-readers.ts'
import type { Application } from '../model/application.ts'
import { compileIdentityCreation } from '../model/identity-creation.ts'
import type { IdentityModel } from '../model/identity-model.ts'
import { compileMapping } from '../model/mapping.ts'
import type { Evidence, Reject } from '../model/result.ts'
import { stagedAccount } from '../model/staged-account.ts'
import type { Reading, RecordBatch, SourceRecord } from './connector.ts'
import { createTally } from './tally.ts'

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

/** Maps every record of a reading and packs it; `open` may give some of them to the packer as they stand. */
export function packReading(meaning: AccountMeaning, open: (packer: AccountPacker) => Reading): PackedReading {
  const packer = new AccountPacker()
  const reading = open(packer)
  return {
    async *batches() {
      const mapper = createMapper(meaning, packer)
      for await (const batch of reading.batches()) {
        // each file is told of, in the order of the numbers that places have
        if (mapper.tally.isOther(batch.file)) yield mapper.tally.give(packer.take(false))
        mapper.take(batch)
        if (packer.isFull || mapper.tally.isDue()) yield mapper.tally.give(packer.take(false))
      }
      const last = mapper.tally.give(packer.take(true))
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
  const tally = createTally()
  const settle = ({ line, values, text, mac }: SourceRecord): void => {
    const outcome = map?.(values)
    if (outcome === undefined || 'filtered' in outcome) tally.filter()
    else if ('reject' in outcome) tally.reject({ ...outcome.reject, ...tally.placeOf(line), fragment: text })
    else {
      const { account } = outcome
      packer.add(stagedAccount(account, tally.placeNumber(line), draft?.(account), mac))
    }
  }
  return {
    tally,
    take(batch: RecordBatch): void {
      const { columns } = batch
      if (columns.length !== width) map = mapping.forColumns(columns)
      width = columns.length
      tally.take(batch)
      for (const record of batch.records) settle(record)
    },
  }
}
