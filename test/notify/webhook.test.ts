import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handClock } from '../helpers/clock.ts'
import { httpPeer } from '../helpers/http-peer.ts'
import { aggregate, notified } from '../helpers/notified.ts'

const hook = (url: string, more = '') => `{ type: webhook, url: "${url}", secret: "\${env:SECRET}"${more} }`
const env = { SECRET: 'shared-secret-of-both' }

describe('a webhook', () => {
  it('gets the document with id, timestamp and a signature that fits all three', async () => {
    const peer = await httpPeer()
    const clock = handClock()
    const result = await aggregate(notified(hook(`${peer.url}/in`)), clock, env)
    expect(result.notices).toMatchObject([{ state: 'sent', attempts: 1, error: null, nextAt: null }])
    const [request] = peer.requests
    const { body = '', headers } = request ?? {}
    expect(request).toMatchObject({ method: 'POST', path: '/in' })
    expect(JSON.parse(body)).toMatchObject({ event: 'warning', task: 'aggregation', result: { id: result.id } })
    expect(headers?.['webhook-id']).toBe((JSON.parse(body) as { id: string }).id)
    expect(headers?.['webhook-timestamp']).toBe(String(clock.now().getTime() / 1000))
    const signed = `${headers?.['webhook-id']}.${headers?.['webhook-timestamp']}.${body}`
    const mac = createHmac('sha256', env.SECRET).update(signed).digest('base64')
    expect(headers?.['webhook-signature']).toBe(`v1,${mac}`)
  })

  it('has the same id at the next attempt, and a new timestamp: what is replayed late shows', async () => {
    const peer = await httpPeer((response, _, count) => void response.writeHead(count === 1 ? 503 : 200).end())
    const cwd = notified(hook(peer.url), '{ on: [warning], channels: [peer] }')
    const clock = handClock()
    await aggregate(cwd, clock, env)
    clock.forward(60_000)
    await aggregate(cwd, clock, env, true)
    const [first, second] = peer.requests.map(({ headers }) => headers)
    expect(second?.['webhook-id']).toBe(first?.['webhook-id'])
    expect(Number(second?.['webhook-timestamp']) - Number(first?.['webhook-timestamp'])).toBe(60)
    expect(second?.['webhook-signature']).not.toBe(first?.['webhook-signature'])
  })

  it.each([
    ['to the metadata address', 'http://169.254.169.254/latest/meta-data/'],
    ['to itself', '/again'],
  ])('follows no redirect %s, and does not ask again', async (_, location) => {
    const peer = await httpPeer((response) => void response.writeHead(302, { location }).end())
    const result = await aggregate(notified(hook(peer.url)), handClock(), env)
    expect(result).toMatchObject({ status: 'warning', exitCode: 3 })
    expect(result.notices).toMatchObject([
      { state: 'failed', error: expect.stringContaining('redirects are not followed') },
    ])
    expect(peer.requests).toHaveLength(1)
  })

  it.each([
    'http://169.254.169.254/',
    'http://[::ffff:169.254.169.254]/',
    'http://0xA9FEA9FE/',
    'http://2852039166/',
    'http://[fe80::1]/',
  ])('does not even try the configured %s', async (url) => {
    const began = performance.now()
    const { notices } = await aggregate(notified(hook(url)), handClock(), env)
    expect(notices).toMatchObject([{ state: 'failed', error: expect.stringContaining('link-local or metadata') }])
    expect(performance.now() - began).toBeLessThan(4_000)
  })

  it('obeys Retry-After, within a day', async () => {
    for (const [seconds, waitMs] of [
      ['600', 600_000],
      ['99999999', 86_400_000],
    ] as const) {
      const peer = await httpPeer((response) => void response.writeHead(429, { 'retry-after': seconds }).end())
      const clock = handClock()
      const { notices } = await aggregate(notified(hook(peer.url)), clock, env)
      expect(notices[0]).toMatchObject({ state: 'waiting', error: expect.stringContaining('429') })
      expect(Date.parse(String(notices[0]?.nextAt)) - clock.now().getTime()).toBe(waitMs)
    }
  })

  it('gives up at once what will never be taken', async () => {
    const peer = await httpPeer((response) => void response.writeHead(404).end())
    expect((await aggregate(notified(hook(peer.url)), handClock(), env)).notices).toMatchObject([{ state: 'failed' }])
  })

  it.each(['drip', 'reset', 'silence', 'garbage'])('is left when its time is over: %s', async (kind) => {
    const drips: NodeJS.Timeout[] = []
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        if (kind === 'reset') socket.resetAndDestroy()
        if (kind === 'garbage') socket.end('\x00\x01 not HTTP at all\r\n\r\n')
        if (kind === 'drip') drips.push(setInterval(() => socket.write('H'), 50))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const drip of drips) clearInterval(drip)
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const began = performance.now()
    const result = await aggregate(notified(hook(url, ', timeout: 500ms')), handClock(), env)
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(result).toMatchObject({ status: 'warning', exitCode: 3, notices: [{ state: 'waiting', attempts: 1 }] })
  })
})

describe('a chat', () => {
  it.each(['slack', 'teams'])('gets its own shape, in which data is text: %s', async (type) => {
    const peer = await httpPeer()
    await aggregate(notified(`{ type: ${type}, url: "\${env:URL}" }`), handClock(), { URL: `${peer.url}/T0/B0/xyz` })
    const posted = JSON.parse(peer.requests[0]?.body ?? '') as Record<string, unknown>
    if (type === 'slack') expect(posted.text).toMatch(/^\*\[iqtask\] demo: aggregation ended with warnings\*\n```/)
    else {
      expect(posted).toMatchObject({
        type: 'message',
        attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive' }],
      })
      expect(JSON.stringify(posted)).toContain('aggregation ended with warnings')
    }
  })

  it('cannot be made to ping everybody, nor to leave its frame', async () => {
    const { slack } = await import('../../src/notify/chat.ts')
    const peer = await httpPeer()
    const result = await aggregate(notified('{ type: file, folder: x }'))
    const notification = {
      schema: 'iqtask/Notification/1' as const,
      id: 'I',
      event: 'error' as const,
      project: '<!channel>',
      task: 't',
      at: result.queuedAt,
      result: { ...result, id: 'R' },
      failingSince: null,
      guards: [],
      failures: ['``` <!everyone> <http://evil|click>'],
      more: 0,
      commands: [],
    }
    const message = { id: 'I', digest: false, createdAt: '', notifications: [notification] as const }
    const context = { folder: '/', env: {}, clock: handClock(), signal: AbortSignal.timeout(2_000) }
    await slack.send({ url: peer.url }, message, context)
    const { text } = JSON.parse(peer.requests[0]?.body ?? '') as { text: string }
    expect(text).not.toMatch(/[<>]/)
    expect(text.match(/```/g)).toHaveLength(2)
  })
})

describe('a ping', () => {
  const monitor = (url: string) => `  ping: { start: "${url}/start", success: "${url}/ok", fail: "${url}/fail" }\n`

  it('tells a monitor that a run starts, and how it ended; a dry run says nothing', async () => {
    const peer = await httpPeer()
    const cwd = notified('{ type: file, folder: x }', '', monitor(peer.url))
    await aggregate(cwd)
    await aggregate(cwd, handClock(), {}, true)
    expect(peer.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /start', 'GET /ok'])
    rmSync(`${cwd}/hr.csv`)
    await aggregate(cwd)
    expect(peer.requests.at(-1)?.path).toBe('/fail')
  })

  it('of a monitor that is gone changes nothing', async () => {
    const result = await aggregate(notified('{ type: file, folder: x }', '', monitor('http://127.0.0.1:1')))
    expect([result.status, result.exitCode]).toEqual(['warning', 3])
  })
})
