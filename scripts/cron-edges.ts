// Both jumps of the clocks, as Debian's own cron lives them under a fake clock, against what iqtask expects: `node scripts/cron-edges.ts`.
// Needs root, cron, faketime; mounts of its own keep the machine's tables untouched.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePattern } from '../src/model/schedule.ts'
import { occurrencesOf } from '../src/task/schedule.ts'

const patterns = [
  '30 2 * * *',
  '*/30 2 * * *',
  '*/10 * * * *',
  '0 3 * * *',
  '30 1 * * *',
  '0,30 1 * * *',
  '30 * * * *',
  '0 2 * * *',
  '0-59/10 1-2 * * *',
  '0 0-23 * * *',
  '5,*/20 0-4 * * *',
]
/** Each begins before the hour that is there twice: faketime is told local time. */
const edges = [
  { zone: 'America/New_York', start: '2026-03-08T06:54:30Z' },
  { zone: 'America/New_York', start: '2026-11-01T04:54:30Z' },
  { zone: 'Europe/Berlin', start: '2026-03-29T00:24:30Z' },
  { zone: 'Europe/Berlin', start: '2026-10-24T23:54:30Z' },
  { zone: 'America/Santiago', start: '2026-09-06T03:24:30Z' },
  { zone: 'America/Santiago', start: '2026-04-05T01:54:30Z' },
  { zone: 'Pacific/Auckland', start: '2026-09-26T13:24:30Z' },
  { zone: 'Pacific/Auckland', start: '2026-04-04T12:54:30Z' },
]
/** Minutes that the fake clock covers, at thirty times the speed of the real one. */
const minutes = 130
const speed = 30

let wrong = 0
const only = process.argv.slice(2)
const chosen = edges.filter(({ zone }) => only.length === 0 || only.includes(zone))
const seen = await Promise.all(chosen.map(({ zone, start }) => observe(zone, start)))
for (const [at, { zone, start }] of chosen.entries()) {
  console.log(`${zone}, ${minutes} minutes from ${start}`)
  for (const [index, text] of patterns.entries()) {
    // a line that had several times in a gap runs as often right after it; for the ledger that is one nominal time
    const daemon = [...new Set(seen[at]?.[index])]
    const expected = expectedOf(text, zone, start)
    const same = daemon.join() === expected.join()
    if (!same) wrong++
    const other = same ? '' : `   iqtask ${expected.join(' ') || '–'}`
    console.log(`  ${same ? 'same ' : 'OTHER'} ${text.padEnd(14)} cron ${daemon.join(' ') || '–'}${other}`)
  }
}
process.exitCode = wrong === 0 ? 0 : 1

/** UTC minutes at which iqtask has a nominal time. */
function expectedOf(text: string, timeZone: string, start: string): string[] {
  const from = new Date(start)
  const { between } = occurrencesOf({ pattern: parsePattern({ kind: 'cron', text }), timeZone, exclude: [] })
  return [...between(from, new Date(from.getTime() + minutes * 60_000))].map((at) => at.toISOString().slice(11, 16))
}

/** What each line of a table did: UTC minutes. */
async function observe(zone: string, start: string): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'iqtask-cron-'))
  try {
    // cron keeps the fake clock to itself: its jobs tell the real time, which is reckoned back
    const lines = patterns.map((text, index) => `${text} /bin/date +\\%s.\\%N >> ${folder}/seen.${index}\n`)
    writeFileSync(join(folder, 'table'), lines.join(''))
    const script = `set -e
mount -t tmpfs tmpfs /var/spool/cron; mkdir -m 1730 /var/spool/cron/crontabs; chgrp crontab /var/spool/cron/crontabs
mount -t tmpfs tmpfs /etc/cron.d; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm
cp /usr/share/zoneinfo/${zone} ${folder}/zone; mount --bind ${folder}/zone "$(readlink -f /etc/localtime)"
: > ${folder}/empty; mount --bind ${folder}/empty /etc/crontab
crontab ${folder}/table
export TZ=${zone}
/bin/date +%s.%N > ${folder}/began
exec timeout ${Math.ceil((minutes * 60) / speed)} faketime -f '@${localOf(zone, start)} x${speed}' cron -f`
    const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await new Promise((resolve) => child.on('close', resolve))
    const began = Number(numbers(join(folder, 'began'))[0])
    const faked = (real: number): string =>
      new Date(Date.parse(start) + (real - began) * speed * 1000).toISOString().slice(11, 16)
    return patterns.map((_, index) => numbers(join(folder, `seen.${index}`)).map(faked))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** faketime takes local time. */
function localOf(timeZone: string, start: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return format.format(new Date(start))
}

function numbers(file: string): number[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number)
  } catch {
    return []
  }
}
