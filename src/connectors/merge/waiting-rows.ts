import { compareKeys, type GroupBytes } from './group-bytes.ts'
import { GroupFile } from './group-file.ts'
import { RowGroups } from './row-groups.ts'

/** Bytes of rows in memory, those of five million grants of a million accounts; what is more goes to a file. */
const atMost = 80 * 1024 * 1024

/** All rows of a key, in the order of the source; in more parts than one where memory did not hold all rows. */
export type Group = readonly [GroupBytes, ...GroupBytes[]]

/** Rows that wait until all those of their key are there, whatever the order in which they come. */
export class WaitingRows {
  readonly #rows = new RowGroups()
  readonly #file: GroupFile
  readonly #atMost: number

  /** `path`: a file for what memory does not hold; whoever gives it removes it. */
  constructor(path: string, memory = atMost) {
    this.#file = new GroupFile(path)
    this.#atMost = memory
  }

  /** A row is written here, from `at` on: its key, its head, its tail; then it is taken by `add`. */
  get bytes(): Buffer {
    return this.#rows.bytes
  }

  get at(): number {
    return this.#rows.at
  }

  add(keyEnd: number, headEnd: number, end: number, place: number): void {
    this.#rows.add(keyEnd, headEnd, end, place)
    this.#makeRoom()
  }

  /** A row that has no head, or whose bytes are not to be told apart. */
  addHeadless(key: Buffer, text: string, place: number): void {
    this.#rows.addHeadless(key, text, place)
    this.#makeRoom()
  }

  /** Once, after the last row: in the order of their keys' bytes, each good until the next. */
  *groups(): Generator<Group> {
    if (this.#file.isEmpty) for (const group of this.#rows.groups()) yield [group]
    else {
      this.#file.write(this.#rows.groups())
      this.#rows.release()
      yield* merged(this.#file.runs())
    }
  }

  close(): void {
    this.#rows.release()
    this.#file.close()
  }

  #makeRoom(): void {
    if (this.#rows.size < this.#atMost || this.#rows.isEmpty) return
    this.#file.write(this.#rows.groups())
    this.#rows.clear()
  }
}

/** By key, and for the same key in the order of the runs. */
function* merged(all: readonly Iterator<GroupBytes>[]): Generator<Group> {
  const runs = all.map((groups, number) => ({ groups, number }))
  let heads: Head[] = []
  for (const run of runs) heads = entered(heads, run)
  for (;;) {
    const [first] = heads
    if (first === undefined) return
    let same = 1
    while (same < heads.length && compareKeys((heads[same] as Head).group, first.group) === 0) same++
    const together = heads.slice(0, same)
    yield together.map(({ group }) => group) as unknown as Group
    heads = heads.slice(same)
    for (const { run } of together) heads = entered(heads, run)
  }
}

interface Run {
  readonly groups: Iterator<GroupBytes>
  readonly number: number
}

/** A run with the group that comes next in it. */
interface Head {
  readonly run: Run
  readonly group: GroupBytes
}

/** With the run's next group in its place: by key, and for the same key in the order of the runs. */
function entered(heads: Head[], run: Run): Head[] {
  const next = run.groups.next()
  if (next.done === true) return heads
  const group = next.value
  let [lo, hi] = [0, heads.length]
  while (lo < hi) {
    const middle = (lo + hi) >> 1
    const other = heads[middle] as Head
    const order = compareKeys(other.group, group) || other.run.number - run.number
    if (order < 0) lo = middle + 1
    else hi = middle
  }
  heads.splice(lo, 0, { run, group })
  return heads
}
