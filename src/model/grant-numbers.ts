const [opening, comma, closing, zero] = [91, 44, 93, 48]

/** The numbers of one row's values: each once, in order, written as a JSON array. */
export class GrantNumbers {
  #ids = new Int32Array(64)
  count = 0

  add(id: number): void {
    const ids = this.#ids
    let at = this.count
    for (; at > 0 && (ids[at - 1] ?? 0) >= id; at--) if (ids[at - 1] === id) return
    for (let i = this.count; i > at; i--) ids[i] = ids[i - 1] ?? 0
    ids[at] = id
    if (++this.count === ids.length) {
      this.#ids = new Int32Array(2 * this.count)
      this.#ids.set(ids)
    }
  }

  /** Empties itself; gives where the text ends, which is where it would begin when there are none. */
  write(out: Uint8Array, from: number): number {
    let at = from
    for (let i = 0; i < this.count; i++) {
      out[at++] = i === 0 ? opening : comma
      const id = this.#ids[i] ?? 0
      let end = at + 1
      for (let rest = id; rest >= 10; rest = (rest / 10) | 0) end++
      for (let rest = id, digit = end - 1; digit >= at; digit--) {
        const next = (rest / 10) | 0
        out[digit] = zero + rest - next * 10
        rest = next
      }
      at = end
    }
    if (this.count > 0) out[at++] = closing
    this.count = 0
    return at
  }
}
