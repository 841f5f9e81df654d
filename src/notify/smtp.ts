import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { checkedLookup, refuseForbiddenHost } from '../base/address.ts'
import { failureOf } from './http.ts'
import {
  connectTimeoutMs,
  DeliveryError,
  defineNotifier,
  idleTimeoutMs,
  type Message,
  type SendContext,
} from './notifier.ts'
import { htmlOf, subjectOf, textOf } from './text.ts'

/** RFC 5321: 64 + "@" + 255 characters; a line break or a second address would be a header of somebody else's making. */
const address = z
  .string()
  .max(320, 'an address has at most 320 characters')
  .regex(
    /^[^\s<>,;:"@\x00-\x1f\x7f]{1,64}@[^\s<>,;:"@\x00-\x1f\x7f]{1,255}$/,
    'expected one address such as ops@example.com',
  )

const settings = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).optional(),
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
  /** File with the authority that signed the server's certificate, where it is not a public one. */
  ca: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  from: address,
  to: z.array(address).min(1),
})
type Settings = z.output<typeof settings>

const usualPorts = { starttls: 587, implicit: 465, none: 25 } as const

/** A mail, text and HTML. Its Message-ID is the same at every attempt: a server that took it and died is not taken for two messages. */
export const smtp = defineNotifier({
  name: 'smtp',
  summary: 'send a mail; STARTTLS unless the file says otherwise',
  settings,
  weakness: ({ tls }) => (tls === 'none' ? 'tls: none: mail and password travel in the clear' : undefined),
  async send(given, message, context) {
    const port = given.port ?? usualPorts[given.tls]
    let socket: Socket | undefined
    try {
      socket = await open(given.host, port, context.signal)
      await post(given, port, socket, message, context)
    } catch (error) {
      throw classify(given, error, context)
    } finally {
      socket?.destroy()
    }
  },
})

/** A connection of our own: its address is checked before the first byte. */
function open(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((done, reject) => {
    refuseForbiddenHost(host)
    const socket = connect({ host, port, lookup: checkedLookup(), signal })
    const late = setTimeout(
      () => socket.destroy(new Error(`no connection in ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    )
    socket.once('connect', () => {
      clearTimeout(late)
      socket.removeListener('error', reject)
      done(socket)
    })
    socket.once('close', () => clearTimeout(late))
    socket.once('error', reject)
  })
}

async function post(
  { host, tls, ca, user, password, from, to }: Settings,
  port: number,
  socket: Socket,
  message: Message,
  { signal, clock, folder }: SendContext,
): Promise<void> {
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca: readCa(resolve(folder, ca)) }) },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    getSocket: (_options: unknown, done: (error: Error | null, socket: { connection: Socket }) => void) =>
      done(null, { connection: socket }),
    greetingTimeout: idleTimeoutMs,
    connectionTimeout: idleTimeoutMs,
    socketTimeout: idleTimeoutMs,
    // nothing of a message is ever a path or a URL
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const abort = (): void => void socket.destroy(new Error('it took too long'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    const sent = await transport.sendMail({
      from: { name: 'iqtask', address: from },
      to: to.map((one) => ({ name: '', address: one })),
      subject: subjectOf(message),
      text: textOf(message),
      html: htmlOf(message),
      messageId: `<${message.id}@${domainOf(from)}>`,
      date: clock.now(),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    })
    const refused = sent.rejected ?? []
    if (refused.length > 0)
      throw new DeliveryError(`${host} refused ${refused.length} of ${to.length} recipients`, { temporary: false })
  } finally {
    signal.removeEventListener('abort', abort)
    transport.close()
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DeliveryError(`the ca ${path} cannot be read`, { temporary: true, cause })
  }
}

const domainOf = (from: string): string => from.slice(from.lastIndexOf('@') + 1)

/** A 5xx is for ever, but for a login: its password may be put right. */
function classify({ host }: Settings, error: unknown, { signal }: SendContext): DeliveryError {
  if (error instanceof DeliveryError) return error
  const { responseCode, code, message } = error as { responseCode?: number; code?: string; message: string }
  if (signal.aborted) return new DeliveryError(`${host} took too long`, { temporary: true, cause: error })
  if (code === 'ETLS' || /certificate|self-signed|TLS|STARTTLS/i.test(message))
    return new DeliveryError(`${host} offers no trustworthy TLS: nothing was sent (${oneLine(message)})`, {
      temporary: true,
      cause: error,
    })
  if (responseCode === undefined) return failureOf(host, error)
  return new DeliveryError(`${host} answers ${oneLine(message)}`, {
    temporary: responseCode < 500 || code === 'EAUTH',
    cause: error,
  })
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 200)
