import { closeSync, openSync, writeSync } from 'node:fs'

export interface FeedOptions {
  /** Every account once, in an order that has nothing to do with the keys. */
  readonly shuffled?: boolean
  /** 1 % of the accounts differ (three quarters of those in a grant), 0.02 % are new, 0.03 % are absent. */
  readonly changed?: boolean
  /** One row per account and entitlement instead of one per account. */
  readonly pairs?: boolean
}

const header = 'id,first,last,mail,dept,title,manager,status,city,start,groups\n'

/** Writes `count` accounts in the shape that every figure uses: 11 columns, 5 grants each. */
export function writeFeed(file: string, count: number, options: FeedOptions = {}): void {
  const handle = openSync(file, 'w')
  let text = options.pairs === true ? 'id,groups\n' : header
  const put = (line: string): void => {
    text += line
    if (text.length > 1 << 20) flush()
  }
  const flush = (): void => {
    writeSync(handle, text)
    text = ''
  }
  const per = options.pairs === true ? 5 : 1
  const order = options.shuffled === true ? shuffled(count * per) : undefined
  for (let at = 0; at < count * per; at++) {
    const n = order?.[at] ?? at
    if (options.pairs === true) put(`${key(Math.floor(n / 5))},${grants(Math.floor(n / 5))[n % 5]}\n`)
    else if (options.changed !== true) put(row(n, 0))
    else if (n % 10_000 > 2) put(row(n, n % 100 === 50 ? 1 : 0))
  }
  if (options.changed === true) for (let n = 0; n < count / 5000; n++) put(row(count + n, 0))
  flush()
  closeSync(handle)
}

const key = (n: number): string => String(n).padStart(8, '0')

function row(n: number, moved: 0 | 1): string {
  const groups = grants(n)
  if (moved === 1 && n % 400 !== 50) groups[2] = `APP_${(n * 13 + 1) % 900}`
  const boss = key(Math.floor(n / 7))
  const since = `2020-0${1 + (n % 9)}-1${n % 9}`
  return `${key(n)},First${n % 997},Last${n % 1009},user${n}@example.com,Department ${(n % 40) + moved},Title ${n % 90},${boss},active,City ${n % 300},${since},"${groups.join('|')}"\n`
}

const grants = (n: number): string[] => [
  `GROUP_${n % 500}`,
  `GROUP_${(n * 7 + 1) % 500}`,
  `APP_${(n * 13) % 900}`,
  `ROLE_${n % 50}`,
  `X_${(n * 3) % 70}`,
]

/** The same disorder in every run: Fisher and Yates with a small generator of its own. */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  let state = 0x2545f491
  for (let last = count - 1; last > 0; last--) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const other = (state >>> 0) % (last + 1)
    const kept = order[last] ?? 0
    order[last] = order[other] ?? 0
    order[other] = kept
  }
  return order
}
