import { expect, it } from 'vitest'
import { keptPages, type SeenPage } from '../../../src/store/bulk/seen-pages.ts'

function source(pages: number) {
  const read: SeenPage[] = []
  return {
    read,
    *pages() {
      for (let after = 0; after < pages; after++) {
        const page = { after, macs: Int32Array.of(after, after, -after, -after) }
        read.push(page)
        yield page
      }
    },
  }
}

it.each([
  { most: 6, reads: 3 },
  { most: 5, reads: 6 },
])('hashes of at most $most of six accounts: $reads pages are read for two looks', ({ most, reads }) => {
  const { pages, read } = source(3)
  const kept = keptPages(pages, most)
  const look = (): number[] => [...kept.pages()].map(({ after }) => after)
  const values: number[][] = []
  for (const { macs } of kept.pages()) values.push([...macs])
  expect(values).toEqual(
    [
      [0, 0, -0, -0],
      [1, 1, -1, -1],
      [2, 2, -2, -2],
    ].map((row) => row.map((n) => n + 0)),
  )
  expect(look()).toEqual([0, 1, 2])
  expect(read).toHaveLength(reads)
  kept.forget()
  expect(read.every(({ macs }) => macs.length === 0)).toBe(true)
})

it('a look that was given up does not count as one', () => {
  const { pages, read } = source(3)
  const kept = keptPages(pages)
  for (const { after } of kept.pages()) if (after === 1) break
  expect([...kept.pages()]).toHaveLength(3)
  expect(read).toHaveLength(5)
})
