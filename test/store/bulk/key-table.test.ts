import fc from 'fast-check'
import { expect, it } from 'vitest'
import { KeyTable } from '../../../src/store/bulk/key-table.ts'

const numberOf = (table: KeyTable, how: 'add' | 'find', text: string): number => {
  const bytes = Buffer.from(`<${text}>`)
  return table[how](bytes, 1, bytes.length - 1)
}

it('numbers each text once, and finds no other', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3 })), fc.string({ maxLength: 3 }), (texts, other) => {
      // as bytes: what is not well-formed would become the same text
      const known = [...new Set(texts.map((text) => text.toWellFormed()))]
      const table = new KeyTable(known.length, 12 * known.length)
      for (const text of [...known, ...known]) expect(numberOf(table, 'add', text)).toBe(known.indexOf(text))
      expect(numberOf(table, 'find', other)).toBe(known.indexOf(other))
      expect(known.map((_, n) => table.text(n))).toEqual(known)
    }),
  )
})

it('tells texts apart whose hashes meet in one place', () => {
  // 20,000 in 32,768 places
  const table = new KeyTable(20_000, 200_000)
  const texts = Array.from({ length: 20_000 }, (_, n) => `user${n}`)
  expect(texts.map((text) => numberOf(table, 'add', text))).toEqual(texts.map((_, n) => n))
  expect(texts.map((text) => numberOf(table, 'find', text))).toEqual(texts.map((_, n) => n))
  expect(texts.some((text) => numberOf(table, 'find', `${text}x`) !== -1)).toBe(false)
})

it('says when it is full', () => {
  const table = new KeyTable(2, 10)
  numberOf(table, 'add', 'abcdef')
  expect([table.hasRoom(1, 4), table.hasRoom(2, 4), table.hasRoom(1, 5)]).toEqual([true, false, false])
  numberOf(table, 'add', 'b')
  expect(() => numberOf(table, 'add', 'c')).toThrow('more keys than there is room for')
  expect(numberOf(table, 'add', 'b')).toBe(1)
})
