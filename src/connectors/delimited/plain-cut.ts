const newline = 10
const carriageReturn = 13

/** Cuts one record of plain cells: printable ASCII without the quote, `"` and `\`, so that a cell is the same in JSON. */
export class PlainCut {
  /** Where the cells of the last record begin and end. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly #width: number
  readonly #separator: number
  readonly #quote: number
  /** 1: a byte that may stand in a cell. */
  readonly #quoted = new Uint8Array(256)
  readonly #bare: Uint8Array

  constructor(width: number, separator: number, quote: number) {
    this.#width = width
    this.#separator = separator
    this.#quote = quote
    this.starts = new Int32Array(width)
    this.ends = new Int32Array(width)
    for (let byte = 0x20; byte < 0x7f; byte++) this.#quoted[byte] = 1
    for (const byte of [0x22, 0x5c, quote]) this.#quoted[byte] = 0
    this.#bare = this.#quoted.slice()
    this.#bare[separator] = 0
  }

  /** Where the record after the one at `from` begins; -1 where it is not plain or not of the right width. */
  next(b: Buffer, from: number): number {
    const { starts, ends } = this
    const width = this.#width
    let i = from
    for (let cell = 0; cell < width; cell++) {
      if (b[i] === this.#quote) {
        starts[cell] = ++i
        while (this.#quoted[b[i] ?? 0] === 1) i++
        if (b[i] !== this.#quote) return -1
        ends[cell] = i++
      } else {
        starts[cell] = i
        while (this.#bare[b[i] ?? 0] === 1) i++
        ends[cell] = i
      }
      const byte = b[i++]
      if (byte === this.#separator) continue
      if (cell !== width - 1) return -1
      if (byte === newline) return i
      return byte === carriageReturn && b[i] === newline ? i + 1 : -1
    }
    return -1
  }
}
