import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkedLookup, isForbiddenAddress } from '../../src/base/address.ts'

describe('addresses that nobody may name', () => {
  it.each([
    ['169.254.169.254', true],
    ['169.254.0.1', true],
    ['0.0.0.0', true],
    ['100.100.100.200', true],
    ['168.63.129.16', true],
    ['fe80::1', true],
    ['fe80::1%eth0', true],
    ['fd00:ec2::254', true],
    ['::', true],
    ['::ffff:169.254.169.254', true],
    ['::ffff:a9fe:a9fe', true],
    ['::169.254.169.254', true],
    ['64:ff9b::a9fe:a9fe', true],
    ['64:ff9b::169.254.169.254', true],
    ['2002:a9fe:a9fe::', true],
    ['no address', true],
    ['127.0.0.1', false],
    ['::1', false],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
  ])('%s: %s', (address, forbidden) => {
    expect(isForbiddenAddress(address)).toBe(forbidden)
  })

  it('are refused where a name leads there, the second time as well as the first', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const answers = ['127.0.0.1', '169.254.169.254']
    // a resolver whose answer changes: what was checked is what is connected, each time
    const rebinding = ((_host: string, _options: object, done: (...args: unknown[]) => void) =>
      done(null, [{ address: answers.shift(), family: 4 }])) as unknown as typeof lookup
    const dial = () =>
      new Promise((resolve) => {
        const socket = connect({
          host: 'rebinding.example',
          port: (server.address() as AddressInfo).port,
          lookup: checkedLookup(rebinding),
        })
        socket.once('connect', () => resolve(socket.remoteAddress))
        socket.once('error', (error) => resolve(error.name))
        onTestFinished(() => void socket.destroy())
      })
    expect([await dial(), await dial()]).toEqual(['127.0.0.1', 'ForbiddenAddressError'])
  })
})
