/** An entitlement value that a read showed for the first time, by its number there. */
export interface InternedValue {
  readonly id: number
  readonly attribute: string
  readonly value: string
  readonly shown: string
}

const larger = (array: Int32Array, length: number): Int32Array<ArrayBuffer> => {
  const made = new Int32Array(length)
  made.set(array)
  return made
}

/** Numbers entitlement values from 1 by their bytes, so that a value which is there already never becomes a text. */
export class Interning {
  readonly #attributes: string[] = []
  /** Open addressing; a slot holds a number, 0: none. */
  #slots = new Int32Array(1 << 12)
  /** By number: hash, attribute, and where its bytes lie. */
  #hashes = new Int32Array(1 << 11)
  #owners = new Int32Array(1 << 11)
  #starts = new Int32Array(1 << 11)
  #ends = new Int32Array(1 << 11)
  #bytes = Buffer.allocUnsafeSlow(1 << 16)
  #used = 0
  #count = 0
  #fresh: InternedValue[] = []

  /** The number by which `idOf` knows the attribute. */
  attribute(name: string): number {
    const known = this.#attributes.indexOf(name)
    return known === -1 ? this.#attributes.push(name) - 1 : known
  }

  /** `shown`: how the value was written, where it is compared in another form. */
  idOf(attribute: number, bytes: Buffer, start: number, end: number, shown?: string): number {
    let hash = Math.imul(0x811c9dc5 ^ attribute, 0x01000193)
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const id = this.#slots[slot] ?? 0
      if (id === 0) return this.#add(slot, hash, attribute, bytes.subarray(start, end), shown)
      if (this.#hashes[id] === hash && this.#owners[id] === attribute && this.#isSame(id, bytes, start, end)) return id
      slot = (slot + 1) & mask
    }
  }

  /** Those that are new since the last call. */
  takeFresh(): InternedValue[] {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  #isSame(id: number, bytes: Buffer, start: number, end: number): boolean {
    const own = this.#bytes
    let at = this.#starts[id] ?? 0
    if ((this.#ends[id] ?? 0) - at !== end - start) return false
    for (let i = start; i < end; i++) if (own[at++] !== bytes[i]) return false
    return true
  }

  #add(slot: number, hash: number, attribute: number, value: Buffer, shown: string | undefined): number {
    const id = ++this.#count
    if (id >= this.#hashes.length) this.#grow()
    const end = this.#used + value.length
    if (end > this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, end))
      this.#bytes.copy(bytes, 0, 0, this.#used)
      this.#bytes = bytes
    }
    value.copy(this.#bytes, this.#used)
    this.#hashes[id] = hash
    this.#owners[id] = attribute
    this.#starts[id] = this.#used
    this.#ends[id] = end
    this.#used = end
    this.#slots[slot] = id
    if (id * 2 > this.#slots.length) this.#rehash()
    const text = value.toString('utf8')
    this.#fresh.push({ id, attribute: this.#attributes[attribute] ?? '', value: text, shown: shown ?? text })
    return id
  }

  #grow(): void {
    const length = this.#hashes.length * 2
    this.#hashes = larger(this.#hashes, length)
    this.#owners = larger(this.#owners, length)
    this.#starts = larger(this.#starts, length)
    this.#ends = larger(this.#ends, length)
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let id = 1; id <= this.#count; id++) {
      let slot = (this.#hashes[id] ?? 0) & mask
      while ((this.#slots[slot] ?? 0) !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = id
    }
  }
}
