import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'

export interface Mail {
  readonly recipients: readonly string[]
  readonly secure: boolean
  readonly user: string | undefined
  readonly raw: string
  header(name: string): readonly string[]
}

export interface SmtpPeer {
  readonly port: number
  /** Mails it has taken, and those that it had in full when it died. */
  readonly mails: Mail[]
  /** What clients tried to log in with. */
  readonly logins: { readonly user: string; readonly password: string }[]
}

/** A certificate for 127.0.0.1 that only those trust who are told of it: `ca.pem` and `key.pem` of the folder. */
export function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.pem`
  execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'ignore' })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { cert: read('ca.pem'), key: read('key.pem') }
}

/** A real SMTP server on a free port, ended after the test. `onMail` may answer with an error, or kill the connection. */
export async function smtpPeer(
  options: SMTPServerOptions & { readonly onMail?: (attempt: number) => Error | 'die' | undefined },
): Promise<SmtpPeer> {
  const mails: Mail[] = []
  const logins: SmtpPeer['logins'] = []
  const { onMail, ...rest } = options
  const sockets = new Map<string, { destroy(): void }>()
  const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    onAuth(auth, _session, done) {
      const [username, password] = [auth.username ?? '', auth.password ?? '']
      logins.push({ user: username, password })
      if (password === 'right-password') done(null, { user: username })
      else done(Object.assign(new Error('Invalid login'), { responseCode: 535 }))
    },
    onData(stream, session, done) {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        mails.push(mailOf(Buffer.concat(pieces).toString('utf8'), session))
        const answer = onMail?.(mails.length)
        if (answer === 'die') sockets.get(session.remotePort.toString())?.destroy()
        else done(answer)
      })
    },
    ...rest,
  })
  server.on('error', () => undefined)
  server.server.on('connection', (socket: { remotePort?: number; destroy(): void }) =>
    sockets.set(String(socket.remotePort), socket),
  )
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails, logins }
}

function mailOf(
  raw: string,
  session: { envelope: { rcptTo: { address: string }[] }; secure: boolean; user?: unknown },
): Mail {
  const [head = ''] = raw.split('\r\n\r\n')
  const unfolded = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  return {
    recipients: session.envelope.rcptTo.map(({ address }) => address),
    secure: session.secure,
    user: session.user as string | undefined,
    raw,
    header: (name) =>
      unfolded
        .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        .map((line) => line.slice(name.length + 1).trim()),
  }
}
