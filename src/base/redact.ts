/** Registered secret values are replaced wherever text leaves the process or enters the store. */
export interface Redactor {
  /** Registers a resolved secret, also in its base64, URL-encoded and JSON-escaped spellings. */
  add(secret: string): void
  redact(text: string): string
}

export function createRedactor(): Redactor {
  const spellings = new Set<string>()
  return {
    add(secret) {
      // shorter ones would blank out ordinary words
      if (secret.length < 4) return
      spellings.add(secret)
      spellings.add(encodeURIComponent(secret))
      spellings.add(JSON.stringify(secret).slice(1, -1))
      const base64 = Buffer.from(secret).toString('base64')
      spellings.add(base64)
      spellings.add(base64.replace(/=+$/, ''))
    },
    redact(text) {
      let clean = text
      for (const spelling of [...spellings].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(spelling, '[secret]')
      return clean
    },
  }
}
