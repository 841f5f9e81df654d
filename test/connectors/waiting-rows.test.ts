import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/base/errors.ts'
import { errorOf, failureOf } from '../../src/connectors/delimited/thread-messages.ts'
import { ByteTable } from '../../src/connectors/merge/byte-table.ts'
import { groupStart, headEndOf, keyEndOf, rowsOf } from '../../src/connectors/merge/group-bytes.ts'
import { keyOrder } from '../../src/connectors/merge/key-order.ts'
import { WaitingRows } from '../../src/connectors/merge/waiting-rows.ts'
import { placeNumber } from '../../src/model/place.ts'
import { project } from '../helpers/project.ts'

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
/** Many that begin alike, some that others begin with. */
const key = fc
  .tuple(fc.constantFrom('', 'a', 'uid=', 'ou=people,dc=example,'), fc.string({ unit: 'grapheme' }))
  .map(([a, b]) => `${a}${b}.`.replaceAll('\0', '.'))

it('keys come in the order of their bytes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 200, size: 'max' }), (keys) => {
      const table = new ByteTable()
      for (const bytes of keys.map((text) => Buffer.from(text))) table.numberOf(bytes, 0, bytes.length)
      expect([...keyOrder(table)].map((number) => keys[number])).toEqual(keys.toSorted(byBytes))
    }),
  )
})

describe('rows that wait', () => {
  interface Row {
    readonly key: string
    readonly tail: string
    readonly file: number
    readonly line: number
  }
  const headOf = (name: string): string => `head of ${name.length}`

  function waitingFor(rows: readonly Row[], path: string, memory: number): WaitingRows {
    const waiting = new WaitingRows(path, memory)
    for (const { key: name, tail, file, line } of rows) {
      const { bytes, at } = waiting
      const keyEnd = at + bytes.write(name, at)
      const headEnd = keyEnd + bytes.write(headOf(name), keyEnd)
      waiting.add(keyEnd, headEnd, headEnd + bytes.write(tail, headEnd), placeNumber(file, line))
    }
    return waiting
  }

  function groupsOf(waiting: WaitingRows): [string, Omit<Row, 'key'>[]][] {
    const groups: [string, Omit<Row, 'key'>[]][] = []
    for (const group of waiting.groups()) {
      const [{ bytes, at }] = group
      const name = bytes.toString('utf8', at + groupStart, keyEndOf(group[0]))
      for (const part of group) expect(part.bytes.toString('utf8', keyEndOf(part), headEndOf(part))).toBe(headOf(name))
      const rows = group.flatMap((part) => [...rowsOf(part)].map((row) => ({ ...row, tail: String(row.tail) })))
      groups.push([name, rows])
    }
    waiting.close()
    return groups
  }

  it('come by key, in the order of the source, whatever memory holds', () => {
    const step = fc.record({ key, tail: fc.string(), other: fc.boolean(), gap: fc.constantFrom(1, 1, 1, 2, 70_000) })
    const memory = fc.constantFrom(100, 36_000, 1 << 20)
    const path = join(project(), 'var/rows')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), memory, (steps, most) => {
        let [file, line] = [0, 0]
        const rows = steps.map((one): Row => {
          if (one.other) [file, line] = [file + 1, 0]
          line += one.gap
          return { key: one.key, tail: one.tail, file, line }
        })
        const waiting = waitingFor(rows, path, most)
        if (most !== 36_000) expect(existsSync(path)).toBe(most === 100 && rows.length > 0)
        rmSync(path, { force: true })
        const expected = Map.groupBy(rows, (row) => row.key)
        expect(groupsOf(waiting)).toEqual(
          [...expected]
            .toSorted(([a], [b]) => byBytes(a, b))
            .map(([name, theirs]) => [name, theirs.map(({ key: _, ...row }) => row)]),
        )
      }),
    )
  })

  it('may be more of a key than a piece of the file holds', () => {
    const rows = Array.from({ length: 30_000 }, (_, n) => ({
      key: n % 3 === 0 ? 'often' : `key ${n % 5000}`,
      tail: `tail ${n}`,
      file: 0,
      line: n + 2,
    }))
    const path = join(project(), 'var/rows')
    const waiting = waitingFor(rows, path, 700_000)
    expect(statSync(path).size).toBeGreaterThan(300_000)
    const groups = groupsOf(waiting)
    expect(groups.find(([name]) => name === 'often')?.[1]).toHaveLength(10_000)
    expect(groups.reduce((sum, [, theirs]) => sum + theirs.length, 0)).toBe(rows.length)
  })

  it('on a disk without room are an error of the store, from a thread too', () => {
    const row = (line: number): Row => ({ key: 'a', tail: 'b', file: 0, line })
    const error = thrownBy(() => waitingFor([row(2), row(3)], '/dev/full', 100))
    expect(error).toBeInstanceOf(StoreError)
    const told = errorOf(failureOf(error))
    expect(told).toBeInstanceOf(StoreError)
    expect(told).toMatchObject({ code: 'IQ6006', message: expect.stringContaining('/dev/full (ENOSPC)') })
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
