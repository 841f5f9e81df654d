import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Edge, refusedEdges } from '../../src/model/hierarchy.ts'

const edge = (from: number, to: number): Edge => ({ from, to })
const name = ({ from, to }: Edge): string => `${from}>${to}`

/** Peels off what has nothing behind it; what is left lies on circles or between them. */
function hasCircle(edges: readonly Edge[]): boolean {
  let left = [...edges]
  for (;;) {
    const rest = left.filter((one) => left.some((next) => next.from === one.to))
    if (rest.length === left.length) return left.length > 0
    left = rest
  }
}

const reaches = (edges: readonly Edge[], from: number, to: number): boolean => {
  const seen = new Set([from])
  for (const node of seen) for (const one of edges) if (one.from === node) seen.add(one.to)
  return seen.has(to)
}

describe('steps of a hierarchy', () => {
  it('that would close a circle are refused, each with its shortest path', () => {
    expect(refusedEdges([], [edge(1, 2), edge(2, 3)])).toEqual([])
    expect(refusedEdges([], [edge(1, 1)])).toEqual([{ ...edge(1, 1), path: [1, 1] }])
    expect(refusedEdges([edge(1, 2), edge(2, 3)], [edge(3, 1), edge(3, 4)])).toEqual([
      { ...edge(3, 1), path: [3, 1, 2, 3] },
    ])
    expect(refusedEdges([], [edge(1, 2), edge(2, 1)]).map(name)).toEqual(['1>2', '2>1'])
  })

  it('are refused exactly where they lie on one; without them there is none left', () => {
    const node = fc.nat(6)
    const edges = fc.array(fc.record({ from: node, to: node }), { maxLength: 14 })
    // what stands has no circle: it leads upwards only
    const upwards = edges.map((all) => all.filter((one) => one.from < one.to))
    fc.assert(
      fc.property(upwards, edges, (standing, wanted) => {
        const refused = refusedEdges(standing, wanted)
        const names = new Set(refused.map(name))
        expect(hasCircle([...standing, ...wanted.filter((one) => !names.has(name(one)))])).toBe(false)
        for (const one of wanted)
          expect(names.has(name(one)), name(one)).toBe(reaches([...standing, ...wanted], one.to, one.from))
        for (const { from, to, path } of refused) {
          expect([path[0], path[1], path.at(-1)]).toEqual([from, to, from])
          for (let at = 1; at < path.length; at++)
            expect([...standing, ...wanted].map(name)).toContain(name(edge(path[at - 1] ?? 0, path[at] ?? 0)))
        }
      }),
    )
  })
})
