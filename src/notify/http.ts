import type { IncomingMessage } from 'node:http'
import { checkedLookup, ForbiddenAddressError, refuseForbiddenHost } from '../base/address.ts'
import { connectTimeoutMs, DeliveryError, idleTimeoutMs } from './notifier.ts'

export interface HttpSend {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  readonly signal: AbortSignal
}

/**
 * One request. Redirects are not followed: only the configured host is spoken to, and not even that one where it leads to a link-local or
 * metadata address. The answer counts from its first line; what follows is not read. No message of an error holds the URL: it is a secret
 * as often as not.
 * @throws DeliveryError
 */
export async function sendHttp(request: HttpSend): Promise<void> {
  const url = parseUrl(request.url)
  const { status, headers } = await statusOf(url, request)
  if (status >= 200 && status < 300) return
  const fail = (text: string, temporary: boolean): never => {
    throw new DeliveryError(text, { temporary, retryAfterMs: retryAfterOf(headers['retry-after']) })
  }
  if (status >= 300 && status < 400)
    fail(`${url.hostname} answers ${status}: redirects are not followed; write the final URL`, false)
  fail(`${url.hostname} answers ${status}`, status >= 500 || status === 408 || status === 425 || status === 429)
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new DeliveryError('the URL is none of http or https', { temporary: false })
  return url
}

type Answer = { readonly status: number; readonly headers: IncomingMessage['headers'] }

async function statusOf(url: URL, { method, headers, body, signal }: HttpSend): Promise<Answer> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(failureOf(url.hostname, error))
    try {
      refuseForbiddenHost(url.hostname)
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { method, headers: { ...headers, ...length }, agent: false, lookup: checkedLookup(), signal }
      const sent = (request as typeof import('node:http').request)(url, options, (answer) => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers })
        answer.destroy()
      })
      const connecting = setTimeout(
        () => sent.destroy(new Error(`no connection in ${connectTimeoutMs / 1000} s`)),
        connectTimeoutMs,
      )
      sent.on('socket', (socket) =>
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(connecting)),
      )
      sent.setTimeout(idleTimeoutMs, () => sent.destroy(new Error(`silent for ${idleTimeoutMs / 1000} s`)))
      sent.on('close', () => clearTimeout(connecting))
      sent.on('error', fail)
      sent.end(body)
    } catch (error) {
      fail(error)
    }
  })
}

export function failureOf(host: string, error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  const { code, name, message } = error as NodeJS.ErrnoException
  const why = name === 'AbortError' || name === 'TimeoutError' ? 'it took too long' : (code ?? message)
  if (error instanceof ForbiddenAddressError) return new DeliveryError(message, { temporary: false, cause: error })
  return new DeliveryError(`${host} was not reached: ${why}`, { temporary: true, cause: error })
}

/** Seconds or a date; what is neither is nothing. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  return /^\d+$/.test(header) ? Number(header) * 1000 : undefined
}
