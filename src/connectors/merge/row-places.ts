/** Where rows stand, by their numbers from 0. Mostly each stands right after the one before it: only where it does not, its place is kept. */
export class RowPlaces {
  #count = 0
  #last = -1
  /** Number and place of the first row, and of each that stands elsewhere. */
  #jumps: number[] = []

  /** Bytes of memory that they use. */
  get size(): number {
    return 8 * this.#jumps.length
  }

  add(place: number): void {
    if (place !== this.#last + 1) this.#jumps.push(this.#count, place)
    this.#last = place
    this.#count++
  }

  of(row: number): number {
    const jumps = this.#jumps
    let [lo, hi] = [0, jumps.length / 2]
    while (hi - lo > 1) {
      const middle = (lo + hi) >> 1
      if ((jumps[2 * middle] ?? 0) <= row) lo = middle
      else hi = middle
    }
    return (jumps[2 * lo + 1] ?? 0) + row - (jumps[2 * lo] ?? 0)
  }

  clear(): void {
    this.#count = 0
    this.#last = -1
    this.#jumps = []
  }
}
