/** Whoever holds `from` also holds `to`. */
export interface Edge {
  readonly from: number
  readonly to: number
}

export interface RefusedEdge extends Edge {
  /** The circle that it would close: `from`, `to`, and on until `from` again. */
  readonly path: readonly number[]
}

/**
 * Edges of `wanted` that would lie on a circle, together with those that stand. What stands has no circle among itself, so that without the
 * refused ones none is left.
 */
export function refusedEdges(standing: readonly Edge[], wanted: readonly Edge[]): RefusedEdge[] {
  const next = new Map<number, number[]>()
  for (const { from, to } of [...standing, ...wanted]) {
    const list = next.get(from)
    if (list === undefined) next.set(from, [to])
    else list.push(to)
  }
  return wanted.flatMap((edge) => {
    const back = shortestPath(next, edge.to, edge.from)
    return back === undefined ? [] : [{ ...edge, path: [edge.from, ...back] }]
  })
}

function shortestPath(next: ReadonlyMap<number, readonly number[]>, from: number, to: number): number[] | undefined {
  const cameFrom = new Map<number, number>([[from, from]])
  const queue = [from]
  for (const node of queue) {
    if (node === to) {
      const path = [node]
      for (let at = node; at !== from; ) {
        at = cameFrom.get(at) ?? from
        path.unshift(at)
      }
      return path
    }
    for (const one of next.get(node) ?? [])
      if (!cameFrom.has(one)) {
        cameFrom.set(one, node)
        queue.push(one)
      }
  }
  return undefined
}
