import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Where a program has no business, whoever names it: link-local networks and the addresses at which clouds hand out credentials; the
 * unspecified address, which leads to the machine itself.
 */
let known: BlockList | undefined

/** Made when it is first asked for: most commands never do. */
function forbidden(): BlockList {
  if (known !== undefined) return known
  known = new BlockList()
  known.addSubnet('169.254.0.0', 16, 'ipv4')
  known.addSubnet('0.0.0.0', 8, 'ipv4')
  known.addAddress('100.100.100.200', 'ipv4')
  known.addAddress('168.63.129.16', 'ipv4')
  known.addAddress('192.0.0.192', 'ipv4')
  known.addSubnet('fe80::', 10, 'ipv6')
  known.addAddress('fd00:ec2::254', 'ipv6')
  known.addAddress('::', 'ipv6')
  return known
}

/** `address` as resolved: IPv4 in any of its IPv6 clothes (mapped, compatible, NAT64, 6to4) counts as itself. */
export function isForbiddenAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) === 4) return forbidden().check(bare, 'ipv4')
  if (isIP(bare) !== 6) return true
  if (forbidden().check(bare, 'ipv6')) return true
  const inner = innerIpv4(bare)
  return inner !== undefined && forbidden().check(inner, 'ipv4')
}

function innerIpv4(address: string): string | undefined {
  const words = wordsOf(address)
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  if (words[0] === 0x2002) return dotted(words[1], words[2])
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b
  const empty = words.slice(0, 5).every((word) => word === 0) && (words[5] === 0 || words[5] === 0xffff)
  // ::1 is a loopback address, not 0.0.0.1
  if (empty && words[5] === 0 && words[6] === 0) return undefined
  return nat64 || empty ? dotted(words[6], words[7]) : undefined
}

function wordsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const [, front = '', ...bytes] = dotted ?? []
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
  const text = dotted === null ? address : `${front}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  const [head = '', tail] = text.split('::')
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  if (tail === undefined) return parse(head)
  const [first, last] = [parse(head), parse(tail)]
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
}

/** DNS for a connection: the address that is checked is the one that is connected, whatever a name says the next time. */
export const checkedLookup =
  (resolve: typeof lookup = lookup): LookupFunction =>
  (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 4)
      const addresses = found as { address: string; family: number }[]
      const denied = addresses.find(({ address }) => isForbiddenAddress(address))
      if (denied !== undefined) return callback(new ForbiddenAddressError(host, denied.address), '', 4)
      if (options.all === true) return callback(null, addresses)
      const [first] = addresses
      callback(null, first?.address ?? '', first?.family)
    })
  }

/** @throws ForbiddenAddressError where the host is itself an address that nobody may name */
export function refuseForbiddenHost(host: string): void {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0 && isForbiddenAddress(bare)) throw new ForbiddenAddressError(host, bare)
}

export class ForbiddenAddressError extends Error {
  constructor(host: string, address: string) {
    super(`${host}${host.includes(address) ? '' : ` leads to ${address}, which`} is a link-local or metadata address`)
    this.name = 'ForbiddenAddressError'
  }
}
