import { existsSync, readlinkSync } from 'node:fs'

const folder = '/usr/share/zoneinfo/'

/** The IANA name of this machine's zone. Where it is plain to see it is not asked of `Intl`, whose tables take longer to load than a small command. */
export function localZone(): string {
  const name = process.env.TZ ?? linked()
  if (name === undefined || !/^\w+(\/[\w+-]+)*$/.test(name) || !existsSync(`${folder}${name}`))
    return Intl.DateTimeFormat().resolvedOptions().timeZone
  return name.replace(/^Etc\/(UTC|UCT|Zulu|Universal)$/, 'UTC')
}

function linked(): string | undefined {
  try {
    const target = readlinkSync('/etc/localtime')
    return target.startsWith(folder) ? target.slice(folder.length) : undefined
  } catch {
    return undefined
  }
}
