import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compiled, file } from '../../scripts/wasm.ts'
import { recordEnd } from '../../src/connectors/delimited/cut.ts'
import { createRecordFinder, mostRecords } from '../../src/connectors/delimited/record-finder.ts'

const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i))

function opened(bytes: Uint8Array) {
  const finder = createRecordFinder(44, 34)
  finder.setKey(key)
  finder.reserve(finder.first + bytes.length)
  finder.bytes.set(bytes, finder.first)
  return { ...finder, bytes: finder.bytes, end: finder.first + bytes.length }
}

it('the compiled code is that of its text', async () => {
  expect(readFileSync(file, 'utf8')).toBe(await compiled())
})

it.each([
  // appendix A of the paper, and the vectors that its authors published: message 00 01 02 …, key 00 … 0f
  { length: 0, hash: '726fdb47dd0e0e31' },
  { length: 1, hash: '74f839c593dc67fd' },
  { length: 7, hash: 'ab0200f58b01d137' },
  { length: 8, hash: '93f5f5799a932462' },
  { length: 9, hash: '9e0082df0ba9e4b0' },
])('hashes $length bytes as SipHash-2-4 does', ({ length, hash }) => {
  const finder = opened(Buffer.from([...Array(length).keys(), 10]))
  const [, , low = 0, high = 0] = finder.find(finder.first, finder.end, 1)
  expect(((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)).toBe(hash)
})

it('records end where they end byte by byte, whatever lies around them; equal ones have equal hashes', () => {
  const piece = fc.constantFrom('"', '\n', ',', '\r\n', 'x', '0123456789abcdef', 'a"b', 'é', '\n\n', '"a,\nb"')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''))
      const finder = opened(bytes)
      const [ends, hashes] = [[] as number[], new Map<string, string>()]
      let lines = 0
      const found = finder.find(finder.first, finder.end, mostRecords)
      for (let i = 0, start = 0; i < found.length; i += 4) {
        const end = (found[i] ?? 0) - finder.first
        ends.push(end)
        lines += found[i + 1] ?? 0
        const text = bytes.subarray(start, end).toString('latin1')
        const hash = `${found[i + 2]} ${found[i + 3]}`
        expect(hashes.get(text) ?? hash).toBe(hash)
        hashes.set(text, hash)
        start = end
      }
      expect(new Set(hashes.values()).size).toBe(hashes.size)
      expect(lines).toBe(bytes.subarray(0, ends.at(-1) ?? 0).filter((byte) => byte === 10).length)
      for (const [index, end] of ends.entries()) expect(recordEnd(bytes, ends[index - 1] ?? 0, 44, 34)).toBe(end)
      // nothing whole is left
      expect(recordEnd(bytes, ends.at(-1) ?? 0, 44, 34)).toBe(-1)
    }),
    { numRuns: 500 },
  )
})

it('goes on where the room for what is found ended', () => {
  const finder = opened(Buffer.from('a\n'.repeat(mostRecords + 5)))
  const first = finder.find(finder.first, finder.end, mostRecords * 2)
  expect(first.length / 4).toBe(mostRecords)
  expect(finder.find(first.at(-4) ?? 0, finder.end, mostRecords).length / 4).toBe(5)
})
