/** Numbers that the writer and its thread of checkpoints share: how often it was asked, how often it did it, pages in the WAL then, 1: end. */
export const [askedSlot, doneSlot, pagesSlot, endSlot] = [0, 1, 2, 3] as const

/** In `doneSlot`: the thread has closed the store. */
export const ended = -1

export interface ThreadOfCheckpoints {
  readonly path: string
  readonly slots: Int32Array<SharedArrayBuffer>
}
