import { randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/**
 * A time-sortable id of 26 characters in Crockford's base 32: 48 bits of Unix time in ms, then 80 random bits
 * (the ULID specification).
 */
export function newId(now: Date, random: (size: number) => Uint8Array = randomBytes): string {
  let time = now.getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (const byte of random(16)) tail += alphabet.charAt(byte & 31)
  return head + tail
}
