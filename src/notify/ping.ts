import type { JsonObject } from '../base/json.ts'
import type { Ping } from '../model/notify-settings.ts'
import { sendHttp } from './http.ts'

/** A monitor that does not answer may not hold the run. */
const pingTimeoutMs = 10_000

/** Tells a monitor, now. What came of it is of no consequence: a monitor that hears nothing raises its own alarm. */
export async function sendPing(
  ping: Ping,
  moment: keyof Ping,
  resolve: (settings: JsonObject) => JsonObject,
): Promise<void> {
  const url = ping[moment]
  if (url === undefined) return
  try {
    const { url: resolved } = resolve({ url })
    await sendHttp({ url: String(resolved), method: 'GET', signal: AbortSignal.timeout(pingTimeoutMs) })
  } catch {
    // deliberately silent, see above
  }
}
