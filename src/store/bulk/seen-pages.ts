import { giveBack } from '../../model/bytes.ts'

/** Hashes of accounts in the order of their numbers, two for each; good until the next page is asked for. */
export interface SeenPage {
  readonly after: number
  readonly macs: Int32Array<ArrayBuffer>
}

/** Of so many accounts they are kept for the second look, 8 bytes each. */
const usually = 2_000_000

/** Pages that come a second time without being read again, unless they are of too many accounts. */
export function keptPages(
  read: () => Iterable<SeenPage>,
  most = usually,
): { pages(): Generator<SeenPage>; forget(): void } {
  let kept: SeenPage[] = []
  let complete = false
  const forget = (): void => {
    giveBack(...kept.map(({ macs }) => macs))
    kept = []
    complete = false
  }
  return {
    forget,
    *pages() {
      if (complete) return yield* kept
      forget()
      let accounts = 0
      for (const page of read()) {
        yield page
        accounts += page.macs.length / 2
        kept.push(page)
        if (accounts > most) forget()
      }
      complete = accounts <= most
    },
  }
}
