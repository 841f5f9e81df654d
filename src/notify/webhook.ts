import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { sendHttp } from './http.ts'
import { defineNotifier, documentOf } from './notifier.ts'

const settings = z.strictObject({
  url: z.string(),
  /** Key of the signature; `whsec_` and base64, or any text. */
  secret: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
})

/** Posts the document, signed as Standard Webhooks describe it. */
export const webhook = defineNotifier({
  name: 'webhook',
  summary: 'POST the document, signed with HMAC-SHA256',
  settings,
  weakness: ({ secret }) => (secret === undefined ? 'no secret: the receiver cannot tell who sends' : undefined),
  async send({ url, secret, headers }, message, { clock, signal }) {
    const body = JSON.stringify(documentOf(message))
    // of the attempt: a receiver refuses what is old, and still knows a repetition by its id
    const timestamp = String(Math.floor(clock.now().getTime() / 1000))
    await sendHttp({
      url,
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        'user-agent': 'iqtask',
        'webhook-id': message.id,
        'webhook-timestamp': timestamp,
        ...(secret === undefined ? {} : { 'webhook-signature': signatureOf(secret, message.id, timestamp, body) }),
      },
      body,
      signal,
    })
  },
})

function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
