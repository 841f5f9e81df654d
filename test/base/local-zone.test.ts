import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const file = JSON.stringify(join(import.meta.dirname, '../../src/base/local-zone.ts'))

/** In a process of its own: a zone is taken over when a process starts. */
function zoneWith(TZ: string | undefined): { own: string; intl: string } {
  const code = `import(${file}).then(({ localZone }) => console.log(JSON.stringify({ own: localZone(), intl: Intl.DateTimeFormat().resolvedOptions().timeZone })))`
  const { stdout } = spawnSync(process.execPath, ['--no-warnings', '-e', code], {
    env: { ...process.env, TZ },
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as { own: string; intl: string }
}

describe('the zone of this machine', () => {
  it.each([undefined, 'UTC', 'Etc/UTC', 'Europe/Berlin', 'Asia/Tokyo', 'Nowhere/Land', ':UTC', ''])(
    'is the one that Intl tells, where TZ is %s',
    (TZ) => {
      const { own, intl } = zoneWith(TZ)
      expect(own).toBe(intl)
    },
  )
})
