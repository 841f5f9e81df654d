/** A few bytes are copied faster one by one than by a call; gives where they end. */
export function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  let o = at
  for (let i = start; i < end; i++) to[o++] = from[i] ?? 0
  return o
}

export const copyAll = (from: Buffer, to: Buffer, at: number): number => copy(from, 0, from.length, to, at)

export function isText(b: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (b[start + i] !== text[i]) return false
  return true
}

/** ASCII, in place; false where there was nothing to change. */
export function lower(out: Buffer, from: number, to: number): boolean {
  let changed = false
  for (let i = from; i < to; i++) {
    const byte = out[i] ?? 0
    if (byte < 65 || byte > 90) continue
    out[i] = byte + 32
    changed = true
  }
  return changed
}

/** Gives their memory back at once: the collector comes for it only when there is much more. Nothing can be read from them any more. */
export function giveBack(...views: readonly { readonly buffer: ArrayBuffer }[]): void {
  for (const { buffer } of views) buffer.transfer(0)
}
