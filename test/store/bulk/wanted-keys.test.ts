import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AccountPacker } from '../../../src/model/account-packer.ts'
import type { StagedAccount } from '../../../src/model/staged-account.ts'
import { WantedKeys } from '../../../src/store/bulk/wanted-keys.ts'
import { bareAccount } from '../../helpers/bare-account.ts'

const key = fc.option(fc.oneof(fc.constantFrom('a', 'b', '"', '\\"', 'é'), fc.string()), { nil: null })

const account = (keys: readonly (string | null)[], line: number): StagedAccount =>
  bareAccount(`n${line}`, line, { keys: JSON.stringify(keys), times: line % 2 === 0 ? '{"start":1}' : null })

it('wants the same keys of rows that are staged and of rows that are read from the stage', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, key), { minLength: 1 }), fc.array(fc.string()), (rows, others) => {
      const packer = new AccountPacker()
      const staged = new WantedKeys(0, rows.length)
      for (const [at, keys] of rows.entries()) packer.add(account(keys, at))
      for (const block of packer.take(true)) staged.addBlock(block)
      const read = new WantedKeys(0, rows.length)
      const lines = rows.map((keys, at) => `${at + 1}+${JSON.stringify(keys)}`).join('\n')
      read.add(0, Buffer.from(new TextEncoder().encode(lines).slice().buffer), 0)
      const offered = [...others, ...rows.flat().filter((one) => one !== null)]
      const decide = (wanted: WantedKeys) => {
        for (const [at, one] of offered.entries()) {
          const text = Buffer.from(JSON.stringify(one))
          wanted.offer(at + 1, at % 3 === 0, text, 0, text.length)
        }
        return { ...wanted.settle(wanted.slices[0] as (typeof wanted.slices)[0], true), shared: wanted.takeShared() }
      }
      const decided = decide(staged)
      expect(decided).toEqual(decide(read))
      const owners = rows.map(([first]) => offered.flatMap((one, at) => (one === first ? [at + 1] : [])))
      const one = owners.map((ids) => (ids.length === 1 && (ids[0] ?? 0) % 3 !== 1 ? ids[0] : null))
      expect(decided.linked).toEqual(one.slice(0, one.findLastIndex((id) => id !== null) + 1))
    }),
  )
})
